#!/bin/sh
# Called by mmdebstrap before the packages that are asked for: what their installation should find already.
set -eu
root=$1
mkdir -p "$root/etc/initramfs-tools/conf.d"
cat >"$root/etc/initramfs-tools/conf.d/image" <<CONF
COMPRESS=zstd
RESUME=none
CONF
mkdir -p "$root/etc/dpkg/dpkg.cfg.d"
