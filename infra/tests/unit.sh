#!/bin/bash
# Every module's own tests: defaults that must be secure, and every refusal, with the AWS provider mocked.
# Usage: unit.sh [MODULE... | refusals]. Counts are of `run` blocks.
TIER=unit
# shellcheck source=lib.sh
source "$(dirname "$0")/lib.sh"

need_aws "module tests" || finish
cp -r "$INFRA/modules" "$INFRA/monitoring" "$WORK/"
with_helm_provider || true
names=("$@"); [ "${1:-}" != refusals ] || names=()
[ $# -gt 0 ] || mapfile -t names < <(find "$WORK/modules" -mindepth 1 -maxdepth 1 -type d ! -name shared -printf "%f\n" | sort) # shared is copied, not called
attach_aws
one() { # MODULE
  local m=$1 d=$WORK/modules/$1 out p f files
  [ -d "$d/tests" ] && ls "$d"/tests/*.tftest.hcl >/dev/null 2>&1 || return 0
  # Tests that configure the real provider (rds: ephemeral values cannot be mocked) get a process of their own.
  if grep -q '^provider "aws"' "$d"/tests/*.hcl; then attach_aws; fi
  if ! out=$(cd "$d" && terraform init -backend=false "${PLUGINS[@]}" 2>&1); then
    if grep -q 'twingate\|/helm' <<<"$out"; then skip "$m" "its provider's binary is not served here"; else fail "$m" "$out"; fi
    return 0
  fi
  (cd "$d" && terraform test -no-color >test.log 2>&1)
  p=$(grep -c '\.\.\. pass$' "$d/test.log"); f=$(grep -cE '^  run .*\.\.\. (fail|skip)$' "$d/test.log")
  files=$(grep -cE '^tests/.*\.\.\. pass$' "$d/test.log"); p=$((p - files))
  passed=$((passed + p)); failed=$((failed + f))
  if [ "$f" -eq 0 ] && [ "$p" -gt 0 ]; then printf 'ok       %-12s %d runs\n' "$m" "$p"; else printf 'FAILED   %-12s %d of %d runs\n' "$m" "$f" $((p + f)); grep -vE '\.\.\. (pass|skip|in progress|tearing down)$' "$d/test.log" | head -40; [ "$p" -gt 0 ] || [ "$f" -gt 0 ] || failed=$((failed + 1)); fi
}
par 2 one ${names[@]+"${names[@]}"}

# What a person reads who asks for it all the same: every refusal of docs/platform-proof.md's list, in plain words, from two
# plans. Without AWS: a refused value is refused before anything is asked.
if [ $# -eq 0 ] || [ "$1" = refusals ]; then
  R=$WORK/refusals; cp -r "$INFRA/tests/refusals" "$R"
  for r in alone together; do
    attach_aws # a process of its own, since a plan configures it
    ( cd "$R/$r" && export AWS_ENDPOINT_URL=http://127.0.0.1:1 && terraform init -backend=false "${PLUGINS[@]}" >init.log 2>&1 && terraform plan -no-color -refresh=false -lock=false && touch accepted ) >>"$R/plan.log" 2>&1
  done
  tr -s ' \n\t│' ' ' <"$R/plan.log" >"$R/said" # as one line: a message is broken where the terminal ends
  says() { check "in plain words: $1" grep -qF -- "$2" "$R/said"; }
  says "an address range that overlaps"   "The address range overlaps one that is already taken; networks that overlap can never be joined."
  says "a public address range"           "The address range must be a private one (10.*, 172.16.* to 172.31.*, 192.168.*)"
  says "one zone instead of two"          "Name exactly two different availability zones: with one, a failure of that zone stops everything."
  says "an unknown Kubernetes version"    "Kubernetes must be 1.35 or 1.36"
  says "min above max"                    "the numbers must rise: min, then desired, then max."
  says "a size that is not on the list"   "The size must be one of db.t4g.micro"
  says "production in one zone"           "A production database must be multi-AZ: otherwise the failure of one zone stops it."
  says "production with force_destroy"    "A production bucket must not be made with force_destroy: its contents could be deleted with it in one step."
  says "a bucket name that AWS refuses"   "A bucket's name must have 3 to 63 lower-case letters"
  says "manifests over the limit"         "The manifests must have 12 KiB together at most"
  check "in plain words: and neither plan goes through" bash -c "! ls '$R'/*/accepted"
fi
# Every validation must have a run that expects its failure.
for m in ${names[@]+"${names[@]}"}; do
  d=$INFRA/modules/$m; [ -d "$d/tests" ] || continue
  for v in $(awk '/^variable "/{v=$2} /^  validation/{gsub(/"/,"",v); print v}' "$d"/*.tf | sort -u); do
    if grep -rqE "expect_failures *= *\[.*var\.$v\b" "$d/tests"; then passed=$((passed + 1)); else fail "$m: no test refuses a bad $v"; fi
  done
done
finish
