#!/bin/sh
# What the image's last stage needs besides /srv/slipway: python for the engine's wheel, certificates,
# and a user without rights. Run by the Dockerfile, and by `make test-bare` outside a container engine.
set -eu
apt-get update
DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends ca-certificates python3
rm -rf /var/lib/apt/lists/*
groupadd --gid 10001 slipway
useradd --uid 10001 --gid 10001 --home-dir /var/lib/slipway --create-home --shell /usr/sbin/nologin slipway
