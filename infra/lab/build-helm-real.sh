#!/bin/bash
# build-helm-real.sh DIR : Terraform's real helm provider, in the newest version that the Go module proxy serves (1.3.2,
# with Helm 3.3 inside; every 2.x and 3.x is refused there). It really installs. One of its dependencies' names is no
# longer served and is had from where it moved to; the templates' functions are those of Helm 3.18 (charts use `dig`).
set -euo pipefail
dir=$(readlink -m "$1"); m=github.com/hashicorp/terraform-provider-helm v=v1.3.2
mkdir -p "$dir/bin" "$dir/src"; cd "$dir/src"
src=$(cd "$(mktemp -d)" && go mod download -json "$m@$v" | sed -n 's/.*"Dir": "\(.*\)".*/\1/p')
cp -r "$src/." .; chmod -R u+w .
go mod edit -replace vbom.ml/util=github.com/fvbommel/util@v0.0.0-20160121211510-db5cfe13f5cc
go mod edit -require github.com/Masterminds/sprig/v3@v3.3.0
GONOSUMDB='*' CGO_ENABLED=0 go build -mod=mod -trimpath -ldflags '-s -w' -o "$dir/bin/terraform-provider-helm" .
rm -rf "$dir/src"
