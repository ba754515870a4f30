#!/bin/bash
# build.sh (sourced by buildspec.yml) : builds the image, pushes it under one tag that is never moved, exports its digest.
# The builder is whatever BUILD_IMAGE names: a command that is given tag and folder and leaves the image pushed.
set -euo pipefail
: "${ECR_REPOSITORY:?}" "${CODEBUILD_BUILD_NUMBER:?}"
export COMMIT_SHA IMAGE_TAG IMAGE_DIGEST
COMMIT_SHA=$(python3 -c 'import json; print(json.load(open("build-meta.json"))["commit"])')
if ! [[ $COMMIT_SHA =~ ^[0-9a-f]{40}$ ]]; then echo "build: build-meta.json names no commit" >&2; exit 1; fi
# The build's number makes it unique, the commit makes it readable.
IMAGE_TAG=$CODEBUILD_BUILD_NUMBER-${COMMIT_SHA:0:8}

if [ -z "${BUILD_IMAGE:-}" ]; then
  aws ecr get-login-password | docker login --username AWS --password-stdin "${ECR_REPOSITORY%%/*}"
  docker build --label "org.opencontainers.image.revision=$COMMIT_SHA" -t "$ECR_REPOSITORY:$IMAGE_TAG" .
  docker push "$ECR_REPOSITORY:$IMAGE_TAG"
  IMAGE_DIGEST=$(docker inspect --format '{{range .RepoDigests}}{{println .}}{{end}}' "$ECR_REPOSITORY:$IMAGE_TAG" | sed -n "s|^$ECR_REPOSITORY@||p" | head -1)
else
  IMAGE_DIGEST=$("$BUILD_IMAGE" "$ECR_REPOSITORY:$IMAGE_TAG" .)
fi
if ! [[ $IMAGE_DIGEST =~ ^sha256:[0-9a-f]{64}$ ]]; then echo "build: the registry gave no digest for $IMAGE_TAG" >&2; exit 1; fi
python3 - <<'PY'
import json, os
json.dump({"image": f"{os.environ['ECR_REPOSITORY']}@{os.environ['IMAGE_DIGEST']}", "tag": os.environ["IMAGE_TAG"],
           "commit": os.environ["COMMIT_SHA"], "build_id": os.environ.get("CODEBUILD_BUILD_ID", "")}, open("build-result.json", "w"), indent=2)
PY
echo "build: $ECR_REPOSITORY@$IMAGE_DIGEST is tagged $IMAGE_TAG"
