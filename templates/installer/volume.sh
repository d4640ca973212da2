# shellcheck shell=dash disable=SC2034,SC2154 # names shared with the files that are read beside this one
# Volumes that a guest brings along, CD drives and disks, found by their labels. Nothing of this is looked at, nor
# are its drivers loaded, where everything comes by HTTP.

REPO=/run/install/repo SEED=/run/install/seed

# volumes_up: drivers of CD drives and of the buses they sit on, once
volumes_up() {
    [ -z "$VOLUMES" ] || return 0
    VOLUMES=1
    # PCI's class 01 01 is an IDE controller, 01 06 a SATA one.
    grep -qs '^0x010[16]' /sys/bus/pci/devices/*/class && drivers ata
    drivers cd
}

# volume_devices: every device that may hold a file system
volume_devices() {
    for place in /sys/block/sr* /sys/block/vd* /sys/block/sd* /sys/block/vd*/vd* /sys/block/sd*/sd*; do
        [ ! -b "/dev/${place##*/}" ] || echo "/dev/${place##*/}"
    done
}

# volume_list: all of them with their labels, for a sentence
volume_list() { for volume in $(volume_devices); do label_of "$volume"; printf ' %s "%s"' "$volume" "$label"; done; }

# at DEVICE FIRST LENGTH: the text there, without the NULs and spaces it is filled up with
at() { dd if="$1" bs=1 skip="$2" count="$3" 2>/dev/null | tr -d '\000' | sed 's/ *$//'; }

# label_of DEVICE: sets `label`, of an ISO 9660 or an ext4
label_of() {
    label=
    if [ "$(at "$1" 32769 5)" = CD001 ]; then
        label=$(at "$1" 32808 32)
    elif [ "$(dd if="$1" bs=1 skip=1080 count=2 2>/dev/null | xxd -p)" = 53ef ]; then
        label=$(at "$1" 1144 16)
    fi
}

# volume_find LABEL SECONDS: sets `volume`
volume_find() {
    volumes_up
    left=$(($2 * 5))
    while :; do
        for volume in $(volume_devices); do
            label_of "$volume"
            [ "$label" != "$1" ] || return 0
        done
        [ $left -gt 0 ] || return 1
        left=$((left - 1))
        sleep 0.2
    done
}

# volume_mount DEVICE PLACE
volume_mount() {
    ! grep -qs "^[^ ]* $2 " /proc/mounts || umount "$2"
    mkdir -p "$2"
    mount -t iso9660 -o ro "$1" "$2" 2>>"$LOG" || mount -t ext4 -o ro "$1" "$2" 2>>"$LOG" || return 1
    TAKEN="$TAKEN ${1#/dev/}"
    say "volume: $1 is at $2"
}

# volume_spec SPEC: of hd:LABEL=NAME[:PATH], hd:DEVICE[:PATH], cdrom[:DEVICE[:PATH]]; sets `spec` and `path`
volume_spec() {
    spec=${1#hd:} path=
    case $spec in *:*) path=${spec#*:} spec=${spec%%:*} ;; esac
    case $1 in
        cdrom) spec='' ;;
        cdrom:*) spec=${1#cdrom:} path=''
            case $spec in *:*) path=${spec#*:} spec=${spec%%:*} ;; esac ;;
    esac
    case $spec in LABEL=* | '' | /dev/*) ;; *) spec=/dev/$spec ;; esac
    path=${path#/}
}

# volume_open SPEC PLACE FILE: mounts what SPEC names and what holds FILE; sets `path`
volume_open() {
    volume_spec "$1"
    case $spec in
        LABEL=*) wanted=$(printf '%b' "${spec#LABEL=}")
            volume_find "$wanted" 30 || stop "$1: no volume is labelled '$wanted' among:$(volume_list)"
            volume_mount "$volume" "$2" || stop "$1: $volume cannot be mounted" ;;
        '') cdrom_open "$2" "$3" || stop "$1: there is no CD with $3 in a drive" ;;
        *) volumes_up
            left=150
            until [ -b "$spec" ] || [ $left = 0 ]; do sleep 0.2; left=$((left - 1)); done
            volume_mount "$spec" "$2" || stop "$1: $spec cannot be mounted" ;;
    esac
}

# cdrom_open PLACE FILE: the first CD that holds FILE
cdrom_open() {
    volumes_up
    left=150
    while [ $left -gt 0 ]; do
        for volume in /dev/sr*; do
            [ -b "$volume" ] && volume_mount "$volume" "$1" && [ -e "$1/$2" ] && return 0
        done
        sleep 0.2
        left=$((left - 1))
    done
    return 1
}

# seed_open: the answer file of a volume labelled OEMDRV; sets `KICKSTART`
seed_open() {
    volume_find OEMDRV 15 || stop "there is no inst.ks= on the kernel line, and no volume labelled OEMDRV among:$(volume_list)"
    volume_mount "$volume" "$SEED" || stop "$volume, labelled OEMDRV, cannot be mounted"
    [ -f "$SEED/ks.cfg" ] || stop "the volume labelled OEMDRV holds no ks.cfg"
    KICKSTART=file:$SEED/ks.cfg
}
