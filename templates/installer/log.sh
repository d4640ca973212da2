# shellcheck shell=dash
# What is said is on the console, in $LOG, at the log port where there is one, and with inst.syslog= at the log
# server.

LOG=/tmp/mini.log

# say TEXT
say() {
    read -r up _ </proc/uptime
    printf 'provisioner: [%7s] %s\n' "$up" "$1" | tee -a "$LOG"
    [ -z "$PORT" ] || printf '%s\n' "$1" >&5
    [ -z "$SYSLOG" ] || printf '%s\n' "$1" >&4
}

# send_log HOST[:PORT]: from here on each line goes out by UDP, through one logger that reads a pipe
send_log() {
    case $1 in *:*) server=$1 ;; *) server=$1:514 ;; esac
    mkfifo /run/log
    syslogd -n -L -O /dev/null -R "$server" &
    # A reader of our own keeps the pipe open; the tag is the installer's name.
    (
        tries=0
        until [ -S /dev/log ] || [ $tries -ge 50 ]; do sleep 0.1; tries=$((tries + 1)); done
        exec logger -t mini </run/log
    ) &
    exec 4<>/run/log
    SYSLOG=$server
}

# open_port: Anaconda's virtio port, which takes the log without any network; its name comes a moment after its driver
open_port() {
    tries=0
    while [ $tries -lt 20 ]; do
        for place in /sys/class/virtio-ports/*; do
            port=/dev/${place##*/} name=
            [ ! -r "$place/name" ] || read -r name <"$place/name"
            [ "$name" = org.fedoraproject.anaconda.log.0 ] || continue
            [ -c "$port" ] || continue
            # Tried apart: a shell whose own redirection fails ends, and with it the machine.
            (: >"$port") 2>>"$LOG" || return 0
            exec 5>"$port"
            PORT=1
            cat "$LOG" >&5
            return 0
        done
        sleep 0.1
        tries=$((tries + 1))
    done
}
