#!/bin/bash
# deploy.sh : releases what the build handed on, by digest, and reports how it ended. A release that does not become
# ready is rolled back by Helm itself; that is reported as a failure, with the revision that runs again.
set -euo pipefail
: "${SERVICE:?}" "${DEPLOY_ENV:?}" "${CLUSTER:?}" "${NAMESPACE:?}" "${CHART_URI:?}" "${CHART_VERSION:?}" "${ECR_REPOSITORY:?}" "${IMAGE_DIGEST:?}" "${COMMIT_SHA:?}" "${DEPLOY_BUS:?}"
timeout=${DEPLOY_TIMEOUT:-10m}
started=$(date -u +%Y-%m-%dT%H:%M:%SZ)

if ! [[ $IMAGE_DIGEST =~ ^sha256:[0-9a-f]{64}$ ]]; then echo "deploy: '$IMAGE_DIGEST' is no digest; a tag is never deployed" >&2; exit 1; fi
# The archive must be of the same build: a mix of one build's image and another's values has been nobody's intention.
python3 - <<'PY'
import json, os, sys
r = json.load(open("build-result.json"))
if not r["image"].endswith("@" + os.environ["IMAGE_DIGEST"]) or r["commit"] != os.environ["COMMIT_SHA"]:
    sys.exit("deploy: the digest that was handed on is not the one that this archive's build made")
PY

if [ -z "${KUBECONFIG:-}" ]; then
  KUBECONFIG=$(mktemp); export KUBECONFIG
  aws eks update-kubeconfig --name "$CLUSTER" --kubeconfig "$KUBECONFIG" >/dev/null
fi
values=(-f deploy/values.yaml)
[ ! -f "deploy/values-$DEPLOY_ENV.yaml" ] || values+=(-f "deploy/values-$DEPLOY_ENV.yaml")

flags=()
[ -z "${HELM_FLAGS:-}" ] || read -ra flags <<<"$HELM_FLAGS"
status=succeeded code=0
helm upgrade --install "$SERVICE" "$CHART_URI" --version "$CHART_VERSION" --namespace "$NAMESPACE" "${values[@]}" \
  --set-string "image.repository=$ECR_REPOSITORY" --set-string "image.digest=$IMAGE_DIGEST" \
  --set-string "platform.commit=$COMMIT_SHA" --set-string "platform.tag=${IMAGE_TAG:-}" \
  --set-string "platform.buildId=${CODEBUILD_BUILD_ID:-}" --set-string "platform.executionId=${EXECUTION_ID:-}" \
  --rollback-on-failure --wait --timeout "$timeout" --history-max 20 ${flags[@]+"${flags[@]}"} || { code=$?; status=failed; }

# Asked afterwards and not assumed: after a failure this is the revision that runs again.
revision=$(helm history "$SERVICE" --namespace "$NAMESPACE" -o json 2>/dev/null | python3 -c '
import json, sys
h = [r for r in json.load(sys.stdin) if r["status"] == "deployed"]
print(h[-1]["revision"] if h else 0)' || echo 0)

export started status revision
python3 - >event.json <<'PY'
import datetime, json, os
e = os.environ.get
meta = json.load(open("build-meta.json"))
detail = {"schema": 1, "service": e("SERVICE"), "environment": e("DEPLOY_ENV"), "cluster": e("CLUSTER"), "namespace": e("NAMESPACE"),
          "release": e("SERVICE"), "revision": int(e("revision")), "chart_version": e("CHART_VERSION"), "commit": e("COMMIT_SHA"),
          "image_digest": e("IMAGE_DIGEST"), "build_id": e("CODEBUILD_BUILD_ID", ""), "execution_id": e("EXECUTION_ID", ""),
          "source_version_id": e("SOURCE_VERSION_ID", ""), "status": e("status"), "started_at": e("started"),
          "finished_at": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"), "actor": meta.get("author", "")}
print(json.dumps([{"Source": "platform.deploy", "DetailType": "Deployment Finished", "EventBusName": e("DEPLOY_BUS"), "Detail": json.dumps(detail)}]))
PY
# A report that is refused or lost must not turn a good release into a failed one: the portal also looks for itself.
aws events put-events --entries file://event.json --query FailedEntryCount --output text >report.txt 2>&1 || true
grep -qx 0 report.txt || echo "deploy: the report was not taken: $(cat report.txt)" >&2
echo "deploy: $SERVICE in $DEPLOY_ENV: $status, revision $revision runs"
exit "$code"
