# shellcheck shell=dash
# What is said is on the console, in $LOG, and with inst.syslog= at the log server.

LOG=/tmp/mini.log

# say TEXT
say() {
    read -r up _ </proc/uptime
    printf 'provisioner: [%7s] %s\n' "$up" "$1" | tee -a "$LOG"
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
