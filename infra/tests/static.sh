#!/bin/bash
# Copies are equal, everything is formatted, and every module, example and template is valid by the real AWS schema.
TIER=static
# shellcheck source=lib.sh
source "$(dirname "$0")/lib.sh"

check "copies and READMEs are in step" python3 "$INFRA/lab/sync.py" --check
check "no module configures a provider" bash -c "! grep -rnE '^provider \"' '$INFRA'/modules/*/*.tf '$INFRA'/catalog/*/*.tf 2>/dev/null"
check "no lock file in modules or templates" bash -c "! find '$INFRA/modules' '$INFRA/catalog' -name .terraform.lock.hcl | grep ."
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
  cp -r "$INFRA/modules" "$INFRA/examples" "$INFRA/catalog" "$WORK/" 2>/dev/null
  validate() {
    ( cd "$1" && terraform init -backend=false "${PLUGINS[@]}" >init.log 2>&1 || { cat init.log; exit 1; } && terraform validate -no-color )
  }
  for d in "$WORK"/modules/*/ "$WORK"/examples/*/ "$WORK"/catalog/*/; do
    [ -f "$d/main.tf" ] || continue
    n=${d#"$WORK"/}; n=${n%/}
    case $n in
      modules/helm|modules/twingate|catalog/preview-environment)
        if part helm-provider >/dev/null; then check "valid by a schema derived from bindings: $n" validate "$d"
        else skip "valid: $n" "the part 'helm-provider' is not here"; fi ;;
      *) check "valid: $n" validate "$d" ;;
    esac
  done
fi
finish
