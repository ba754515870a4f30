#!/bin/sh
# check-repository.sh : what a merge request must have so that its merge can be built and released.
set -eu
bad=0
say() { echo "check-repository: $1" >&2; bad=1; }
[ -f Dockerfile ] || say "there is no Dockerfile, so no image can be made"
[ -f deploy/values.yaml ] || say "there is no deploy/values.yaml, so nothing says how to run the image"
[ -f buildspec.yml ] || say "there is no buildspec.yml; copy it from the platform's pipelines folder"
if [ -f Dockerfile ] && grep -qiE '^FROM +[^ @]+(:latest)?( +AS .*)?$' Dockerfile && grep -qiE '^FROM +[^:@ ]+( |$)|:latest' Dockerfile; then
  say "the Dockerfile builds on an image without a version or on :latest; name a version or a digest"
fi
if [ -f deploy/values.yaml ] && grep -qE '^ *(tag|digest):' deploy/values.yaml; then
  say "deploy/values.yaml names a tag or digest; the pipeline fills in the digest that it built"
fi
exit $bad
