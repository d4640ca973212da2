#!/bin/sh
# For guests under emulation only, where each process and each module costs: what a first login can do without.
set -eu
root=$1
units=$root/etc/systemd/system

for unit in \
    apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer e2scrub_reap.service fstrim.timer \
    dev-hugepages.mount dev-mqueue.mount sys-fs-fuse-connections.mount sys-kernel-config.mount sys-kernel-debug.mount \
    sys-kernel-tracing.mount proc-sys-fs-binfmt_misc.automount systemd-binfmt.service \
    modprobe@configfs.service modprobe@dm_mod.service modprobe@drm.service modprobe@efi_pstore.service \
    modprobe@fuse.service modprobe@loop.service systemd-modules-load.service systemd-pstore.service \
    systemd-journal-flush.service systemd-networkd-wait-online.service systemd-rfkill.service getty@tty1.service \
    kmod-static-nodes.service systemd-network-generator.service systemd-sysusers.service \
    systemd-update-utmp.service systemd-update-utmp-runlevel.service systemd-random-seed.service ldconfig.service; do
    ln -sf /dev/null "$units/$unit"
done
mkdir -p "$root/etc/systemd/system-generators"
for path in "$root"/lib/systemd/system-generators/*; do
    case ${path##*/} in
        systemd-fstab-generator | systemd-getty-generator) ;;
        *) ln -sf /dev/null "$root/etc/systemd/system-generators/${path##*/}" ;;
    esac
done
# A virtual machine's few kinds of devices, instead of all that the kernel knows.
mkdir -p "$units/systemd-udev-trigger.service.d"
cat >"$units/systemd-udev-trigger.service.d/emulation.conf" <<CONF
[Service]
ExecStart=
ExecStart=udevadm trigger --action=add --subsystem-match=block --subsystem-match=input --subsystem-match=net --subsystem-match=tty --subsystem-match=virtio
CONF
ln -sf /lib/systemd/system/multi-user.target "$units/default.target"
mkdir -p "$root/etc/systemd/journald.conf.d"
printf '[Journal]\nStorage=volatile\nAudit=no\n' >"$root/etc/systemd/journald.conf.d/emulation.conf"

for module in ata_generic ata_piix aesni_intel efi_pstore floppy i2c_piix4 kvm kvm_amd kvm_intel parport_pc \
    pcspkr powernow_k8 psmouse qemu_fw_cfg serio_raw sha1_ssse3 vmw_vmci vmw_vsock_vmci_transport; do
    echo "blacklist $module"
done >"$root/etc/modprobe.d/emulation.conf"

mkdir -p "$root/etc/default/grub.d"
cat >"$root/etc/default/grub.d/50-emulation.cfg" <<CONF
GRUB_CMDLINE_LINUX="\$GRUB_CMDLINE_LINUX mitigations=off audit=0 lsm=capability nokaslr cryptomgr.notests"
CONF
echo TUNE=emulation >>"$root/etc/provisioner-image"
