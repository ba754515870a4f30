#!/bin/bash
# build-helm-provider.sh DIR : a stand-in for Terraform's helm provider 3.1, whose binary is not served here. It has the
# provider's schema, derived from its published bindings, and does nothing: it proves names and types, not behaviour.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd); dir=$(readlink -m "$1")
mkdir -p "$dir/npm" "$dir/bin"
npm install --silent --no-audit --no-fund --ignore-scripts --legacy-peer-deps --prefix "$dir/npm" @cdktf/provider-helm@12.1.2 >/dev/null
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install -q 'tf~=1.2'
python3 "$here/schema_from_bindings.py" "$dir/npm/node_modules/@cdktf/provider-helm" helm --nested >"$dir/schema.json"
cp "$here/provider_stub.py" "$dir/provider_stub.py"
rm -rf "$dir/npm"
cat >"$dir/bin/terraform-provider-helm" <<S
#!/bin/sh
TF_STUB_SCHEMA=$dir/schema.json exec $dir/venv/bin/python $dir/provider_stub.py "\$@"
S
chmod +x "$dir/bin/terraform-provider-helm"
