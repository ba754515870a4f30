#!/bin/bash
# From a merge to a running release, by the very scripts of infra/pipelines. Stand-ins are GitLab (its variables), the
# place where CodeBuild would run, and the image's builder; S3, the registry, Helm, the API server and the event are real
# or moto's. The artefact goes from step to step by version and digest, as it would there.
TIER=pipelines
# shellcheck source=lib.sh
source "$(dirname "$0")/lib.sh"
P=$INFRA/pipelines

if need "linting" lint; then
  L=$PART_DIR/venv/bin
  check "shellcheck: the pipelines' scripts, everything" "$L/shellcheck" "$P"/scripts/*.sh
  # The tests' shared variables live in lib.sh, which shellcheck sees as another file (SC2034, SC2154, SC1091).
  check "shellcheck: lab and tests" "$L/shellcheck" -S warning -e SC1091,SC2034,SC2154 "$INFRA"/lab/*.sh "$INFRA"/tests/*.sh
  check ".gitlab-ci.yml is valid by GitLab's schema" "$L/check-jsonschema" --builtin-schema vendor.gitlab-ci --data-transform gitlab-ci "$P/.gitlab-ci.yml"
  for b in buildspec buildspec-deploy; do check "$b.yml is valid" "$L/check-jsonschema" --schemafile "$P/buildspec.schema.json" "$P/$b.yml"; done
  printf 'version: 0.2\nphases: {build: {comands: [make]}}\n' >"$WORK/bad.yml"
  refused "a misspelt key of a buildspec" "comands" "$L/check-jsonschema" --schemafile "$P/buildspec.schema.json" "$WORK/bad.yml"
fi
need "merge to release" moto || finish
PY=$PART_DIR/venv/bin/python
need "merge to release" registry || finish
REGISTRY=$PART_DIR/bin/docker-registry
command -v aws >/dev/null && aws --version >/dev/null 2>&1 || { skip "merge to release" "the aws command is not on this machine"; finish; }
cluster_up "merge to release" || finish
moto_up || { fail "moto did not start"; finish; }

# A registry on loopback, for the image and for the chart.
port=$(free_port)
cat >"$WORK/registry.yml" <<Y
version: 0.1
log: {level: error}
storage: {filesystem: {rootdirectory: $WORK/registry}, delete: {enabled: false}}
http: {addr: "127.0.0.1:$port"}
Y
"$REGISTRY" serve "$WORK/registry.yml" >"$WORK/registry.log" 2>&1 &
started+=("$!")
eventually 20 curl -fs "http://127.0.0.1:$port/v2/" >/dev/null
export PATH=$WORK/bin:$PATH ECR_REPOSITORY=127.0.0.1:$port/shop/checkout
mkdir -p "$WORK/bin"; ln -s "$HELM" "$WORK/bin/helm"
check "the chart is packed and pushed to a registry" bash -c "'$HELM' package '$INFRA/charts/service' -d '$WORK' >/dev/null && '$HELM' push '$WORK/service-1.0.0.tgz' oci://127.0.0.1:$port/charts --plain-http"

# The stand-in for docker build: an image of one layer, made of the folder, pushed by the registry's real protocol.
cat >"$WORK/bin/build-image" <<'PY'
#!/usr/bin/env python3
import gzip, hashlib, io, json, sys, tarfile, urllib.request
ref, folder = sys.argv[1], sys.argv[2]
host, rest = ref.split("/", 1); name, tag = rest.rsplit(":", 1)
base = f"http://{host}/v2/{name}"
def call(method, url, data=None, **h):
    return urllib.request.urlopen(urllib.request.Request(url, data=data, method=method, headers={k.replace("_", "-"): v for k, v in h.items()}))
def blob(data):
    d = "sha256:" + hashlib.sha256(data).hexdigest()
    loc = call("POST", f"{base}/blobs/uploads/", b"").headers["Location"]
    call("PUT", loc + ("&" if "?" in loc else "?") + "digest=" + d, data, Content_Type="application/octet-stream")
    return d, len(data)
raw = io.BytesIO()
with tarfile.open(fileobj=raw, mode="w") as t:
    t.add(folder, arcname="app", filter=lambda i: (setattr(i, "mtime", 0), i)[1])
layer = gzip.compress(raw.getvalue(), mtime=0)
ld, ls = blob(layer)
cd, cs = blob(json.dumps({"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": ["sha256:" + hashlib.sha256(raw.getvalue()).hexdigest()]}}).encode())
m = json.dumps({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "config": {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": cd, "size": cs},
    "layers": [{"mediaType": "application/vnd.oci.image.layer.v1.tar+gzip", "digest": ld, "size": ls}]}).encode()
print(call("PUT", f"{base}/manifests/{tag}", m, Content_Type="application/vnd.oci.image.manifest.v1+json").headers["Docker-Content-Digest"])
PY
chmod +x "$WORK/bin/build-image"

# The platform's side: source bucket with versions, deploy bus with a queue behind it, the team's namespace.
"$PY" - >"$WORK/queue" <<'PY'
import boto3, json, os
kw = dict(endpoint_url=os.environ["AWS_ENDPOINT_URL"])
s3 = boto3.client("s3", **kw)
s3.create_bucket(Bucket="shop-src", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
s3.put_bucket_versioning(Bucket="shop-src", VersioningConfiguration={"Status": "Enabled"})
q, e = boto3.client("sqs", **kw), boto3.client("events", **kw)
url = q.create_queue(QueueName="events")["QueueUrl"]
arn = q.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
e.create_event_bus(Name="shop-deploy")
e.put_rule(Name="deploy", EventBusName="shop-deploy", EventPattern=json.dumps({"source": ["platform.deploy"], "detail-type": ["Deployment Finished"]}))
e.put_targets(Rule="deploy", EventBusName="shop-deploy", Targets=[{"Id": "q", "Arn": arn}])
print(url)
PY
QUEUE=$(cat "$WORK/queue")
"$HELM" upgrade --install ns "$INFRA/charts/namespace" -n default -f "$INFRA/tests/values/namespace-least.yaml" --wait --timeout 180s >/dev/null

# An application's repository.
APP=$WORK/app; mkdir -p "$APP/deploy" "$APP/pipelines"; cp -r "$P/scripts" "$APP/pipelines/"; cp "$P"/buildspec*.yml "$P/.gitlab-ci.yml" "$APP/"
printf 'FROM busybox:1.37\nCOPY . /app\n' >"$APP/Dockerfile"; echo one >"$APP/file"
cat >"$APP/deploy/values.yaml" <<'Y'
resources: {requests: {cpu: 50m, memory: 64Mi}, limits: {memory: 128Mi}}
Y
git_() { git -C "$APP" -c user.name=Ada -c user.email=ada@example.org -c commit.gpgsign=false "$@"; }
git_ init -qb main; git_ add -A; git_ commit -qm "Merge branch 'start' into 'main'

See merge request shop/checkout!7"

check   "a merge request's repository is whole" sh -c "cd '$APP' && sh pipelines/scripts/check-repository.sh"
refused "a repository that names a tag is refused" "fills in the digest" sh -c "cp -r '$APP' '$WORK/bad' && cd '$WORK/bad' && echo 'image: {tag: x}' | sed 's/{tag/\n  tag/;s/}//' >> deploy/values.yaml && sh pipelines/scripts/check-repository.sh"
refused "a Dockerfile on :latest is refused" "latest" sh -c "cp -r '$APP' '$WORK/bad2' && cd '$WORK/bad2' && echo 'FROM busybox:latest' > Dockerfile && sh pipelines/scripts/check-repository.sh"

upload() { # BRANCH SOURCE
  ( cd "$APP" && CI_COMMIT_SHA=$(git_ rev-parse HEAD) CI_PROJECT_PATH=shop/checkout CI_COMMIT_BRANCH=$1 CI_DEFAULT_BRANCH=main CI_PIPELINE_SOURCE=$2 CI_PIPELINE_ID=11 \
    AWS_ROLE_ARN=arn:aws:iam::123456789012:role/platform/checkout-ci-upload AWS_TOKEN=a.b.c SOURCE_BUCKET=shop-src bash pipelines/scripts/upload.sh )
}
refused "a branch is not uploaded" "only what was merged" upload feature push
refused "a merge request is not uploaded" "only what was merged" upload main merge_request_event
if VERSION=$(upload main push 2>"$WORK/err") && [ -n "$VERSION" ]; then pass "the merge is uploaded, S3 gives it a version"; else fail "upload" "$(cat "$WORK/err")"; finish; fi
check "the object names its commit" is "$(git_ rev-parse HEAD)" aws s3api head-object --bucket shop-src --key src/shop/checkout/main.zip --version-id "$VERSION" --query 'Metadata."codepipeline-artifact-revision-summary"' --output text

# CodePipeline's part: take exactly that version.
take() { rm -rf "$2" && mkdir -p "$2" && aws s3api get-object --bucket shop-src --key src/shop/checkout/main.zip --version-id "$1" "$2.zip" >/dev/null && unzip -qo "$2.zip" -d "$2"; }
check "the pipeline takes that version" take "$VERSION" "$WORK/run1"
check "build-meta.json names merge request and author" is "7 ada@example.org" "$PY" -c "import json; m=json.load(open('$WORK/run1/build-meta.json')); print(m['mr_iid'], m['author'])"

build() { ( cd "$1" && env BUILD_IMAGE=build-image CODEBUILD_BUILD_NUMBER="$2" CODEBUILD_BUILD_ID="checkout-build:$2" bash -c 'source pipelines/scripts/build.sh >&2; echo "$IMAGE_DIGEST $IMAGE_TAG $COMMIT_SHA"' ); }
read -r DIGEST TAG SHA < <(build "$WORK/run1" 1 2>"$WORK/err")
if [[ ${DIGEST:-} == sha256:* ]]; then pass "the image is built, pushed and known by its digest"; else fail "build" "$(cat "$WORK/err")"; finish; fi
check "its tag is the build's number and the commit" is "1-${SHA:0:8}" echo "$TAG"
check "the registry has that digest under that tag" bash -c "curl -fsI -H 'Accept: application/vnd.oci.image.manifest.v1+json' http://127.0.0.1:$port/v2/shop/checkout/manifests/$TAG | tr -d '\r' | grep -qi 'docker-content-digest: $DIGEST'"

deploy() { # FOLDER DIGEST TAG SHA [TIMEOUT]
  ( cd "$1" && SERVICE=checkout DEPLOY_ENV=dev CLUSTER=shop-dev NAMESPACE=shop CHART_URI=oci://127.0.0.1:$port/charts/service CHART_VERSION=1.0.0 HELM_FLAGS=--plain-http \
    IMAGE_DIGEST=$2 IMAGE_TAG=$3 COMMIT_SHA=$4 DEPLOY_BUS=shop-deploy DEPLOY_TIMEOUT=${5:-60s} CODEBUILD_BUILD_ID=checkout-deploy:1 EXECUTION_ID=exec-1 SOURCE_VERSION_ID=$VERSION bash pipelines/scripts/deploy.sh )
}
refused "a tag is never deployed" "no digest" deploy "$WORK/run1" latest "$TAG" "$SHA"
refused "another build's digest is refused" "not the one" deploy "$WORK/run1" "sha256:$(printf 'e%.0s' {1..64})" "$TAG" "$SHA"
check "the release is made" deploy "$WORK/run1" "$DIGEST" "$TAG" "$SHA"
check "the pods run that digest" bash -c "kubectl -n shop get pods -o jsonpath='{.items[*].spec.containers[0].image}' | grep -q '$ECR_REPOSITORY@$DIGEST'"
check "the Deployment tells the chain: commit, build, run, digest" is "$SHA checkout-deploy:1 exec-1 $DIGEST" kubectl -n shop get deploy checkout -o 'jsonpath={.metadata.annotations.platform/commit} {.metadata.annotations.platform/build-id} {.metadata.annotations.platform/execution-id} {.metadata.annotations.platform/image-digest}'
event() { "$PY" - "$QUEUE" <<'PY'
import boto3, json, os, sys
c = boto3.client("sqs", endpoint_url=os.environ["AWS_ENDPOINT_URL"])
m = c.receive_message(QueueUrl=sys.argv[1], WaitTimeSeconds=5).get("Messages", [])
for x in m[:1]:
    e = json.loads(x["Body"]); d = e["detail"]
    c.delete_message(QueueUrl=sys.argv[1], ReceiptHandle=x["ReceiptHandle"])
    print(e["source"], e["detail-type"], d["service"], d["status"], d["revision"], d["image_digest"], d["commit"], d["actor"])
PY
}
check "the event is in the portal's queue, by the contract" is "platform.deploy Deployment Finished checkout succeeded 1 $DIGEST $SHA ada@example.org" event

# A second merge whose pods crash (an image that the simulated node lets crash).
echo two >"$APP/file"; git_ commit -qam "Break it"; VERSION=$(upload main push); take "$VERSION" "$WORK/run2"
read -r _ TAG2 SHA2 < <(build "$WORK/run2" 2 2>/dev/null)
BAD=sha256:$(printf 'd%.0s' {1..64})
sed -i "s|@sha256:[0-9a-f]*|@$BAD|" "$WORK/run2/build-result.json"
refused "a crashing release fails the pipeline" "failed, revision" deploy "$WORK/run2" "$BAD" "$TAG2" "$SHA2" 30s
check "the pods of before run again" bash -c "kubectl -n shop get deploy checkout -o jsonpath='{.spec.template.spec.containers[0].image}' | grep -q '$DIGEST'"
check "the failure is reported, with the revision that runs" is "platform.deploy Deployment Finished checkout failed 3 $BAD $SHA2 ada@example.org" event
check "the scripts leave nothing secret in the archive" bash -c "! unzip -l '$WORK/run1.zip' | grep -qE '\.git/|token|\.env$'"
finish
