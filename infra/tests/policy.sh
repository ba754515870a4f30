#!/bin/bash
# checkov over the modules and over the manifests that our charts render. Every exception stands beside the resource,
# with its reason and its owner; one without is a failure.
TIER=policy
# shellcheck source=lib.sh
source "$(dirname "$0")/lib.sh"
need "checkov" checkov || finish
CK=$PART_DIR/venv/bin/checkov

cat >"$WORK/report.py" <<'PY'
import json, sys
d = json.load(open(sys.argv[1])); d = d if isinstance(d, list) else [d]
failed = [f for x in d for f in x["results"]["failed_checks"]]
skipped = sum(x["summary"]["skipped"] for x in d)
print(sum(x["summary"]["passed"] for x in d), len(failed), skipped, sum(x["summary"]["parsing_errors"] for x in d))
for f in failed:
    print(f["check_id"], f["resource"], f["file_path"], f["check_name"])
sys.exit(bool(failed) or any(x["summary"]["parsing_errors"] for x in d) or not sum(x["summary"]["passed"] for x in d))
PY
scan() { # NAME ARGS...
  local n=$1 out; shift
  "$CK" "$@" --quiet --compact --skip-download -o json >"$WORK/$n.json" 2>/dev/null
  if out=$(python3 "$WORK/report.py" "$WORK/$n.json"); then read -r p _ s _ <<<"$out"; pass "$n: $p checks hold, $s are set aside with reasons"; else fail "$n" "$out"; fi
}
scan modules -d "$INFRA/modules" --framework terraform --skip-path '/shared/|/examples/|/tests/'
check "every exception has a reason and an owner" bash -c "! grep -rhn 'checkov:skip' '$INFRA/modules' --include=*.tf | grep -vE 'skip=CKV[0-9]*_[A-Z]+_[0-9]+:.{15,} \(owner: [a-z]+\)$'"

if need "rendered charts" helm; then
  HELM=$PART_DIR/bin/helm
  export HELM_CACHE_HOME=$WORK/helm HELM_CONFIG_HOME=$WORK/helm HELM_DATA_HOME=$WORK/helm
  mkdir "$WORK/rendered"
  for c in service namespace slipway; do "$HELM" template "$c" "$INFRA/charts/$c" -n "$c" -f "$INFRA/tests/values/$c-all.yaml" --kube-version 1.35.0 >"$WORK/rendered/$c.yaml"; done
  # Set aside for all charts, each with its reason:
  #  CKV_K8S_35  secrets as files: applications take their settings from the environment (owner: platform)
  #  CKV_K8S_11  limits on processor: they only slow pods down while the node is idle; memory is limited (owner: platform)
  #  CKV_K8S_15  always pulling: images are named by digest, so a cached one is the same (owner: platform)
  #  CKV_K8S_38  the worker's token: it talks to the API, for its own pod alone (owner: platform)
  #  CKV_K8S_8,9 probes of jobs and of the worker: it serves nobody; a stuck one loses its lease (owner: platform)
  #  CKV_K8S_155,157,158  the roles' rights are reviewed one by one against the API server in access.sh (owner: platform)
  #  CKV2_K8S_5  the worker reads the Secrets of slipway-releases: Helm's history and nothing else is kept there (owner: platform)
  scan charts -d "$WORK/rendered" --framework kubernetes --skip-check CKV_K8S_35,CKV_K8S_11,CKV_K8S_15,CKV_K8S_38,CKV_K8S_8,CKV_K8S_9,CKV_K8S_155,CKV_K8S_157,CKV_K8S_158,CKV2_K8S_5
fi
# Set aside: CKV_GITLABCI_2, two pipelines for one push: merge requests and the default branch exclude each other here,
# since no other branch has a pipeline (owner: platform).
scan pipelines --skip-check CKV_GITLABCI_2 -d "$INFRA/pipelines" --framework gitlab_ci
# A scanner that finds nothing wrong in what is wrong would prove nothing.
mkdir "$WORK/wrong"; printf 'resource "aws_security_group" "x" {\n  ingress {\n    from_port = 22\n    to_port = 22\n    protocol = "tcp"\n    cidr_blocks = ["0.0.0.0/0"]\n  }\n}\n' >"$WORK/wrong/main.tf"
refused "SSH open to the world is found" "CKV_AWS_24" "$CK" -d "$WORK/wrong" --quiet --compact --skip-download
finish
