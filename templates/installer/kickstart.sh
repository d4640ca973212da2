# shellcheck shell=dash
# Reads a kickstart into a folder: one small file for each value, one script for each section.
#
#   ks_parse FILE FOLDER     0, or 1 with the sentence in FOLDER/error
#
# The whole file is read even after a fault, so that a %onerror below it can still report. Words are split
# as Python's shlex does, for that is what pykickstart uses. Needs nothing but the shell.

KS_SEP=$(printf '\001')
KS_CR=$(printf "\r")

# ks_put NAME VALUE
ks_put() { printf '%s\n' "$2" >"$KS/$1"; }

# ks_get NAME [DEFAULT]: sets `value`
ks_get() {
    value=${2-}
    # shellcheck disable=SC2015 # a value without its line end reads as well
    [ ! -f "$KS/$1" ] || IFS= read -r value <"$KS/$1" || :
}

ks_has() { [ -f "$KS/$1" ]; }

# ks_fault TEXT: keeps the first fault only
ks_fault() { ks_has error || ks_put error "line $KS_LINE: $1"; }

# ks_words LINE: sets `words`, each followed by KS_SEP; 1 where a quote is left open
ks_words() {
    rest=$1 word='' open='' words=''
    while [ -n "$rest" ]; do
        plain=${rest%%[\ \	\"\'\\\#]*}
        [ -z "$plain" ] || { word=$word$plain open=1; }
        rest=${rest#"$plain"}
        [ -n "$rest" ] || break
        mark=${rest%"${rest#?}"}
        rest=${rest#?}
        case $mark in
            [\ \	]) [ -z "$open" ] || words=$words$word$KS_SEP; word='' open='' ;;
            \#) rest= ;;
            \\) [ -n "$rest" ] || return 1; word=$word${rest%"${rest#?}"} open=1; rest=${rest#?} ;;
            \') case $rest in *\'*) word=$word${rest%%\'*} open=1; rest=${rest#*\'} ;; *) return 1 ;; esac ;;
            \") ks_quoted || return 1 ;;
        esac
    done
    [ -z "$open" ] || words=$words$word$KS_SEP
}

# ks_quoted: the inside of a double quote, where a backslash keeps its place before all but \ and "
ks_quoted() {
    open=1
    while :; do
        case $rest in *[\"\\]*) ;; *) return 1 ;; esac
        plain=${rest%%[\"\\]*}
        word=$word$plain rest=${rest#"$plain"}
        case $rest in
            \"*) rest=${rest#?}; return 0 ;;
            \\[\"\\]*) rest=${rest#?}; word=$word${rest%"${rest#?}"}; rest=${rest#?} ;;
            *) word=$word\\ rest=${rest#?} ;;
        esac
    done
}

# ks_options PREFIX "known= flag …" WORDS…: puts PREFIX.known and PREFIX.flag; sets `argument` to the plain words
ks_options() {
    prefix=$1 known=" $2 " argument=
    shift 2
    while [ $# -gt 0 ]; do
        case $1 in
            --*=*) name=${1%%=*} name=${name#--} value=${1#*=} ;;
            --*) name=${1#--} value= ;;
            *) argument=$argument${argument:+ }$1; shift; continue ;;
        esac
        case "$known:$1" in
            *" $name= "*:--*=*) ;;
            *" $name= "*) [ $# -gt 1 ] || { ks_fault "$KS_COMMAND: --$name needs a value"; return; }
                shift; value=$1 ;;
            *" $name "*:--*=*) ks_fault "$KS_COMMAND: --$name takes no value"; return ;;
            *" $name "*) value=1 ;;
            *) ks_fault "$KS_COMMAND: option --$name is not known to the mini installer"; return ;;
        esac
        ks_put "$prefix.$name" "$value"
        shift
    done
}

# ks_only NAME "allowed …" WHY: a value that may be absent, but not another one
ks_only() {
    ks_has "$1" || return 0
    ks_get "$1"
    case " $2 " in *" $value "*) ;; *) ks_fault "$KS_COMMAND: --${1##*.}=$value: $3" ;; esac
}

ks_argument() { [ -n "$argument" ] || ks_fault "$KS_COMMAND: $1 is missing"; ks_put "$KS_COMMAND" "$argument"; }
ks_no_argument() { [ -z "$argument" ] || ks_fault "$KS_COMMAND: '$argument' is not understood"; }

# ks_command NAME WORDS…: one row for each command
ks_command() {
    KS_COMMAND=$1
    shift
    case $KS_COMMAND in
        liveimg) ks_options liveimg "url= checksum=" "$@"; ks_no_argument
            ks_has liveimg.url || ks_fault "liveimg: --url is missing"
            ks_get liveimg.checksum
            case $value in
                '') ks_fault "liveimg: --checksum is missing; the image is never taken unchecked" ;;
                *[!0-9a-f]*) ks_fault "liveimg: --checksum must be a SHA-256 in lower-case hexadecimal" ;;
                ????????????????????????????????????????????????????????????????) ;;
                *) ks_fault "liveimg: --checksum must be a SHA-256 in lower-case hexadecimal" ;;
            esac ;;
        zerombr | text) ks_options "$KS_COMMAND" "" "$@"; ks_no_argument; ks_put "$KS_COMMAND" 1 ;;
        clearpart) ks_options clearpart "all initlabel disklabel= drives=" "$@"; ks_no_argument
            ks_only clearpart.disklabel gpt "only gpt is written" ;;
        autopart) ks_options autopart "type= fstype= nohome noswap" "$@"; ks_no_argument; ks_put autopart 1
            ks_only autopart.type plain "only plain partitions are made"
            ks_only autopart.fstype ext4 "only ext4 is made" ;;
        lang) ks_options lang "addsupport=" "$@"; ks_argument "the locale" ;;
        keyboard) ks_options keyboard "vckeymap= xlayouts=" "$@"
            [ -n "$argument" ] || { ks_get keyboard.vckeymap; argument=$value; }
            [ -n "$argument" ] || { ks_get keyboard.xlayouts; argument=${value%%,*}; }
            ks_argument "the keymap" ;;
        network) ks_options network "hostname= bootproto= device= onboot= activate noipv6" "$@"; ks_no_argument
            ks_only network.bootproto dhcp "only dhcp is known" ;;
        rootpw) ks_options rootpw "plaintext iscrypted lock allow-ssh" "$@"
            if ks_has rootpw.lock; then ks_put rootpw "$argument"; else ks_argument "the password"; fi ;;
        sshkey) KS_SSHKEYS=$((KS_SSHKEYS + 1))
            ks_options "sshkey.$KS_SSHKEYS" "username=" "$@"
            ks_has "sshkey.$KS_SSHKEYS.username" || ks_fault "sshkey: --username is missing"
            ks_argument "the key"; ks_put "sshkey.$KS_SSHKEYS.key" "$argument" ;;
        user) KS_USERS=$((KS_USERS + 1))
            ks_options "user.$KS_USERS" \
                "name= groups= password= iscrypted plaintext lock uid= gid= homedir= shell= gecos=" "$@"
            ks_no_argument
            ks_get "user.$KS_USERS.name"
            case $value in
                '') ks_fault "user: --name is missing" ;;
                *[!a-z0-9_-]* | [!a-z_]*) ks_fault "user: '$value' is not a usable name" ;;
            esac ;;
        timezone) ks_options timezone "utc isUtc nontp ntpservers=" "$@"; ks_argument "the zone" ;;
        bootloader) ks_options bootloader "append= location= timeout= boot-drive=" "$@"; ks_no_argument
            ks_only bootloader.location mbr "only mbr is known" ;;
        reboot | poweroff) ks_options "$KS_COMMAND" "eject" "$@"; ks_no_argument; ks_put end "$KS_COMMAND" ;;
        *) ks_fault "'$KS_COMMAND' is not a command of the mini installer" ;;
    esac
}

# ks_section KIND WORDS…: opens the next section; its lines follow
ks_section() {
    KS_COMMAND=%$1
    KS_SECTIONS=$((KS_SECTIONS + 1)) KS_OPENED=$KS_LINE
    KS_OPEN=section.$KS_SECTIONS
    ks_put "$KS_OPEN.kind" "$1"
    : >"$KS/$KS_OPEN.sh"
    shift
    case $KS_COMMAND in
        %pre | %onerror) ks_options "$KS_OPEN" "interpreter= log= erroronfail" "$@" ;;
        %post) ks_options "$KS_OPEN" "interpreter= log= erroronfail nochroot" "$@" ;;
        *) ks_fault "the section $KS_COMMAND is not known to the mini installer" ;;
    esac
    ks_no_argument
}

ks_line() {
    ks_words "$1" || { ks_fault "a quote is left open"; return; }
    [ -n "$words" ] || return 0
    IFS=$KS_SEP
    set -f
    # shellcheck disable=SC2086 # split at KS_SEP, which is the point
    set -- $words
    set +f
    unset IFS
    case $1 in
        %include | %ksappend) ks_fault "$1 is not known to the mini installer" ;;
        %end) ks_fault "%end closes no section" ;;
        %*) kind=${1#%}; shift; ks_section "$kind" "$@" ;;
        *) ks_command "$@" ;;
    esac
}

ks_parse() {
    KS=$2 KS_LINE=0 KS_OPEN='' KS_SECTIONS=0 KS_SSHKEYS=0 KS_USERS=0
    mkdir -p "$KS"
    while IFS= read -r line || [ -n "$line" ]; do
        KS_LINE=$((KS_LINE + 1))
        line=${line%"$KS_CR"}
        if [ -z "$KS_OPEN" ]; then
            ks_line "$line"
        elif [ "${line%%[ 	#]*}" = %end ]; then
            KS_OPEN=
        else
            printf '%s\n' "$line" >>"$KS/$KS_OPEN.sh"
        fi
    done <"$1"
    [ -z "$KS_OPEN" ] || { KS_LINE=$KS_OPENED; ks_get "$KS_OPEN.kind"; ks_fault "%$value has no %end"; }
    KS_LINE="$KS_LINE (end)"
    ks_has liveimg.url || ks_fault "liveimg is missing: there is nothing to install"
    ks_has autopart || ks_fault "autopart is missing: it is the one layout there is"
    ks_put sections "$KS_SECTIONS"
    ks_put sshkeys "$KS_SSHKEYS"
    ks_put users "$KS_USERS"
    ! ks_has error
}
