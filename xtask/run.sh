#!/bin/sh
# The one way in: finds (or, as root on Debian, installs) a Rust toolchain, compiles xtask when its
# sources changed, and hands over to it. Plain POSIX sh, because a bare machine has nothing else yet.
set -eu
cd "$(dirname "$0")/.."

target=${CARGO_TARGET_DIR:-target}
xtask=$target/xtask/xtask
have() { command -v "$1" >/dev/null 2>&1; }

# rustup puts its commands here and asks for a new login shell, which nobody wants to open for us.
if ! have cargo && [ -x "${HOME:-/nonexistent}/.cargo/bin/cargo" ]; then
  PATH=$HOME/.cargo/bin:$PATH
  export PATH
fi

# The oldest Rust that builds the house; the same number as rust-version in Cargo.toml.
oldest=95
new_enough() {
  have rustc && have cargo || return 1
  minor=$(rustc --version 2>/dev/null | sed -n 's/^rustc 1\.\([0-9]*\)\..*/\1/p')
  [ "${minor:-0}" -ge "$oldest" ]
}

install_by_apt() {
  mkdir -p "$target/xtask"
  log=$target/xtask/apt.log
  printf '▸ Rust and a C linker … installing %s by apt ' "$*" >&2
  started=$(date +%s)
  if (apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@") >"$log" 2>&1 </dev/null
  then printf '(%s s)\n' "$(($(date +%s) - started))" >&2
  else printf 'failed:\n' >&2; tail -n 15 "$log" >&2; exit 1
  fi
}

if [ ! -x "$xtask" ] || [ -n "$(find xtask/src -newer "$xtask" -print 2>/dev/null | head -n 1)" ]; then
  missing=
  new_enough || missing="rustc-web cargo-web"
  have cc || missing="$missing gcc libc6-dev"
  # Without these nothing can be fetched over TLS; a minimal Debian lacks them.
  [ -e /etc/ssl/certs/ca-certificates.crt ] || [ ! -e /etc/debian_version ] || missing="$missing ca-certificates"
  if [ -n "$missing" ]; then
    if [ "$(id -u)" = 0 ] && have apt-get; then
      # shellcheck disable=SC2086 # a list of package names
      install_by_apt $missing
    else
      echo "slipway: please install Rust 1.$oldest or newer (rustup, or Debian's rustc-web and cargo-web) and a C compiler (cc), then run this again; missing here: $missing" >&2
      exit 1
    fi
    new_enough || { echo "slipway: the installed Rust is older than 1.$oldest: please install a newer one with rustup" >&2; exit 1; }
  fi
  mkdir -p "$target/xtask"
  rustc --edition 2024 -C opt-level=1 -o "$xtask.$$" --crate-name xtask xtask/src/main.rs
  mv "$xtask.$$" "$xtask"
fi
exec "$xtask" "$@"
