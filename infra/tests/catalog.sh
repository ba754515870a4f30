#!/bin/bash
# The catalog's templates: whole, self-contained, and refusing bad input; the small ones applied and destroyed on moto
# through a root like the one that the portal generates.
TIER=catalog
# shellcheck source=lib.sh
source "$(dirname "$0")/lib.sh"
TESTS=$INFRA/tests/catalog

cat >"$WORK/shape.py" <<'PY'
"""A template is one bundle: template.toml by the fixed format, no link, no source outside, no provider, all described."""
import pathlib, re, sys
try:
    import tomllib
except ModuleNotFoundError:
    sys.exit("python 3.11 or newer is needed to read TOML")
t = pathlib.Path(sys.argv[1])
d = tomllib.loads((t / "template.toml").read_text())
allowed = {"title", "summary", "owner", "class", "needs", "engine", "life", "request", "keeps_data"}
assert set(d) <= allowed, f"unknown keys: {set(d) - allowed}"
assert d["class"] in ("preview", "shared", "production") and set(d["needs"]) <= {"aws", "kubernetes"}
assert d["engine"]["name"] in ("terraform", "opentofu") and re.match(r">= \d", d["engine"]["version"]) and d["request"]["who"] in ("member", "lead")
if "life" in d:
    hours = lambda s: int(s[:-1]) * {"h": 1, "d": 24}[s[-1]]
    assert hours(d["life"]["default"]) <= hours(d["life"]["greatest"]), "the default life is longer than the greatest"
assert d["class"] != "preview" or "life" in d, "a preview must end"
for p in t.rglob("*"):
    assert not p.is_symlink(), f"{p} is a link"
    if p.suffix == ".tf":
        s = p.read_text()
        assert not re.search(r'source\s*=\s*"\.\.', s), f"{p} reaches outside its bundle"
        assert not re.search(r'^provider "', s, re.M), f"{p} configures a provider; the portal's root does that"
for kind, name, body in re.findall(r'^(variable|output) "([\w-]+)" \{\n(.*?)^\}', "\n".join(p.read_text() for p in t.glob("*.tf")), re.M | re.S):
    assert "description" in body, f"{kind} {name} is not described"
size = sum(p.stat().st_size for p in t.rglob("*") if p.is_file())
assert size < 1 << 20, f"{size} bytes: too large for a bundle"
if (t / ".vendored").exists():
    readme = (t / "README.md").read_text()
    assert "## What it makes" in readme and "## What it costs" in readme
PY
for t in "$INFRA"/catalog/*/; do
  [ -f "$t/template.toml" ] || continue
  check "$(basename "$t"): one whole bundle" python3 "$WORK/shape.py" "$t"
done
mkdir -p "$WORK/link"; cp -r "$INFRA/catalog/bucket/." "$WORK/link"; ln -s /etc/passwd "$WORK/link/leak.tf"
refused "a bundle with a link is refused" "is a link" python3 "$WORK/shape.py" "$WORK/link"
mkdir -p "$WORK/out"; cp -r "$INFRA/catalog/bucket/." "$WORK/out"; sed -i 's#"./modules/s3"#"../../modules/s3"#' "$WORK/out/main.tf"
refused "a bundle that reaches outside is refused" "reaches outside" python3 "$WORK/shape.py" "$WORK/out"

need_aws "templates" || finish
with_helm_provider || true
cp -r "$INFRA/catalog" "$WORK/"
one() { # TEMPLATE
  local t=$1 f=$TESTS/$1.tftest.hcl d=$WORK/catalog/$1 p n
  if [ "$t" = preview-environment ] && ! part helm-provider >/dev/null; then skip "$t" "the part 'helm-provider' is not here"; return 0; fi
  mkdir -p "$d/tests" "$d/modules/mocks"; cp "$f" "$d/tests/"; cp "$INFRA/modules/shared/tests/mocks/aws.tfmock.hcl" "$d/modules/mocks/"
  if grep -q '^provider "aws"' "$f"; then attach_aws; fi # it configures the provider, so it gets a process of its own
  (cd "$d" && terraform init -backend=false "${PLUGINS[@]}" >init.log 2>&1 && terraform test -no-color >test.log 2>&1) || true
  touch "$d/test.log"; p=$(grep -cE '^  run .*\.\.\. pass$' "$d/test.log"); n=$(grep -cE '^run "' "$f")
  if [ "$p" -eq "$n" ]; then passed=$((passed + p)); printf 'ok       %-20s %d runs\n' "$t" "$p"; else passed=$((passed + p)); failed=$((failed + n - p)); fail "$t: $p of $n runs" "$(cat "$d/init.log" "$d/test.log" | grep -vE '\.\.\. (pass|skip)$')"; fi
}
attach_aws
mapfile -t tested < <(basename -s .tftest.hcl "$TESTS"/*.tftest.hcl)
par 2 one "${tested[@]}"
unset TF_REATTACH_PROVIDERS # from here on the provider is configured

# As the portal does it: a generated root with the provider, the template as its module, inputs in a file.
need "apply and destroy" moto || finish
portal_root() {
  mkdir -p "$WORK/root-$1"; cp -r "$INFRA/catalog/$1" "$WORK/root-$1/template"
  printf '%s' "$2" >"$WORK/root-$1/terraform.tfvars.json"
  python3 - "$WORK/root-$1" "$2" <<'PY'
import json, sys
names = list(json.loads(sys.argv[2]))
body = "".join(f'variable "{n}" {{}}\n' for n in names) + 'provider "aws" {\n  region = "eu-west-1"\n}\nmodule "template" {\n  source = "./template"\n' + "".join(f"  {n} = var.{n}\n" for n in names) + "}\n"
open(sys.argv[1] + "/main.tf", "w").write(body)
PY
  write_override "$WORK/root-$1"
}
moto_up || { fail "moto did not start"; finish; }
trial() {
  portal_root "$1" "$2"
  ( cd "$WORK/root-$1" && terraform init -backend=false "${PLUGINS[@]}" >log 2>&1 && terraform plan -no-color -out plan.bin >>log 2>&1 && terraform apply -no-color plan.bin >>log 2>&1 && terraform destroy -no-color -auto-approve >>log 2>&1 )
  if grep -q 'Destroy complete' "$WORK/root-$1/log"; then pass "$1: applied and destroyed ($(grep -oE '[0-9]+ destroyed' "$WORK/root-$1/log" | tail -1))"; else fail "$1: apply and destroy" "$(tail -20 "$WORK/root-$1/log")"; fi
}
trial bucket '{"name":"shop","team":"shop","bucket_name":"acme-shop-uploads"}'
trial image-repository '{"name":"shop","team":"shop","service":"checkout"}'
finish
