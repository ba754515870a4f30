#!/bin/bash
# run.sh [TIER...] : runs the platform's tests, all when no tier is named. Much of a tier's time is waiting, and each has its
# own ports, folders and control plane, so a few run at a time (SLIPWAY_LANES; 1: one after another, shown as it goes).
# Parts that are missing are named and skipped; `infra/lab/parts.sh all` gets them. SLIPWAY_REQUIRE=1 forbids skips.
set -u
# Tests stand back for whoever works here; once, since niceness adds up.
if [ "$(nice)" -lt 5 ]; then renice -n 5 -p $$ >/dev/null 2>&1 || true; fi
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# The long ones first: what begins last is short, and no lane is left with an hour's work alone.
all=(moto unit node catalog access pipelines policy static helm cluster monitoring secrets dns state charts portal)
tiers=("$@"); [ $# -gt 0 ] || tiers=("${all[@]}")
for t in "${tiers[@]}"; do [ -f "$here/$t.sh" ] || { echo "run.sh: no tier is called '$t'; there are: ${all[*]}" >&2; exit 2; }; done
lanes=${SLIPWAY_LANES:-3}; [ "${#tiers[@]}" -gt 1 ] || lanes=1
book=$(mktemp -d) pids=()
trap 'rm -rf "$book"' EXIT
trap 'for p in ${pids[@]+"${pids[@]}"}; do kill "$p" 2>/dev/null; done; wait; exit 1' INT TERM

one() { # TIER : its output as a block, and its closing line with its seconds into the book
  local t=$1 began=$SECONDS rc last log=$book/$1.log
  # A tier that hangs must not take the others with it: it is told to end, and says how far it came.
  local go=(timeout -k 60 "${SLIPWAY_TIER_SECONDS:-2400}" bash "$here/$t.sh")
  if [ "$lanes" -eq 1 ]; then echo "== $t"; "${go[@]}" 2>&1 | tee "$log"; rc=${PIPESTATUS[0]}
  else
    # Told to end, it tells its tier, whose servers and folders are gone when that ends.
    trap 'kill "$!" 2>/dev/null; wait "$!"' INT TERM
    "${go[@]}" >"$log" 2>&1 & wait "$!"; rc=$?
  fi
  last=$(grep -E "^$t: [0-9]+ passed, [0-9]+ failed, [0-9]+ skipped$" "$log" | tail -1)
  if [ -z "$last" ]; then last="$t: 0 passed, 1 failed, 0 skipped"; rc=1; echo "FAILED   $t ended without a count" >>"$log"; fi
  echo "$last ($((SECONDS - began)) s)" >"$book/$t.line"
  [ "$rc" -eq 0 ] || touch "$book/bad"
  [ "$lanes" -eq 1 ] || flock "$book" sh -c 'echo "== $1"; cat "$2"' _ "$t" "$log"
}

for t in "${tiers[@]}"; do
  if [ "$lanes" -eq 1 ]; then one "$t"; continue; fi
  while [ "$(jobs -rp | wc -l)" -ge "$lanes" ]; do sleep .2; done
  one "$t" & pids+=("$!")
done
for p in ${pids[@]+"${pids[@]}"}; do wait "$p"; done
echo
for t in "${tiers[@]}"; do cat "$book/$t.line"; done
echo "$SECONDS s in all"
awk '{p += $2; f += $4; s += $6} END {print p " passed, " f " failed, " s " skipped"}' "$book"/*.line
[ ! -f "$book/bad" ]
