# shellcheck shell=dash disable=SC2154 # names shared with kickstart.sh and disk.sh
# The image, streamed straight to the disk and hashed on its way; nothing is configured before the hash is right.
# The copies of tee, sha256sum, dd and tar in /tools are GNU's: the shell's own move 1 KiB at a time.

TARGET=/mnt/sysimage

# image_kind URL: sets `kind` (tar or ext4) and `unpacker`
image_kind() {
    name=${1%%[?#]*}
    case $name in
        *.zst | *.tzst) unpacker="$TOOLS/zstd -dcq" ;;
        *.xz | *.txz) unpacker="$TOOLS/xz -dcq" ;;
        *.gz | *.tgz) unpacker="gunzip -c" ;;
        *) unpacker="cat" ;;
    esac
    case $name in *.tar | *.tar.* | *.tzst | *.txz | *.tgz) kind=tar ;; *) kind=ext4 ;; esac
}

# body URL FIRST: the file from byte FIRST on, its process id in $RUN/body
body() (
    sh -c 'echo $PPID' >"$RUN/body"
    case $1 in file:*) exec tail -c +$(($2 + 1)) "${1#file:}" 2>"$RUN/wget" ;; esac
    [ "$2" = 0 ] || set -- "$1" "$2" --header "Range: bytes=$2-"
    url=$1
    shift 2
    exec wget -q -O - "$@" "$url" 2>"$RUN/wget"
)

# resumable URL FIRST: the server answers a range with that range
resumable() {
    case $1 in file:*) return 0 ;; esac
    timeout 20 wget -q -S -O /dev/null --header "Range: bytes=$2-$2" "$1" 2>&1 | grep -q 'HTTP/1.[01] 206'
}

# feed URL: the whole file on stdout; a transfer that breaks goes on where it broke. 2: it cannot go on
feed() {
    got=0 breaks=0
    set -o pipefail
    while ! body "$1" "$got" | "$TOOLS/dd" bs=64k 2>"$RUN/copied"; do
        grep -q 'HTTP/1.[01] 4' "$RUN/wget" && return 1
        copied=$(tail -n 1 "$RUN/copied")
        got=$((got + ${copied%% *})) breaks=$((breaks + 1))
        [ $breaks -le 60 ] || return 1
        say "image: broken off after $got bytes ($(tail -n 1 "$RUN/wget")); trying again" >&2
        sleep 3
        [ $got = 0 ] || resumable "$1" "$got" || return 2
    done
}

# watch HASHER: says how far it is, and ends a transfer that has been silent for a minute
watch() {
    before=0 silent=0
    while sleep 5; do
        read -r _ now </proc/"$1"/io 2>/dev/null || return 0
        if [ "$now" != "$before" ]; then
            silent=0 before=$now
            say "image: $((now / 1048576)) MiB"
        else
            silent=$((silent + 5))
            [ $silent -lt 60 ] || { silent=0; read -r pid <"$RUN/body" && kill "$pid" 2>>"$LOG"; }
        fi
    done
}

# unpack: what comes in, on the disk
unpack() {
    if [ "$kind" = tar ]; then
        $unpacker | "$TOOLS/tar" -x --numeric-owner --xattrs --xattrs-include='*' -C "$TARGET" -f -
    else
        $unpacker >"$root"
    fi
}

# stream URL: one attempt at the whole; sets `sum`
stream() {
    rm -f "$RUN/hash" "$RUN/packed"
    mkfifo "$RUN/hash" "$RUN/packed"
    "$TOOLS/sha256sum" <"$RUN/hash" >"$RUN/sum" &
    hasher=$!
    (set -o pipefail && unpack) <"$RUN/packed" 2>>"$LOG" &
    unpacking=$!
    watch $hasher &
    watching=$!
    (feed "$1"; echo $? >"$RUN/fed") | "$TOOLS/tee" "$RUN/hash" >"$RUN/packed" 2>>"$LOG"
    wait $hasher
    wait $unpacking
    unpacked=$?
    kill $watching
    read -r fed <"$RUN/fed"
    read -r sum _ <"$RUN/sum"
    [ "$fed" = 0 ] && [ $unpacked = 0 ]
}

# make_root: an empty file system for a tar
make_root() {
    # Its ids are given, for it would wait for a randomness that a machine this young may not have.
    guid
    MKE2FS_CONFIG=/etc/mke2fs.conf "$TOOLS/mke2fs" -q -F -t ext4 -L root -U "$guid" -E "hash_seed=$guid" \
        "$root" 2>>"$LOG" ||
        stop "$root: no file system could be made"
    mount -t ext4 -o noatime "$root" "$TARGET" || stop "$root cannot be mounted"
}

# image_install: sets up $TARGET from the kickstart's image
image_install() {
    ks_get liveimg.url
    url=$value
    # file:///run/install/repo/… is a file of the volume that inst.stage2= or inst.repo= names.
    case $url in file://*) url=file:${url#file://}
        [ -f "${url#file:}" ] || stop "image $value is not there" ;; esac
    image_kind "$url"
    mkdir -p "$TARGET"
    ln -s sysimage /mnt/sysroot
    attempts=0
    say "image: $url ($kind)"
    until { [ $kind != tar ] || make_root; } && stream "$url"; do
        attempts=$((attempts + 1))
        [ "$kind" != tar ] || umount "$TARGET"
        [ "$fed" = 2 ] && [ $attempts -lt 3 ] && { say "image: from the start"; continue; }
        [ "$fed" = 0 ] || stop "image $url cannot be read: $(tail -n 1 "$RUN/wget")"
        stop "image $url cannot be unpacked on $root: $(tail -n 1 "$LOG")"
    done
    ks_get liveimg.checksum
    if [ "$sum" != "$value" ]; then
        [ "$kind" != tar ] || umount "$TARGET"
        dd if=/dev/zero of="$root" bs=65536 count=16 2>>"$LOG"
        stop "image $url has SHA-256 $sum, the kickstart says $value"
    fi
    say "image: on the disk, SHA-256 as it should be"
    [ "$kind" = tar ] && return
    # A fresh disk holds zeros, and stale inode tables are never read: no background zeroing on the first day.
    mount -t ext4 -o noatime,noinit_itable "$root" "$TARGET" || stop "image $url holds no ext4 file system"
    "$TOOLS/resize2fs" "$root" >>"$LOG" 2>&1 || stop "$root: the file system could not be grown"
}
