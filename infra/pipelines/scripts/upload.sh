#!/bin/bash
# upload.sh : packs the merged commit with build-meta.json and puts it where the pipeline waits for it.
# Needs from GitLab: CI_* and AWS_TOKEN; from the project's settings: AWS_ROLE_ARN, SOURCE_BUCKET.
set -euo pipefail
: "${CI_COMMIT_SHA:?}" "${CI_PROJECT_PATH:?}" "${CI_COMMIT_BRANCH:?}" "${CI_PIPELINE_ID:?}" "${AWS_ROLE_ARN:?}" "${SOURCE_BUCKET:?}"

if [ "${CI_PIPELINE_SOURCE:-}" != push ] || [ "$CI_COMMIT_BRANCH" != "${CI_DEFAULT_BRANCH:?}" ]; then
  echo "upload: only what was merged into $CI_DEFAULT_BRANCH is uploaded" >&2; exit 1
fi

work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
# The merge request, from the merge commit's message ("See merge request group/project!42"); 0 when pushed directly.
mr=$(git log -1 --format=%B "$CI_COMMIT_SHA" | sed -n 's/.*merge request [^!]*!\([0-9]\{1,\}\).*/\1/p' | head -1)
python3 - "$work/build-meta.json" "${mr:-0}" <<'PY'
import json, os, subprocess, sys
def git(f): return subprocess.check_output(["git", "log", "-1", f"--format={f}", os.environ["CI_COMMIT_SHA"]], text=True).strip()
json.dump({"commit": os.environ["CI_COMMIT_SHA"], "committed_at": git("%cI"), "mr_iid": int(sys.argv[2]), "author": git("%ae"),
           "pipeline_id": int(os.environ["CI_PIPELINE_ID"]), "project": os.environ["CI_PROJECT_PATH"], "branch": os.environ["CI_COMMIT_BRANCH"]},
          open(sys.argv[1], "w"), indent=2)
PY
# From git and not from the folder: nothing that lies about untracked is uploaded, and the same commit gives the same tree.
git archive --format=tar "$CI_COMMIT_SHA" | tar -x -C "$work"
python3 - "$work" "$work.zip" <<'PY'
import os, sys, zipfile
root, out = sys.argv[1:]
with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as z:
    for d, dirs, files in os.walk(root):
        dirs.sort()
        for f in sorted(files):
            p = os.path.join(d, f)
            if os.path.islink(p):
                sys.exit(f"upload: {os.path.relpath(p, root)} is a link; archives carry files only")
            i = zipfile.ZipInfo(os.path.relpath(p, root), (1980, 1, 1, 0, 0, 0)); i.external_attr = (os.stat(p).st_mode & 0o777) << 16
            z.writestr(i, open(p, "rb").read(), zipfile.ZIP_DEFLATED)
PY
trap 'rm -rf "$work" "$work.zip"' EXIT

if [ -n "${AWS_TOKEN:-}" ]; then
  printf '%s' "$AWS_TOKEN" >"$work/token"; chmod 600 "$work/token"
  export AWS_WEB_IDENTITY_TOKEN_FILE=$work/token AWS_ROLE_SESSION_NAME="ci-$CI_PIPELINE_ID"
fi
aws s3api put-object --bucket "$SOURCE_BUCKET" --key "src/$CI_PROJECT_PATH/$CI_COMMIT_BRANCH.zip" --body "$work.zip" \
  --metadata "codepipeline-artifact-revision-summary=$CI_COMMIT_SHA" --query VersionId --output text
