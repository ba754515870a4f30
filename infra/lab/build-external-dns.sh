#!/bin/bash
# build-external-dns.sh DIR : builds external-dns into DIR/bin and keeps its CRDs and chart beside it.
set -euo pipefail
dir=$(readlink -m "$1"); v=v0.21.0
mkdir -p "$dir/bin"
CGO_ENABLED=0 GOBIN="$dir/bin" go install -trimpath -ldflags '-s -w' "sigs.k8s.io/external-dns@$v"
src=$(cd "$(mktemp -d)" && go mod download -json "sigs.k8s.io/external-dns@$v" | sed -n 's/.*"Dir": "\(.*\)".*/\1/p')
cp -r "$src/charts" "$dir/charts"; chmod -R u+w "$dir/charts"
