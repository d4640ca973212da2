# shellcheck shell=dash disable=SC2154 # names shared with kickstart.sh, disk.sh and image.sh
# What the kickstart says about the installed system, written into $TARGET without running anything there
# but what the kickstart itself brings, and ssh-keygen.

# replace_field FILE NAME FIELD VALUE: one field of one line of passwd or shadow
replace_field() {
    awk -F: -v OFS=: -v name="$2" -v field="$3" 'BEGIN { value = ENVIRON["VALUE"] } $1 == name { $field = value } 1' \
        "$1" >"$RUN/replaced" && cat "$RUN/replaced" >"$1"
}

# set_password NAME TEXT plain|crypted
set_password() {
    hash=$2
    [ "$3" = crypted ] || hash=$(printf '%s\n' "$2" | mkpasswd -m sha512 -P 0) || stop "no password hash could be made"
    VALUE=$hash replace_field "$TARGET/etc/shadow" "$1" 2
    day=$(($(date +%s) / 86400))
    VALUE=$day replace_field "$TARGET/etc/shadow" "$1" 3
}

# lock_password NAME
lock_password() { VALUE='!*' replace_field "$TARGET/etc/shadow" "$1" 2; }

set_root() {
    if ks_has rootpw.lock; then
        lock_password root
    elif ks_has rootpw; then
        ks_get rootpw
        if ks_has rootpw.iscrypted; then set_password root "$value" crypted; else set_password root "$value" plain; fi
    fi
}

# free_id FILE: sets `id`, the first number from 1000 on that is taken nowhere in field 3
free_id() {
    id=$(awk -F: '{ taken[$3] = 1 } END { id = 1000; while (id in taken) id++; print id }' \
        "$TARGET/etc/passwd" "$TARGET/etc/group")
}

# field NUMBER NAME: prints a user's field of passwd
field() { awk -F: -v n="$1" -v name="$2" '$1 == name { print $n }' "$TARGET/etc/passwd"; }

# join_group NAME GROUP: the group is made where it is missing
join_group() {
    if ! grep -q "^$2:" "$TARGET/etc/group"; then
        free_id
        echo "$2:x:$id:" >>"$TARGET/etc/group"
    fi
    for file in group gshadow; do
        [ -f "$TARGET/etc/$file" ] || continue
        sed -i "/^$2:/{s/[^:]\$/&,/;s/\$/$1/}" "$TARGET/etc/$file"
    done
}

# add_user KEY: one `user` command
add_user() {
    ks_get "$1.name"
    user=$value
    [ -z "$(field 1 "$user")" ] || stop "user: '$user' is in the image already"
    free_id
    ks_get "$1.uid" "$id" && uid=$value
    ks_get "$1.gid" "$uid" && gid=$value
    ks_get "$1.homedir" "/home/$user" && home=$value
    ks_get "$1.shell" /bin/sh
    shell=$value
    ks_has "$1.shell" || [ ! -x "$TARGET/bin/bash" ] || shell=/bin/bash
    ks_get "$1.gecos"
    awk -F: -v gid="$gid" '$3 == gid { found = 1 } END { exit !found }' "$TARGET/etc/group" ||
        echo "$user:x:$gid:" >>"$TARGET/etc/group"
    echo "$user:x:$uid:$gid:$value:$home:$shell" >>"$TARGET/etc/passwd"
    echo "$user:!*::0:99999:7:::" >>"$TARGET/etc/shadow"
    if [ ! -d "$TARGET$home" ]; then
        mkdir -p "$TARGET$home"
        [ ! -d "$TARGET/etc/skel" ] || cp -a "$TARGET/etc/skel/." "$TARGET$home/"
        chmod 700 "$TARGET$home"
        chown -R "$uid:$gid" "$TARGET$home"
    fi
    ks_get "$1.groups"
    for group in $(echo "$value" | tr , ' '); do join_group "$user" "$group"; done
    ks_get "$1.password"
    if ks_has "$1.lock" || [ -z "$value" ]; then
        :
    elif ks_has "$1.iscrypted"; then
        set_password "$user" "$value" crypted
    else
        set_password "$user" "$value" plain
    fi
}

# add_sshkey KEY: one `sshkey` command
add_sshkey() {
    ks_get "$1.username"
    home=$(field 6 "$value")
    [ -n "$home" ] || stop "sshkey: there is no user '$value' in the image, nor in the kickstart"
    owner=$(field 3 "$value"):$(field 4 "$value")
    ks_get "$1.key"
    mkdir -p "$TARGET$home/.ssh"
    printf '%s\n' "$value" >>"$TARGET$home/.ssh/authorized_keys"
    chmod 700 "$TARGET$home/.ssh"
    chmod 600 "$TARGET$home/.ssh/authorized_keys"
    chown -R "$owner" "$TARGET$home/.ssh"
}

set_hostname() {
    ks_get network.hostname
    [ -n "$value" ] || return 0
    echo "$value" >"$TARGET/etc/hostname"
    names=$value
    [ "${value%%.*}" = "$value" ] || names="$value ${value%%.*}"
    [ -f "$TARGET/etc/hosts" ] || echo "127.0.0.1 localhost" >"$TARGET/etc/hosts"
    sed -i '/^127\.0\.1\.1[[:space:]]/d' "$TARGET/etc/hosts"
    echo "127.0.1.1 $names" >>"$TARGET/etc/hosts"
}

set_lang() {
    ks_get lang
    [ -n "$value" ] || return 0
    if [ ! -e "$TARGET/usr/lib/locale/locale-archive" ] && [ -d "$TARGET/usr/lib/locale" ] &&
        [ ! -d "$TARGET/usr/lib/locale/$value" ] && [ "${value%%.*}" != C ]; then
        say "lang: the image has no locale $value; C.UTF-8 is set"
        value=C.UTF-8
    fi
    [ ! -d "$TARGET/etc/default" ] || echo "LANG=$value" >"$TARGET/etc/default/locale"
    echo "LANG=$value" >"$TARGET/etc/locale.conf"
}

set_keyboard() {
    ks_get keyboard
    [ -n "$value" ] || return 0
    echo "KEYMAP=$value" >"$TARGET/etc/vconsole.conf"
    [ ! -d "$TARGET/etc/default" ] || echo "XKBLAYOUT=\"$value\"" >"$TARGET/etc/default/keyboard"
}

set_timezone() {
    ks_get timezone
    [ -n "$value" ] || return 0
    if [ -d "$TARGET/usr/share/zoneinfo" ] && [ ! -f "$TARGET/usr/share/zoneinfo/$value" ]; then
        say "timezone: the image does not know $value; left as it is"
        return 0
    fi
    ln -sf "/usr/share/zoneinfo/$value" "$TARGET/etc/localtime"
    [ ! -d "$TARGET/etc/default" ] || echo "$value" >"$TARGET/etc/timezone"
}

# Each machine its own: machine id and SSH host keys. An image made for emulation takes the quick key only.
set_identity() {
    [ ! -e "$TARGET/etc/machine-id" ] || tr -d - </proc/sys/kernel/random/uuid >"$TARGET/etc/machine-id"
    [ -x "$TARGET/usr/bin/ssh-keygen" ] || return 0
    rm -f "$TARGET"/etc/ssh/ssh_host_*
    if grep -qs '^TUNE=emulation' "$TARGET/etc/provisioner-image"; then
        chroot "$TARGET" ssh-keygen -q -t ed25519 -N '' -f /etc/ssh/ssh_host_ed25519_key
    else
        chroot "$TARGET" ssh-keygen -A
    fi >>"$LOG" 2>&1 || say "ssh: no host keys could be made; the first boot must"
}

set_fstab() {
    printf 'PARTUUID=%s / ext4 defaults,errors=remount-ro 0 1\n' "$root_guid" >"$TARGET/etc/fstab"
    if [ -e "$TARGET/etc/debian_version" ] || [ -e "$TARGET/etc/redhat-release" ]; then
        # nofail, and mounted when first looked at: the boot never waits for it.
        printf 'PARTUUID=%s /boot/efi vfat umask=0077,noauto,x-systemd.automount,nofail 0 2\n' \
            "$esp_guid" >>"$TARGET/etc/fstab"
        mkdir -p "$TARGET/boot/efi"
    fi
}

# kernel_arguments: what update-grub will say later, from the same files; sets `arguments`
kernel_arguments() {
    ks_get bootloader.append
    arguments=$value
    [ -f "$TARGET/etc/default/grub" ] || return 0
    mkdir -p "$TARGET/etc/default/grub.d"
    {
        # shellcheck disable=SC2016 # for update-grub to expand
        printf 'GRUB_CMDLINE_LINUX="$GRUB_CMDLINE_LINUX %s"\n' "$(printf '%s' "$value" | sed 's/[\\"$`]/\\&/g')"
        echo 'GRUB_DISABLE_LINUX_UUID=true'
        echo 'GRUB_DISABLE_LINUX_PARTUUID=false'
    } >"$TARGET/etc/default/grub.d/90-kickstart.cfg"
    arguments=$(
        GRUB_CMDLINE_LINUX='' GRUB_CMDLINE_LINUX_DEFAULT=''
        for file in "$TARGET/etc/default/grub" "$TARGET"/etc/default/grub.d/*.cfg; do
            # shellcheck disable=SC1090
            . "$file"
        done
        echo "$GRUB_CMDLINE_LINUX $GRUB_CMDLINE_LINUX_DEFAULT"
    )
}

# set_boot: GRUB's menu, for every kernel of the image, the newest first
set_boot() {
    kernel_arguments
    ks_get bootloader.timeout 0
    mkdir -p "$TARGET/boot/grub"
    printf 'set timeout=%s\nset default=0\n' "$value" >"$RUN/grub.cfg"
    kernels=0
    for kernel in $(find "$TARGET/boot" -maxdepth 1 -name 'vmlinuz-*' ! -name '*rescue*' | sort -rV); do
        kernel=${kernel##*/}
        version=${kernel#vmlinuz-} initrd='' kernels=$((kernels + 1))
        for file in "initrd.img-$version" "initramfs-$version.img" "initrd-$version"; do
            [ ! -f "$TARGET/boot/$file" ] || initrd=$file
        done
        {
            echo "menuentry 'Linux $version' {"
            echo "  linux /boot/$kernel root=PARTUUID=$root_guid ro $arguments"
            [ -z "$initrd" ] || echo "  initrd /boot/$initrd"
            echo "}"
        } >>"$RUN/grub.cfg"
    done
    [ $kernels -gt 0 ] || stop "the image has no /boot/vmlinuz-*: it could not boot"
    cp "$RUN/grub.cfg" "$TARGET/boot/grub/grub.cfg"
}

system_configure() {
    set_root
    ks_get users
    number=0
    while [ $number -lt "$value" ]; do number=$((number + 1)); add_user user.$number; ks_get users; done
    ks_get sshkeys
    number=0
    while [ $number -lt "$value" ]; do number=$((number + 1)); add_sshkey sshkey.$number; ks_get sshkeys; done
    set_hostname
    set_lang
    set_keyboard
    set_timezone
    set_identity
    set_fstab
    set_boot
    # As Anaconda does: the resolver of the installation, where the image brings none of its own.
    [ -L "$TARGET/etc/resolv.conf" ] || [ -s "$TARGET/etc/resolv.conf" ] ||
        cp /etc/resolv.conf "$TARGET/etc/resolv.conf"
}
