#!/usr/bin/env bash
# Makes this machine ready: system packages, .venv, libvirt with its network and pool `default`.
# usage: packaging/setup.sh [test] [bench] [container] [fuzz]  the group "run" is always meant
# Every step looks first, says what it will do, and may be repeated.
set -euo pipefail
export LC_ALL=C
cd "$(dirname "$0")/.."
readonly TABLE=packaging/packages.tsv VENV=.venv
GROUPS_WANTED=(run "$@")

say() { printf 'setup: %s\n' "$*"; }
fail() { printf 'setup: %s\n' "$*" >&2; exit 1; }

for group in "${GROUPS_WANTED[@]}"; do
  case $group in
    run | test | bench | container | fuzz) ;;
    *) fail "unknown group $group; known are test, bench, container, fuzz" ;;
  esac
done

if [ "$(id -u)" = 0 ]; then ROOT=(env)
elif command -v sudo >/dev/null; then ROOT=(sudo)
else ROOT=(); fi

# Runs a command as root, or names it and stops.
as_root() {
  [ ${#ROOT[@]} -gt 0 ] || fail "this needs root and there is no sudo; have root run: $*"
  "${ROOT[@]}" "$@"
}

# --- system packages ---------------------------------------------------------------------------------------

family() {
  if command -v apt-get >/dev/null; then echo apt
  elif command -v dnf >/dev/null; then echo dnf
  else fail "neither apt-get nor dnf is here; install what $TABLE names, then run make setup again"; fi
}

wanted_packages() { # FAMILY
  local column=2 group
  [ "$1" = apt ] || column=3
  for group in "${GROUPS_WANTED[@]}"; do
    awk -F '\t' -v group="$group" -v column=$column \
      '!/^#/ && $1 ~ "(^|,)" group "(,|$)" && $column != "-" { print $column }' $TABLE
  done | sort -u
}

missing_packages() { # FAMILY
  local package
  while read -r package; do
    case $1 in
      apt) [ "$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || echo "$package" ;;
      dnf) rpm -q --whatprovides "$package" >/dev/null 2>&1 || echo "$package" ;;
    esac
  done < <(wanted_packages "$1")
}

install_packages() { # FAMILY PACKAGE…
  local family=$1
  shift
  say "installing system packages ($#): $*"
  if [ "$family" = dnf ]; then
    as_root dnf install -y --setopt=install_weak_deps=False "$@"
    return
  fi
  local install=(env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq
    -o Dpkg::Use-Pty=0 --no-install-recommends "$@")
  # The package lists may be absent, or so old that a version they name is gone; only then are they fetched.
  if apt-get install --dry-run -qq --no-install-recommends "$@" >/dev/null 2>&1; then
    as_root "${install[@]}" >/dev/null && return
  fi
  say "fetching the package lists (apt-get update)"
  as_root apt-get update -qq
  as_root "${install[@]}" >/dev/null || fail "apt-get could not install: $*"
}

# --- Python ------------------------------------------------------------------------------------------------

find_python() {
  local name
  for name in python3 python3.14 python3.13 python3.12 python3.11; do
    "$name" -c 'import sys, venv, ensurepip
if sys.version_info < (3, 11): sys.exit(1)
print(sys.executable)' 2>/dev/null && return
  done
  fail "no Python 3.11 or newer with venv found on PATH; install python3.11 (apt: python3-venv) and try again"
}

LOCKS=(requirements.lock packaging/locks/libvirt.lock)
case " ${GROUPS_WANTED[*]} " in *" test "*) LOCKS+=(packaging/locks/test.lock packaging/locks/dev.lock) ;; esac
case " ${GROUPS_WANTED[*]} " in *" container "*) LOCKS+=(packaging/locks/container.lock) ;; esac
readonly FUZZ_LOCK=packaging/locks/fuzz.lock

make_venv() {
  local python arguments=() file site
  if ! $VENV/bin/python -m pip --version >/dev/null 2>&1; then
    python=$(find_python)
    say "making $VENV with $python"
    "$python" -m venv --clear $VENV
  fi
  for file in "${LOCKS[@]}"; do arguments+=(-r "$file"); done
  say "installing the locked Python packages (${LOCKS[*]}) into $VENV"
  $VENV/bin/python -m pip install -qq --disable-pip-version-check --require-hashes "${arguments[@]}"
  case " ${GROUPS_WANTED[*]} " in *" fuzz "*)
    $VENV/bin/python -m pip install -qq --disable-pip-version-check --require-hashes -r $FUZZ_LOCK ||
      say "atheris is not to be had for this Python: make fuzz says that it is skipped" ;;
  esac
  # The checkout itself: a path entry and the command, which needs no build tool and no network.
  site=$($VENV/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
  pwd >"$site/provisioner.pth"
  printf '#!%s/bin/python\nfrom provisioner.__main__ import main\n\nmain()\n' "$PWD/$VENV" >$VENV/bin/provisioner
  chmod 755 $VENV/bin/provisioner
}

# --- libvirt -----------------------------------------------------------------------------------------------

on_libvirt() { # virsh arguments; as root where this user may not
  if [ "$(id -u)" = 0 ] || [[ " $(id -nG) " == *' libvirt '* ]]; then virsh -q -c qemu:///system "$@"
  else as_root virsh -q -c qemu:///system "$@"; fi
}

start_libvirt() {
  local unit
  on_libvirt uri >/dev/null 2>&1 && return
  if [ -d /run/systemd/system ]; then
    for unit in libvirtd.service virtqemud.socket; do
      systemctl cat "$unit" >/dev/null 2>&1 || continue
      case $unit in
        libvirtd.service) set -- virtlogd.socket libvirtd.service ;;
        *) set -- virtlogd.socket virtqemud.socket virtnetworkd.socket virtstoraged.socket virtnodedevd.socket ;;
      esac
      say "starting libvirt (systemctl start $*)"
      as_root systemctl start "$@"
      break
    done
  else
    say "starting libvirt (virtlogd -d; libvirtd -d): no systemd runs here"
    pidof virtlogd >/dev/null || as_root virtlogd -d
    pidof libvirtd >/dev/null || as_root libvirtd -d
  fi
  for _ in $(seq 100); do
    on_libvirt uri >/dev/null 2>&1 && return
    sleep 0.2
  done
  fail "libvirt did not answer on qemu:///system within 20 s; look at: virsh -c qemu:///system uri"
}

make_network() {
  local xml
  if ! on_libvirt net-info default >/dev/null 2>&1; then
    say "defining libvirt's network default (NAT, 192.168.122.0/24)"
    xml=$(mktemp)
    cat >"$xml" <<'XML'
<network>
  <name>default</name>
  <forward mode='nat'/>
  <bridge name='virbr0' stp='on' delay='0'/>
  <ip address='192.168.122.1' netmask='255.255.255.0'>
    <dhcp><range start='192.168.122.2' end='192.168.122.254'/></dhcp>
  </ip>
</network>
XML
    on_libvirt net-define "$xml"
    rm -f "$xml"
  fi
  if [[ ! $(on_libvirt net-info default) =~ Active:\ *yes ]]; then
    say "starting libvirt's network default, now and with libvirt"
    on_libvirt net-autostart default
    on_libvirt net-start default ||
      say "WARNING: network default did not start (is 192.168.122.0/24 in use here?); virsh net-edit default"
  fi
}

make_pool() {
  local target=/var/lib/libvirt/images
  if ! on_libvirt pool-info default >/dev/null 2>&1; then
    say "defining libvirt's pool default in $target"
    on_libvirt pool-define-as default dir --target $target >/dev/null
    on_libvirt pool-build default >/dev/null
  fi
  if [[ ! $(on_libvirt pool-info default) =~ State:\ *running ]]; then
    say "starting libvirt's pool default, now and with libvirt"
    on_libvirt pool-autostart default >/dev/null
    on_libvirt pool-start default >/dev/null
  fi
}

# Where no udev ran, /dev/kvm is root's alone: libvirt then doubts its own probe and repeats it for each guest.
share_kvm() {
  [ -e /dev/kvm ] && getent group kvm >/dev/null || return 0
  case $(stat -c '%G %a' /dev/kvm) in 'kvm '?6? | *6) return 0 ;; esac
  say "giving /dev/kvm to group kvm, mode 660, as the distribution's udev rule does"
  as_root chgrp kvm /dev/kvm
  as_root chmod 660 /dev/kvm
}

# --- in order ----------------------------------------------------------------------------------------------

# What was installed for these groups, so that a second run is quick.
digest=$(cat $TABLE packaging/setup.sh "${LOCKS[@]}" $FUZZ_LOCK <(pwd) | sha256sum | cut -c1-64)
stamp=$VENV/.setup-$(IFS=-; echo "${GROUPS_WANTED[*]}")
if [ "$(cat "$stamp" 2>/dev/null)" != "$digest" ]; then
  packages=$(family)
  mapfile -t missing < <(missing_packages "$packages")
  say "will see to: system packages (missing: ${#missing[@]}), $VENV with the locked Python packages," \
    "libvirt with its network and pool default, the group of /dev/kvm"
  [ ${#missing[@]} = 0 ] || install_packages "$packages" "${missing[@]}"
  make_venv
  echo "$digest" >"$stamp"
fi
share_kvm
if [ "${LIBVIRT_DEFAULT_URI:-qemu:///system}" = qemu:///system ]; then
  start_libvirt
  make_network
  make_pool
else
  say "LIBVIRT_DEFAULT_URI is $LIBVIRT_DEFAULT_URI: its network and pool are left as they are"
fi
