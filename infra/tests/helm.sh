#!/bin/bash
# What Terraform installs by Helm, really installed: the template "preview-environment" by the worker's own account, and
# the module "helm" with the add-ons whose charts are here, both applied and destroyed on a control plane.
# The provider is the real one in its last version that can be had here, 1.3.2. The code asks for 3.1 and names nothing
# that 1.3.2 lacks, so in the copies below only the version is changed, and the charts come from a folder: Helm 3.3 knew
# no OCI registries yet. The nodes are simulated, so an add-on's pods are "ready" without having run.
TIER=helm
# shellcheck source=lib.sh
source "$(dirname "$0")/lib.sh"
command -v terraform >/dev/null || { skip "releases by Terraform" "terraform is not on this machine"; finish; }
need "releases by Terraform" helm-real || finish
PROVIDER=$PART_DIR/bin/terraform-provider-helm
cluster_up "releases by Terraform" || finish
C=$INFRA/charts V=$INFRA/tests/values
# The mirror's layout needs the registry's name; Terraform itself tells it, in its message about a missing provider.
mkdir -p "$WORK/ask" "$WORK/mirror"; printf 'terraform {\n  required_providers {\n    helm = { source = "hashicorp/helm" }\n  }\n}\n' >"$WORK/ask/main.tf"
host=$(cd "$WORK/ask" && terraform init -backend=false -plugin-dir="$WORK/mirror" -no-color 2>&1 | tr -s '\n ' ' ' | grep -oE '[a-z.]+/hashicorp/helm' | head -1); host=${host%%/*}
[ -n "$host" ] || { fail "the name of the providers' registry" "Terraform did not say it"; finish; }
to=$WORK/mirror/$host/hashicorp/helm/1.3.2/$(uname -s | tr '[:upper:]' '[:lower:]')_$(uname -m | sed 's/x86_64/amd64/; s/aarch64/arm64/')
mkdir -p "$to"; cp "$PROVIDER" "$to/terraform-provider-helm_v1.3.2"
old() { sed -i 's/version = "~> 3\.1"/version = "1.3.2"/' "$1"; grep -q '"1.3.2"' "$1"; }
tf() { local d=$1; shift; ( cd "$d" && terraform "$@" -no-color ); }
digest() { printf 'sha256:%s' "$(printf "$1%.0s" {1..64})"; }
image() { kubectl -n preview-42 get deploy checkout -o 'jsonpath={.spec.template.spec.containers[0].image}'; }

# --- the template, as the portal's worker applies it: through a generated root, with the worker's rights and no more
check "the portal is there, with the worker's account" "$HELM" upgrade --install slipway "$C/slipway" -n slipway --create-namespace -f "$V/slipway-least.yaml" --wait --timeout 180s
token=$(kubectl -n slipway create token slipway-worker --duration=1h)
kubectl config view --raw -o json | python3 -c '
import json, sys
k = json.load(sys.stdin); k["users"][0]["user"] = {"token": sys.argv[1]}; print(json.dumps(k))' "$token" >"$WORK/worker.kubeconfig"
R=$WORK/root; mkdir -p "$R"; cp -r "$INFRA/catalog/preview-environment" "$R/template"
check "the template asks for a version in one place" old "$R/template/main.tf"
cat >"$R/template/charts_override.tf" <<TF
resource "helm_release" "namespace" {
  repository = null
  chart      = "$C/namespace"
}
resource "helm_release" "service" {
  repository = null
  chart      = "$C/service"
}
TF
cat >"$R/main.tf" <<TF
provider "helm" {
  kubernetes {
    config_path = "$WORK/worker.kubeconfig"
  }
}
variable "image_digest" {
  type = string
}
module "template" {
  source           = "./template"
  name             = "42"
  team             = "shop"
  service          = "checkout"
  size             = "M"
  host             = "checkout-42.preview.example.org"
  image_repository = "registry.example.org/shop/checkout"
  image_digest     = var.image_digest
  chart_registry   = "oci://registry.example.org/charts"
  expires_at       = "2027-01-31T18:00:00Z"
}
output "url" {
  value = module.template.url
}
TF
# A preview's name must begin with a letter; "42" is refused before anything is made.
check "init with the real provider" tf "$R" init -plugin-dir="$WORK/mirror"
refused "a name that begins with a digit is refused in words" "must begin with a lower-case letter" tf "$R" plan -var "image_digest=$(digest a)"
sed -i 's/"42"/"pr-42"/' "$R/main.tf"; image() { kubectl -n preview-pr-42 get deploy checkout -o 'jsonpath={.spec.template.spec.containers[0].image}'; }
refused "an image by tag is refused" "by digest" tf "$R" plan -var image_digest=latest
check "preview-environment: applied" tf "$R" apply -auto-approve -var "image_digest=$(digest a)"
check "its namespace is the portal's, with an end" is "true 2027-01-31T18:00:00Z" kubectl get ns preview-pr-42 -o 'jsonpath={.metadata.labels.portal/managed} {.metadata.annotations.portal/expires-at}'
check "closed by default, with a quota of size M" bash -c "kubectl -n preview-pr-42 get networkpolicy default-deny >/dev/null && [ \"\$(kubectl -n preview-pr-42 get resourcequota -o 'jsonpath={.items[0].spec.hard.pods}')\" = 10 ]"
check "the service is up by digest" is "registry.example.org/shop/checkout@$(digest a)" image
check "its name is there for external-dns" is checkout-42.preview.example.org kubectl -n preview-pr-42 get ingress checkout -o 'jsonpath={.spec.rules[0].host}'
tf "$R" plan -detailed-exitcode -var "image_digest=$(digest a)" >"$WORK/again.log" 2>&1; check "planning again changes nothing" is 0 echo $?
check "another image: upgraded" tf "$R" apply -auto-approve -var "image_digest=$(digest b)"
check "the new one runs" is "registry.example.org/shop/checkout@$(digest b)" image
sed -i 's/timeout *= 600/timeout = 15/' "$R/template/main.tf"
refused "an image whose pods crash fails the apply" "timed out|failed|rolled back" tf "$R" apply -auto-approve -var "image_digest=$(digest d)"
check "and the release goes back by itself" eventually 30 is "registry.example.org/shop/checkout@$(digest b)" image
check "destroyed" tf "$R" destroy -auto-approve -var "image_digest=$(digest b)"
check "and nothing is left" eventually 60 bash -c '! kubectl get ns preview-pr-42'

# --- the module "helm": our values into those charts that are here
M=$WORK/module; mkdir -p "$M/charts"; cp -r "$INFRA/modules/helm" "$M/helm"; old "$M/helm/versions.tf" || fail "the module's version"
eso=$(part external-secrets-chart)/external-secrets; dns=$(part external-dns)/charts/external-dns; eck=$(part eck)/eck-operator
for p in "$eso" "$dns" "$eck"; do
  [ -d "$p" ] || { skip "the module helm" "the chart $(basename "$p") is not here"; finish; }
  # Without dependencies that the values leave off: their charts are not here.
  cp -r "$p" "$M/charts/"; n=$(basename "$p")
  [ -d "$p/charts" ] || sed -i '/^dependencies:/,/^[a-z]*:/{/^dependencies:/d;/^ /d;/^-/d}' "$M/charts/$n/Chart.yaml"; rm -f "$M/charts/$n/Chart.lock"
done
"$(part kube-validate)/venv/bin/python" - "$INFRA/monitoring/addons.yaml" "$M" <<'PY'
import pathlib, re, sys, yaml
text, m = open(sys.argv[1]).read(), pathlib.Path(sys.argv[2])
for chart in ("external-secrets", "external-dns", "eck-operator"):  # the version that is here, not the pinned one
    v = yaml.safe_load((m / "charts" / chart / "Chart.yaml").read_text())["version"]
    text = re.sub(rf"(chart: {chart}\n.*?version: )\S+", rf"\g<1>{v}", text, flags=re.S, count=1)
(m / "addons.yaml").write_text(text)
PY
for r in first addon; do printf 'resource "helm_release" "%s" {\n  repository = null\n  chart      = "%s/charts/${each.value.chart}"\n}\n' $r "$M"; done >"$M/helm/charts_override.tf"
cat >"$M/main.tf" <<TF
provider "helm" {
  kubernetes {
    config_path = "$KUBECONFIG"
  }
}
module "addons" {
  source      = "./helm"
  addons_file = "$M/addons.yaml"
  enabled     = ["external-secrets", "external-dns", "eck-operator"]
  cluster     = { name = "shop-dev", region = "eu-west-1", dns_domain = "dev.example.org", registry = "registry.example.org", environment = "dev" }
}
output "versions" {
  value = module.addons.versions
}
TF
# This chart brings the definitions that cluster_up laid down by hand, and two owners are one too many.
kubectl delete crd --all --timeout=180s >/dev/null 2>&1
check "helm: init" tf "$M" init -plugin-dir="$WORK/mirror"
check "helm: three add-ons applied" tf "$M" apply -auto-approve
check "helm: they are deployed" is "deployed deployed deployed" bash -c "'$HELM' list -A -o json | python3 -c 'import json,sys; print(*[r[\"status\"] for r in json.load(sys.stdin) if r[\"name\"] in (\"external-secrets\",\"external-dns\",\"eck-operator\")])'"
check "helm: external-dns got its owner, filter and policy" bash -c "kubectl -n external-dns get deploy external-dns -o 'jsonpath={.spec.template.spec.containers[0].args}' | grep -- --policy=sync | grep -- --txt-owner-id=shop-dev | grep -q -- --domain-filter=dev.example.org"
check "helm: no editor of a namespace gets a right from an add-on" is "" kubectl get clusterroles -l rbac.authorization.k8s.io/aggregate-to-edit=true,app.kubernetes.io/name=external-secrets -o name
check "helm: images come from our registry alone" bash -c "! kubectl get pods -A -o jsonpath='{range .items[*]}{range .spec.containers[*]}{.image}{\"\n\"}{end}{end}' | grep -v '^registry.example.org/' | grep ."
tf "$M" plan -detailed-exitcode >"$WORK/again.log" 2>&1; check "helm: planning again changes nothing" is 0 echo $?
# ECK keeps its definitions on purpose (docs/operating.md); provider 1.3.2 calls it an error that something is kept.
gone() { tf "$M" destroy -auto-approve || tf "$M" destroy -auto-approve; }
check "helm: destroyed" gone
check "helm: ECK's definitions stay, so that no index goes with them" kubectl get crd elasticsearches.elasticsearch.k8s.elastic.co
check "helm: no release is left" is "slipway" "$HELM" list -A -q
[ "$failed" -eq 0 ] || tail -40 "$WORK/again.log"
finish
