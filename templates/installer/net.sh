# shellcheck shell=dash
# The network of the installer: one card, its address by DHCP, files by HTTP.

# nic_of MAC: the card with that address, else the first one; sets `nic`
nic_of() {
    nic=
    for card in /sys/class/net/*; do
        [ "${card##*/}" != lo ] || continue
        read -r mac <"$card/address"
        [ -n "$nic" ] || nic=${card##*/}
        [ "$mac" != "$1" ] || { nic=${card##*/}; return; }
    done
    [ -z "$1" ] || [ -z "$nic" ] || say "network: no card has the address $1; $nic is taken"
}

# network_up BOOTIF IP: BOOTIF as 01-52-54-00-…, IP as in ip=
network_up() {
    case $2 in
        '' | dhcp | *:dhcp | on | any) ;;
        *) stop "ip=$2 is not known to the mini installer; write ip=dhcp" ;;
    esac
    wanted=$(printf '%s' "${1#01-}" | tr 'A-F-' 'a-f:')
    nic_of "$wanted"
    [ -n "$nic" ] || stop "no network card was found; virtio is what the mini installer drives"
    ip link set lo up
    ip link set "$nic" up
    # Ten quick questions in ten seconds, then the same again: a guest outlives a restart of its DHCP server.
    until udhcpc -q -n -t 10 -T 1 -i "$nic" -s /lease >>"$LOG" 2>&1; do
        say "network: no DHCP server answered $nic; asking again"
        sleep 2
    done
    read -r address <"$RUN/address"
    say "network: $nic has $address"
}

# card_headers: sets `cards` to the X-RHN-Provisioning-MAC-n lines of inst.ks.sendmac
card_headers() {
    cards='' number=0
    for card in /sys/class/net/*; do
        [ "${card##*/}" != lo ] || continue
        read -r mac <"$card/address"
        cards="$cards${cards:+
}X-RHN-Provisioning-MAC-$number: ${card##*/} $mac"
        number=$((number + 1))
    done
}

# get SECONDS TRIES URL FILE [WGET OPTIONS]: a whole small file, by HTTP or from a volume (file:/PATH).
# `timeout`, for wget's own -T crashes.
get() {
    seconds=$1 tries=$2 url=$3 file=$4
    shift 4
    case $url in file:*) cp "${url#file:}" "$file" 2>"$RUN/wget"; return ;; esac
    while :; do
        # shellcheck disable=SC2086
        timeout "$seconds" wget -q -O "$file" "$@" "$url" 2>"$RUN/wget" && return 0
        # An answer of the server is an answer: only silence is asked again.
        grep -q 'server returned error: HTTP/1.[01] 4' "$RUN/wget" && return 1
        tries=$((tries - 1))
        [ $tries -gt 0 ] || return 1
        sleep 2
    done
}

# get_kickstart URL FILE
get_kickstart() {
    set -- "$1" "$2" --header "X-Anaconda-Architecture: $(uname -m)" \
        --header "X-Anaconda-System-Release: Provisioner mini installer"
    if [ -n "$SENDMAC" ]; then
        card_headers
        IFS='
'
        for line in $cards; do set -- "$@" --header "$line"; done
        unset IFS
    fi
    if [ -n "$SENDSN" ] && [ -r /sys/class/dmi/id/product_serial ]; then
        read -r serial </sys/class/dmi/id/product_serial
        set -- "$@" --header "X-System-Serial-Number: $serial"
    fi
    url=$1 file=$2
    shift 2
    get 20 90 "$url" "$file" -S "$@"
}

# clock_compare: says where our clock and that of the server which answered last are more than a day apart
clock_compare() {
    told=$(sed -n 's/^ *[Dd]ate: *\(.*\) GMT.*/\1/p' "$RUN/wget" | tail -n 1)
    theirs=$(date -u -D '%a, %d %b %Y %T' -d "${told:-none}" +%s 2>/dev/null) || return 0
    apart=$(($(date -u +%s) - theirs))
    [ $apart -lt -86400 ] || [ $apart -gt 86400 ] || return 0
    say "clock: it is $(date -u +%F) here, and $(date -u -d "@$theirs" +%F) at the server"
}

# probe_tree URL: .treeinfo must be there; updates.img and product.img may be, and are laid over the installer
probe_tree() {
    get 20 30 "$1/.treeinfo" "$RUN/treeinfo" || stop "the tree $1 has no readable .treeinfo: $(cat "$RUN/wget")"
    for extra in updates product; do
        get 60 1 "$1/images/$extra.img" "$RUN/$extra.img" || continue
        say "tree: images/$extra.img is laid over the installer"
        (cd / && zcat "$RUN/$extra.img" 2>>"$LOG" | cpio -idu 2>>"$LOG") ||
            stop "$1/images/$extra.img is not a cpio archive packed with gzip"
    done
}
