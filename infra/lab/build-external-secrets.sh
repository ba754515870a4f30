#!/bin/bash
# build-external-secrets.sh DIR : builds the External Secrets controller into DIR/bin, with its CRDs and chart beside it.
# `go install` refuses a module with `replace`, so the build has a go.mod of its own that carries the same replacement.
set -euo pipefail
dir=$(readlink -m "$1"); v=v0.20.4 m=github.com/external-secrets/external-secrets
mkdir -p "$dir/bin" "$dir/src"; cd "$dir/src"
src=$(cd "$(mktemp -d)" && go mod download -json "$m@$v" | sed -n 's/.*"Dir": "\(.*\)".*/\1/p')
{ printf 'module external-secrets-build\n\n'; grep -E '^go ' "$src/go.mod"; printf '\n'; grep -E '^replace ' "$src/go.mod" | grep -v '=> \.' || true; sed -n '/^replace (/,/^)/p' "$src/go.mod" | grep -v '=> \./' || true; printf '\nrequire %s %s\n' "$m" "$v"; } > go.mod
cp "$src/go.sum" go.sum; chmod u+w go.sum
export GONOSUMDB='*' GOFLAGS=-mod=mod CGO_ENABLED=0
go get -tool "$m@$v"
go build -trimpath -ldflags '-s -w' -o "$dir/bin/external-secrets" "$m"
cp -r "$src/deploy" "$dir/deploy"; chmod -R u+w "$dir/deploy"
