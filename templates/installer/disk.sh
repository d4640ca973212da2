# shellcheck shell=dash disable=SC2034,SC2154 # names shared with kickstart.sh, image.sh and system.sh
# The one layout: GPT with the BIOS boot partition, the EFI system partition and the root, which takes the rest.
# The boot loaders come ready from /loader, so that nothing is run in the installed system to make it boot.

# Sectors of 512 bytes. GRUB's core goes to the first partition, whose place is fixed in boot.img.
CORE_FIRST=34 ESP_FIRST=2048 ROOT_FIRST=133120

# disk_taken NAME: a volume that the guest brought along is on it
disk_taken() { case "$TAKEN " in *" $1 "* | *" $1"[0-9]*) ;; *) return 1 ;; esac; }

# disk_find [NAMES]: the first disk that is free and can be written, among NAMES where given; sets `disk`,
# `sectors`
disk_find() {
    for path in /sys/block/vd* /sys/block/sd* /sys/block/nvme*n*; do
        disk=${path##*/}
        [ -r "$path/size" ] || continue
        ! disk_taken "$disk" || continue
        [ -z "$1" ] || case ",$1," in *",$disk,"* | *",/dev/$disk,"*) ;; *) continue ;; esac
        read -r sectors <"$path/size"
        read -r readonly <"$path/ro"
        [ "$readonly" = 0 ] && [ "$sectors" -gt 0 ] && return 0
    done
    return 1
}

# part NUMBER: sets `partition`
part() { case $disk in *[0-9]) partition=/dev/${disk}p$1 ;; *) partition=/dev/$disk$1 ;; esac; }

# disk_used DEVICE: something is at its start
disk_used() { [ "$(dd if="$1" bs=512 count=2 2>/dev/null | tr -d '\000' | wc -c)" -gt 0 ]; }

# hex_le VALUE BYTES: sets `hex`, the number's bytes from the lowest up
hex_le() {
    big=$(printf "%0$(($2 * 2))x" "$1")
    hex=
    while [ -n "$big" ]; do hex=$hex${big#"${big%??}"} big=${big%??}; done
}

# hex_guid TEXT: sets `hex`, the mixed order that GPT writes
hex_guid() {
    a=${1%%-*} b=${1#*-}
    c=${b#*-} b=${b%%-*}
    d=${c#*-} c=${c%%-*}
    hex=${a#??????}
    a=${a%??} && hex=$hex${a#????}
    a=${a%??} && hex=$hex${a#??}${a%??}
    hex=$hex${b#??}${b%??}${c#??}${c%??}${d%%-*}${d#*-}
}

# crc_hex FILE: sets `hex`. gzip ends with the CRC-32 of what it packed, lowest byte first, as GPT wants it.
crc_hex() { hex=$(gzip -c "$1" | tail -c 8 | head -c 4 | xxd -p); }

# guid: sets `guid`, a random one
guid() { read -r guid </proc/sys/kernel/random/uuid; }

# gpt_entry TYPE-GUID FIRST LAST NAME: adds 128 bytes to `entries`; sets `guid`
gpt_entry() {
    guid
    hex_guid "$1" && entries=$entries$hex
    hex_guid "$guid" && entries=$entries$hex
    hex_le "$2" 8 && entries=$entries$hex
    hex_le "$3" 8 && entries=${entries}${hex}0000000000000000
    name=$(printf '%s' "$4" | xxd -p | sed 's/../&00/g')
    entries=$entries$(printf '%-144s' "$name" | tr ' ' 0)
}

# gpt_header HERE THERE ENTRIES SECTORS: writes the 92 bytes to $WORK/header
gpt_header() {
    fields=
    for field in "$1" "$2" 34 "$(($4 - 34))"; do hex_le "$field" 8; fields=$fields$hex; done
    hex_le "$3" 8 && fields=$fields$disk_hex$hex
    head=4546492050415254000001005c000000 tail=${fields}8000000080000000$entries_crc
    printf '%s' "${head}0000000000000000$tail" | xxd -r -p >"$WORK/header"
    crc_hex "$WORK/header"
    printf '%s' "${head}${hex}00000000$tail" | xxd -r -p >"$WORK/header"
}

# gpt_write DEVICE SECTORS WORK: the whole table, both copies; sets `root_guid`, `esp_guid`
gpt_write() {
    WORK=$3 entries='' last=$(($2 - 34))
    gpt_entry 21686148-6449-6e6f-744e-656564454649 "$CORE_FIRST" "$((ESP_FIRST - 1))" BIOS
    gpt_entry c12a7328-f81f-11d2-ba4b-00a0c93ec93b "$ESP_FIRST" "$((ROOT_FIRST - 1))" EFI
    esp_guid=$guid
    gpt_entry 4f68bce3-e8cd-4db1-96e7-fbcaf984b709 "$ROOT_FIRST" "$last" root
    root_guid=$guid
    guid
    hex_guid "$guid"
    disk_hex=$hex
    { printf '%s' "$entries" | xxd -r -p; dd if=/dev/zero bs=125 count=128 2>/dev/null; } >"$WORK/entries"
    crc_hex "$WORK/entries"
    entries_crc=$hex
    # The protective record: one entry of type ee over all, or as much as 32 bits say.
    covered=$(($2 - 1))
    [ $covered -le 4294967295 ] || covered=4294967295
    hex_le $covered 4
    printf '%s' "00000200eeffffff01000000$hex" | xxd -r -p >"$WORK/record"
    gpt_header 1 "$(($2 - 1))" 2 "$2"
    { dd if=/dev/zero bs=446 count=1; cat "$WORK/record"; dd if=/dev/zero bs=48 count=1; printf '\125\252'
        cat "$WORK/header"; dd if=/dev/zero bs=420 count=1; cat "$WORK/entries"; } 2>/dev/null >"$WORK/front"
    gpt_header "$(($2 - 1))" 1 "$(($2 - 33))" "$2"
    { cat "$WORK/entries" "$WORK/header"; dd if=/dev/zero bs=420 count=1; } 2>/dev/null >"$WORK/back"
    dd if="$WORK/front" of="$1" bs=512 conv=notrunc 2>/dev/null &&
        dd if="$WORK/back" of="$1" bs=512 seek="$(($2 - 33))" conv=notrunc 2>/dev/null
}

# loader_write DEVICE LOADER: GRUB for BIOS and the EFI system partition. Comes last: what was cut off never boots.
loader_write() {
    dd if="$2/boot.img" of="$1" bs=440 count=1 conv=notrunc 2>/dev/null &&
        dd if="$2/core.img" of="$1" bs=512 seek="$CORE_FIRST" conv=notrunc 2>/dev/null &&
        dd if="$2/esp.img" of="$1" bs=1048576 seek="$((ESP_FIRST / 2048))" conv=notrunc 2>/dev/null
}

# disk_prepare: chooses the disk and partitions it; sets `disk`, `root`, `root_guid`
disk_prepare() {
    ks_get clearpart.drives
    disk_find "$value" || stop "no disk was found${value:+ among $value}; virtio and SCSI disks are looked for"
    [ "$sectors" -ge $((ROOT_FIRST + 65536)) ] || stop "disk $disk is too small: 97 MiB are the least"
    if ! ks_has clearpart.all && disk_used "/dev/$disk"; then
        stop "disk $disk is not empty and the kickstart has no 'clearpart --all'"
    fi
    say "disk: $disk, $((sectors / 2048)) MiB"
    gpt_write "/dev/$disk" "$sectors" /run || stop "disk $disk cannot be written"
    blockdev --rereadpt "/dev/$disk" || stop "disk $disk: the kernel did not take the new partitions"
    part 3
    root=$partition
    tries=0
    until [ -b "$root" ]; do
        [ $tries -lt 50 ] || stop "disk $disk: $root did not appear"
        sleep 0.1
        tries=$((tries + 1))
    done
}
