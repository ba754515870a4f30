#!/bin/bash
# build-eck.sh DIR : Elastic's charts (operator and stack) out of their Go module.
set -euo pipefail
dir=$(readlink -m "$1")
src=$(cd "$(mktemp -d)" && go mod download -json github.com/elastic/cloud-on-k8s/v3@v3.5.0 | sed -n 's/.*"Dir": "\(.*\)".*/\1/p')
cp -r "$src/deploy/eck-operator" "$src/deploy/eck-stack" "$dir/"
chmod -R u+w "$dir"
