#!/bin/sh
# Called by mmdebstrap at its end: network, console and boot menu settings, and nothing left of the making.
set -eu
root=$1

cat >"$root/etc/systemd/network/80-dhcp.network" <<UNIT
[Match]
Type=ether

[Network]
DHCP=yes

[DHCPv4]
# The address that the machine had as it was installed.
ClientIdentifier=mac
UNIT
chroot "$root" systemctl enable -q systemd-networkd.service
if [ -e "$root/lib/systemd/system/systemd-resolved.service" ]; then
    chroot "$root" systemctl enable -q systemd-resolved.service
    ln -sf ../run/systemd/resolve/stub-resolv.conf "$root/etc/resolv.conf"
else
    rm -f "$root/etc/resolv.conf"
fi

cat >"$root/etc/default/grub" <<CONF
GRUB_DEFAULT=0
GRUB_TIMEOUT=0
GRUB_DISTRIBUTOR=Debian
GRUB_CMDLINE_LINUX_DEFAULT="quiet"
GRUB_CMDLINE_LINUX=""
GRUB_TERMINAL=console
GRUB_DISABLE_OS_PROBER=true
CONF
printf 'NAME=debian12\n' >"$root/etc/provisioner-image"
printf 'root:!*' | chroot "$root" chpasswd -e

# Each machine makes its own.
rm -f "$root"/etc/ssh/ssh_host_* "$root/var/lib/dbus/machine-id" "$root/var/lib/systemd/random-seed"
: >"$root/etc/machine-id"
: >"$root/etc/hostname"
rm -rf "$root"/var/cache/apt/* "$root"/var/lib/apt/lists/* "$root"/var/log/*.log "$root"/var/log/apt
rm -f "$root/etc/apt/apt.conf.d/99mmdebstrap" "$root"/etc/dpkg/dpkg.cfg.d/99mmdebstrap "$root"/var/cache/debconf/*-old
