# shellcheck shell=dash disable=SC2154 # names shared with kickstart.sh and image.sh
# The scripts that a kickstart brings: %pre, %post and %onerror.

# section_run KEY ROOT: ROOT is empty for the installer itself
section_run() {
    ks_get "$1.interpreter" /bin/sh
    interpreter=$value
    ks_get "$1.kind"
    [ "$value" = onerror ] || say "%$value script begins"
    ks_get "$1.log" /tmp/section.log
    output=$2$value
    if [ -n "$2" ]; then
        cp "$KS/$1.sh" "$2/tmp/ks-script"
        # shellcheck disable=SC2086 # an interpreter may have arguments
        chroot "$2" $interpreter /tmp/ks-script >>"$output" 2>&1
    else
        # shellcheck disable=SC2086
        $interpreter "$KS/$1.sh" >>"$output" 2>&1
    fi
    code=$?
    [ -z "$2" ] || rm -f "$2/tmp/ks-script"
    if [ $code != 0 ]; then
        ks_get "$1.kind"
        say "%$value script ended with $code: $(tail -n 1 "$output")"
    fi
    return $code
}

# sections KIND: all of that kind in their order; stops where one with --erroronfail fails
sections() {
    ks_get sections 0
    count=$value at=0
    while [ $at -lt "$count" ]; do
        at=$((at + 1))
        ks_get section.$at.kind
        [ "$value" = "$1" ] || continue
        where=
        [ "$1" != post ] || ks_has section.$at.nochroot || where=$TARGET
        section_run section.$at "$where" && continue
        [ "$1" = onerror ] || ! ks_has section.$at.erroronfail || stop "%$1 script failed, and it has --erroronfail"
    done
}

# target_enter, target_leave: what a script in the installed system may rely on
target_enter() {
    mkdir -p "$TARGET/tmp"
    for place in dev proc sys; do
        mkdir -p "$TARGET/$place"
        mount -o bind "/$place" "$TARGET/$place"
    done
    mkdir -p "$TARGET/run"
    mount -t tmpfs tmpfs "$TARGET/run"
}

target_leave() {
    for place in run sys proc dev; do umount "$TARGET/$place" 2>>"$LOG"; done
}
