#!/bin/bash
# run.sh [TIER...] : runs the platform's tests, one tier after another, all when none is named.
# Parts that are missing are named and skipped; `infra/lab/parts.sh all` gets them. SLIPWAY_REQUIRE=1 forbids skips.
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
all=(static unit state moto charts portal cluster secrets dns access pipelines monitoring catalog policy)
tiers=("$@"); [ $# -gt 0 ] || tiers=("${all[@]}")
lines=() bad=0
for t in "${tiers[@]}"; do
  [ -f "$here/$t.sh" ] || { echo "run.sh: no tier is called '$t'; there are: ${all[*]}" >&2; exit 2; }
  echo "== $t"
  nice -n 15 bash "$here/$t.sh" 2>&1 | tee "${TMPDIR:-/tmp}/slipway-infra-$t.log"
  [ "${PIPESTATUS[0]}" -eq 0 ] || bad=1
  lines+=("$(tail -1 "${TMPDIR:-/tmp}/slipway-infra-$t.log")")
done
echo; printf '%s\n' "${lines[@]}"
exit $bad
