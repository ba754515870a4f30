# shellcheck shell=bash
# What every tier shares: counting, real parts, a scratch copy. Sourced, not run.
# Each check prints one line; a tier ends with "N passed, N failed, N skipped" and fails when anything failed.
# With SLIPWAY_REQUIRE=1 (CI) a skip is a failure too: there, every part has to be.
set -uo pipefail

INFRA=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
PARTS=$INFRA/lab/parts.sh
export CHECKPOINT_DISABLE=1 TF_IN_AUTOMATION=1 TF_INPUT=0 PYTHONDONTWRITEBYTECODE=1
# What a person's shell says must not change a test. A bundle of certificates is of no use on loopback, and the AWS
# provider can then be configured only once per process.
unset TF_CLI_CONFIG_FILE AWS_CA_BUNDLE
for v in $(compgen -e AWS_); do unset "$v"; done # a tier sets what it needs; nobody's account is meant
passed=0 failed=0 skipped=0
WORK=$(mktemp -d "${TMPDIR:-/tmp}/slipway-infra.XXXXXX")
started=()

pass() { passed=$((passed + 1)); printf 'ok       %s\n' "$1"; }
fail() { failed=$((failed + 1)); printf 'FAILED   %s\n' "$1"; [ -z "${2:-}" ] || printf '%s\n' "$2" | tail -25 | sed 's/^/         /'; }
skip() { skipped=$((skipped + 1)); printf 'SKIPPED  %s: %s\n' "$1" "$2"; }

# check NAME COMMAND... : passes when the command succeeds
check() { local n=$1 out; shift; if out=$("$@" 2>&1); then pass "$n"; else fail "$n" "$out"; fi; }
# refused NAME TEXT COMMAND... : passes when the command fails and says TEXT
refused() {
  local n=$1 text=$2 out; shift 2
  if out=$("$@" 2>&1); then fail "$n" "it was accepted"; elif grep -qiE -- "$text" <<<"$out"; then pass "$n"; else fail "$n" "refused, but without saying /$text/: $out"; fi
}

part() { "$PARTS" path "$1" 2>/dev/null; }
# need NAME PART : the folder of a part in $PART_DIR, or a skip that says so
need() { PART_DIR=$(part "$2") || { skip "$1" "the part '$2' is not here (infra/lab/parts.sh get $2)"; return 1; }; }

# The folder that holds the real AWS provider, wherever this machine keeps it.
provider_mirror() {
  local d f
  for d in "${SLIPWAY_TF_PLUGINS:-}" "${SLIPWAY_PROVIDER_MIRROR:-}" /opt/tf-plugins /opt/*plugins* /usr/local/share/terraform/plugins "$HOME/.terraform.d/plugins"; do
    [ -d "$d" ] || continue
    f=$(find -L "$d" -name 'terraform-provider-aws*' -type f -print -quit 2>/dev/null)
    if [ -n "$f" ]; then echo "$d"; return 0; fi
  done
  return 1
}
need_aws() {
  command -v terraform >/dev/null || { skip "$1" "terraform is not on this machine"; return 1; }
  MIRROR=$(provider_mirror) || { skip "$1" "the AWS provider's binary is not on this machine (set SLIPWAY_TF_PLUGINS)"; return 1; }
}

# with_helm_provider : adds the schema-only helm provider to the mirror, when it is here. The mirror's own layout tells how.
PLUGINS=()
with_helm_provider() {
  local host dir to
  PLUGINS=(-plugin-dir="$MIRROR")
  dir=$(part helm-provider) || return 1
  host=$(find -L "$MIRROR" -maxdepth 2 -name hashicorp -printf '%h\n' -quit); host=${host##*/}
  to=$WORK/mirror/$host/hashicorp/helm/3.1.1/$(uname -s | tr '[:upper:]' '[:lower:]')_$(uname -m | sed 's/x86_64/amd64/; s/aarch64/arm64/')
  mkdir -p "$to"; cp "$dir/bin/terraform-provider-helm" "$to/terraform-provider-helm_v3.1.1"
  # Twingate's likewise: its few resources are written down in lab/twingate-schema.json, after its bindings 4.3.1.
  local tw=${to/hashicorp\/helm\/3.1.1/twingate\/twingate\/4.3.1}
  mkdir -p "$tw"
  sed "s|TF_STUB_SCHEMA=[^ ]*|TF_STUB_SCHEMA=$INFRA/lab/twingate-schema.json|" "$dir/bin/terraform-provider-helm" >"$tw/terraform-provider-twingate_v4.3.1"
  chmod +x "$tw/terraform-provider-twingate_v4.3.1"
  PLUGINS+=(-plugin-dir="$WORK/mirror")
}

# attach_aws : one process of the real provider for all following `terraform` commands. Starting it takes longer than most
# of what is asked of it, and a test would start it once per run. It may be shared by commands at the same time only where
# nothing configures it (validate, and tests that mock it). `terraform init` is then spared the provider.
attach_aws() {
  local binary pid out
  out=$(mktemp "$WORK/provider.XXXXXX")
  binary=$(find -L "$MIRROR" -name 'terraform-provider-aws*' -type f -print -quit)
  "$binary" -debug >"$out" 2>"$out.err" &
  pid=$!; started+=("$pid")
  for _ in $(seq 300); do
    TF_REATTACH_PROVIDERS=$(sed -n "s/.*TF_REATTACH_PROVIDERS='\(.*\)'$/\1/p" "$out")
    if [ -n "$TF_REATTACH_PROVIDERS" ]; then export TF_REATTACH_PROVIDERS; return 0; fi
    kill -0 "$pid" 2>/dev/null || break
    sleep .1
  done
  unset TF_REATTACH_PROVIDERS # then everybody starts it anew: slower, the same answers
}

# par N FUNCTION WORD... : FUNCTION for each word, N at a time, each with counters and servers of its own; what they said
# is printed in the order of the words. Words are file names.
children=()
par() {
  local n=$1 f=$2 w p alive c; shift 2
  mkdir -p "$WORK/par"
  children=()
  for w in "$@"; do
    while :; do
      alive=(); for p in ${children[@]+"${children[@]}"}; do if kill -0 "$p" 2>/dev/null; then alive+=("$p"); fi; done
      children=(${alive[@]+"${alive[@]}"})
      [ "${#children[@]}" -lt "$n" ] && break
      sleep .1
    done
    ( started=() passed=0 failed=0 skipped=0
      trap 'for p in ${started[@]+"${started[@]}"}; do kill "$p" 2>/dev/null; done; exit 1' INT TERM
      "$f" "$w"
      for p in ${started[@]+"${started[@]}"}; do kill "$p" 2>/dev/null; wait "$p" 2>/dev/null; done
      echo "$passed $failed $skipped" >"$WORK/par/${w//\//_}.count" ) >"$WORK/par/${w//\//_}.out" 2>&1 &
    children+=("$!")
  done
  for p in ${children[@]+"${children[@]}"}; do wait "$p" 2>/dev/null; done
  children=()
  for w in "$@"; do
    p=$WORK/par/${w//\//_}; cat "$p.out"
    if read -r -a c <"$p.count" 2>/dev/null; then passed=$((passed + c[0])) failed=$((failed + c[1])) skipped=$((skipped + c[2])); rm -f "$p.count"; else fail "$w ended without a count"; fi
  done
}

free_port() { python3 "$INFRA/lab/ports.py" 1; }

# moto_up : starts moto on a free loopback port; sets AWS_ENDPOINT_URL and harmless credentials.
# MOTO=corrected: with the corrections of lab/moto_corrected.py.
moto_up() {
  local dir port
  dir=$(part moto) || return 1
  port=$(free_port)
  local server=("$dir/bin/moto_server")
  if [ "${MOTO:-}" = corrected ]; then server=("$dir/venv/bin/python" "$INFRA/lab/moto_corrected.py"); fi
  MOTO_IAM_LOAD_MANAGED_POLICIES=true "${server[@]}" -H 127.0.0.1 -p "$port" >"$WORK/moto-$port.log" 2>&1 &
  MOTO_PID=$!
  started+=("$MOTO_PID")
  export AWS_ENDPOINT_URL=http://127.0.0.1:$port AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test AWS_REGION=eu-west-1 AWS_DEFAULT_REGION=eu-west-1 AWS_EC2_METADATA_DISABLED=true
  for _ in $(seq 150); do curl -fs "$AWS_ENDPOINT_URL/moto-api/data.json" >/dev/null 2>&1 && return 0; sleep .2; done
  return 1
}
# ministack_up : the same for MiniStack, which knows what moto lacks of EKS. It would start clusters in Docker where there
# is one; here it only answers for the API.
ministack_up() {
  local dir port
  dir=$(part ministack) || return 1
  port=$(free_port); mkdir -p "$WORK/ministack"
  local server=("$dir/bin/ministack")
  [ -z "${EC2_ENDPOINT:-}" ] || server=("$dir/venv/bin/python" "$INFRA/lab/ministack_eks.py" "$EC2_ENDPOINT")
  # Over TLS, because a cluster's issuer is an https address and the provider insists on that.
  openssl req -x509 -newkey rsa:2048 -nodes -keyout "$WORK/ms.key" -out "$WORK/ms.crt" -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost,IP:127.0.0.1 2>/dev/null
  export AWS_CA_BUNDLE=$WORK/ms.crt
  ( cd "$WORK/ministack" && USE_SSL=1 MINISTACK_SSL_CERT=$WORK/ms.crt MINISTACK_SSL_KEY=$WORK/ms.key BIND_HOST=127.0.0.1 GATEWAY_PORT=$port DOCKER_HOST=tcp://127.0.0.1:1 STATE_DIR=$WORK/ministack SERVICES=${MINISTACK_SERVICES:-ec2,eks,iam,kms,logs,sts} exec "${server[@]}" ) >"$WORK/ministack.log" 2>&1 &
  MOTO_PID=$!
  started+=("$MOTO_PID")
  export AWS_ENDPOINT_URL=https://localhost:$port AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test AWS_REGION=eu-west-1 AWS_DEFAULT_REGION=eu-west-1 AWS_EC2_METADATA_DISABLED=true
  for _ in $(seq 150); do curl -fs --cacert "$WORK/ms.crt" "$AWS_ENDPOINT_URL/_ministack/health" >/dev/null 2>&1 && return 0; sleep .2; done
  return 1
}
# both_up : moto for everything but EKS, which MiniStack answers ($EKS_ENDPOINT), so that what needs both is applied as one.
both_up() {
  moto_up || return 1
  BOTH_PID=$MOTO_PID
  local all=$AWS_ENDPOINT_URL
  EC2_ENDPOINT=$all MINISTACK_SERVICES=eks,sts ministack_up || return 1
  export EKS_ENDPOINT=$AWS_ENDPOINT_URL AWS_ENDPOINT_URL=$all
}
moto_down() {
  local p
  unset AWS_CA_BUNDLE EKS_ENDPOINT
  for p in "$MOTO_PID" ${BOTH_PID:-}; do kill "$p" 2>/dev/null; wait "$p" 2>/dev/null; done
  unset BOTH_PID
}

# What the AWS provider needs to talk to a stand-in; written beside a root as an override, so examples stay clean. After the
# stand-in was started.
write_override() {
  cat >"$1/stand_in_override.tf" <<'TF'
provider "aws" {
  region                      = "eu-west-1"
  s3_use_path_style           = true
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  skip_region_validation      = true
}
TF
  [ -z "${EKS_ENDPOINT:-}" ] || sed -i "s|^  region .*|&\n  endpoints {\n    eks = \"$EKS_ENDPOINT\"\n  }|" "$1/stand_in_override.tf"
}

finish() {
  local p
  for p in ${children[@]+"${children[@]}"} ${started[@]+"${started[@]}"}; do kill "$p" 2>/dev/null; wait "$p" 2>/dev/null; done
  if [ -n "${CLUSTER_DIR:-}" ]; then "$INFRA/lab/cluster.sh" stop "$CLUSTER_DIR" >/dev/null 2>&1; fi
  if [ -z "${SLIPWAY_KEEP:-}" ]; then rm -rf "$WORK"; else echo "kept: $WORK"; fi
  printf '%s: %d passed, %d failed, %d skipped\n' "$TIER" "$passed" "$failed" "$skipped"
  if [ "$failed" -gt 0 ] || { [ -n "${SLIPWAY_REQUIRE:-}" ] && [ "$skipped" -gt 0 ]; }; then exit 1; fi
  exit 0
}
interrupted() { fail "interrupted" ""; finish; }
trap interrupted INT TERM

# cluster_up : a control plane, kubectl and Helm; sets KUBECONFIG, HELM. Extensions' definitions come from their modules.
cluster_up() {
  local k=$1 eso
  need "$k" helm || return 1; HELM=$PART_DIR/bin/helm
  need "$k" external-secrets || return 1; eso=$PART_DIR
  need "$k" cluster || return 1
  command -v kubectl >/dev/null || { skip "$k" "kubectl is not on this machine"; return 1; }
  CLUSTER_DIR=$WORK/cluster
  "$INFRA/lab/cluster.sh" start "$CLUSTER_DIR" >"$WORK/cluster.log" 2>&1 || { fail "$k: the control plane did not start" "$(cat "$WORK/cluster.log")"; return 1; }
  export KUBECONFIG=$CLUSTER_DIR/kubeconfig HELM_CACHE_HOME=$WORK/helm HELM_CONFIG_HOME=$WORK/helm HELM_DATA_HOME=$WORK/helm
  # Without the conversion webhook, whose server is not here; only version v1 is used.
  "$(part kube-validate)/venv/bin/python" - "$eso/deploy/crds/bundle.yaml" >"$WORK/crds.yaml" <<'PY' || return 1
import sys, yaml
keep = {"externalsecrets.external-secrets.io", "secretstores.external-secrets.io", "clustersecretstores.external-secrets.io"}
for d in yaml.safe_load_all(open(sys.argv[1])):
    if d and d["metadata"]["name"] in keep:
        d["spec"].pop("conversion", None)
        print("---"); print(yaml.safe_dump(d))
PY
  kubectl apply --server-side -f "$WORK/crds.yaml" >"$WORK/crds.log" 2>&1 || { fail "$k: CRDs" "$(cat "$WORK/crds.log")"; return 1; }
  for _ in $(seq 60); do kubectl -n default get externalsecrets,secretstores >/dev/null 2>&1 && return 0; sleep .5; done # asked, not waited for: kubectl wait fails on a CRD without a status yet
  fail "$k: CRDs are not served"; return 1
}
# eventually SECONDS COMMAND... : until it succeeds
eventually() { local n=$(($1 * 4)); shift; for _ in $(seq "$n"); do "$@" >/dev/null 2>&1 && return 0; sleep .25; done; "$@"; }
# is TEXT COMMAND... : the command prints exactly TEXT
is() { local want=$1 got; shift; got=$("$@" 2>&1); [ "$got" = "$want" ] || { echo "wanted: $want"; echo "got:    $got"; return 1; }; }
