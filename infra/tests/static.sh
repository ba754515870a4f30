#!/bin/bash
# Copies are equal, everything is formatted, and every module, example and template is valid by the real AWS schema.
TIER=static
# shellcheck source=lib.sh
source "$(dirname "$0")/lib.sh"

check "copies and READMEs are in step" python3 "$INFRA/lab/sync.py" --check
check "no module configures a provider" bash -c "! grep -rnE '^provider \"' '$INFRA'/modules/*/*.tf '$INFRA'/catalog/*/*.tf 2>/dev/null"
# A template may bring one (the portal keeps it); a module, which is part of many roots, may not.
check "no lock file in modules" bash -c "! find '$INFRA/modules' -name .terraform.lock.hcl | grep ."
check "docs/platform-proof.md names tests that exist" python3 "$INFRA/tests/named.py" "$INFRA/../docs/platform-proof.md" "$INFRA"
check "every module has an example" bash -c 'cd "$0/modules" && for m in */; do [ "$m" = shared/ ] || [ -f "$m/examples/minimal/main.tf" ] || { echo "$m has none"; exit 1; }; done' "$INFRA"
check "no long-lived key is made" bash -c "! grep -rn aws_iam_access_key --include=*.tf '$INFRA'"
check "every variable and output is described" python3 - "$INFRA" <<'PY'
import pathlib, re, sys
bad = []
for p in pathlib.Path(sys.argv[1]).glob("modules/*/*.tf"):
    for kind, name, body in re.findall(r'^(variable|output) "([\w-]+)" \{\n(.*?)^\}', p.read_text(), re.M | re.S):
        if "description" not in body or (kind == "variable" and not re.search(r"^  type\s+=", body, re.M)):
            bad.append(f"{p}: {kind} {name}")
print("\n".join(bad)); sys.exit(bool(bad))
PY
if ! command -v terraform >/dev/null; then skip "formatting and validation" "terraform is not on this machine"; finish; fi
check "terraform fmt" terraform fmt -recursive -check -diff "$INFRA"

if need_aws "validation by the real AWS schema"; then
  with_helm_provider || true
  attach_aws
  cp -r "$INFRA/modules" "$INFRA/examples" "$INFRA/catalog" "$INFRA/monitoring" "$WORK/" 2>/dev/null
  validate() {
    ( cd "$1" && terraform init -backend=false "${PLUGINS[@]}" >init.log 2>&1 || { cat init.log; exit 1; } && terraform validate -no-color )
  }
  one() {
    case $1 in
      modules/helm*|modules/twingate*|catalog/preview-environment)
        if part helm-provider >/dev/null; then check "valid by a schema derived from bindings: $1" validate "$WORK/$1"
        else skip "valid: $1" "the part 'helm-provider' is not here"; fi ;;
      *) check "valid: $1" validate "$WORK/$1" ;;
    esac
  }
  mapfile -t roots < <(cd "$WORK" && printf '%s\n' modules/*/main.tf modules/*/examples/*/main.tf examples/*/main.tf catalog/*/main.tf catalog/*/template.toml | sed 's|/[^/]*$||' | sort -u)
  par 2 one "${roots[@]}"
fi
finish
