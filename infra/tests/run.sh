#!/bin/bash
# run.sh [TIER...] : runs the platform's tests, one tier after another, all when none is named.
# Parts that are missing are named and skipped; `infra/lab/parts.sh all` gets them. SLIPWAY_REQUIRE=1 forbids skips.
set -u
# Tests stand back for whoever works here; once, since niceness adds up.
if [ "$(nice)" -lt 10 ]; then renice -n 10 -p $$ >/dev/null 2>&1 || true; fi
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
all=(static unit state moto charts portal cluster helm secrets dns access pipelines monitoring catalog policy)
tiers=("$@"); [ $# -gt 0 ] || tiers=("${all[@]}")
lines=() bad=0
for t in "${tiers[@]}"; do
  [ -f "$here/$t.sh" ] || { echo "run.sh: no tier is called '$t'; there are: ${all[*]}" >&2; exit 2; }
  echo "== $t"
  began=$SECONDS log=$(mktemp)
  # A tier that hangs must not take the others with it: it is told to end, and says how far it came.
  timeout -k 60 "${SLIPWAY_TIER_SECONDS:-1500}" bash "$here/$t.sh" 2>&1 | tee "$log"
  [ "${PIPESTATUS[0]}" -eq 0 ] || bad=1
  last=$(grep -E "^$t: [0-9]+ passed, [0-9]+ failed, [0-9]+ skipped$" "$log" | tail -1)
  if [ -z "$last" ]; then last="$t: 0 passed, 1 failed, 0 skipped"; bad=1; echo "FAILED   $t ended without a count"; fi
  lines+=("$last ($((SECONDS - began)) s)")
  rm -f "$log"
done
echo; printf '%s\n' "${lines[@]}"
echo "$SECONDS s in all"
exit $bad
