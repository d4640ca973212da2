#!/bin/sh
# Called by mmdebstrap before the packages that are asked for: how their installation makes the initramfs.
#   essential.sh ROOT ordinary|emulation
set -eu
root=$1
mkdir -p "$root/etc/initramfs-tools/conf.d"
conf=$root/etc/initramfs-tools/conf.d/image
printf 'COMPRESS=zstd\nRESUME=none\n' >"$conf"
if [ "$2" = emulation ]; then
    # Only what finds the root: each driver and each program costs at every boot.
    printf 'MODULES=list\nCOMPRESSLEVEL=19\nBUSYBOX=n\nFSTYPE=ext4\n' >>"$conf"
    printf '%s\n' virtio_pci virtio_blk virtio_scsi sd_mod virtio_net >"$root/etc/initramfs-tools/modules"
fi
