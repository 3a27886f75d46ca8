#!/usr/bin/env bash
# Runs a command of this repository in a Linux guest in user mode, where a process may set its limit of descriptors itself.
#   loadtest/guest.sh [--memory 8G] [--descriptors 100000] COMMAND [ARGUMENT ...]
# Ends with the command's exit code; prints once a minute, and at the end, where the guest's memory is.
#
# Why a guest. A process may have as many descriptors as its hard limit allows, and in a container or on a shared machine
# that cannot be raised, by root neither. User-mode Linux is a whole kernel that runs as an ordinary process: inside it we are
# root and set the limit ourselves. It sees the files of this machine (hostfs), so the builds and the SDK are simply there.
#
# What its figures mean. Every system call of the guest is caught by a tracer, its one processor is a thread of ours: it is
# slow, a thousand handshakes a second. Counts and memory are what they are anywhere; times are not, only how they compare
# with each other, and latencies are not worth reading. All of it is kept on one processor of this machine: the tracer and the
# traced take turns, and where each wakes the other on another processor it is four times as slow.
#
# Needs Debian's package user-mode-linux (installed when missing and we are root).
set -euo pipefail
cd "$(dirname "$0")/.."
memory=8G descriptors=100000
while [ $# -gt 0 ]; do
    case $1 in
        --memory) memory=$2; shift 2 ;;
        --descriptors) descriptors=$2; shift 2 ;;
        *) break ;;
    esac
done
[ $# -gt 0 ] || { sed -n '2,/^# Needs/p' "$0" | cut -c3- >&2; exit 2; }

if ! command -v linux.uml >/dev/null; then
    [ "$(id -u)" = 0 ] || { echo "guest.sh: 'linux.uml' is missing; install the package user-mode-linux." >&2; exit 2; }
    echo "guest.sh: installing user-mode-linux"
    apt-get install -y -qq user-mode-linux >/dev/null 2>&1 || { apt-get update -qq && apt-get install -y -qq user-mode-linux >/dev/null; }
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
: >"$work/output"

# The guest's first process. It prepares what a booted system would have, does its work and powers off.
cat >"$work/init" <<GUEST
#!/bin/bash
export PATH=$(printf %q "$PATH") HOME=$(printf %q "$HOME") LANG=C.UTF-8 BUILD=0 HOST_OPTIONS=$(printf %q "${HOST_OPTIONS:-}")
exec >>$work/output 2>&1 </dev/null
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev 2>/dev/null
mkdir -p /dev/shm && mount -t tmpfs shm /dev/shm
ip link set lo up
sysctl -qw fs.nr_open=$((descriptors > 1048576 ? descriptors : 1048576)) fs.file-max=$((4 * descriptors + 100000)) \
    fs.epoll.max_user_watches=$((4 * descriptors)) net.core.somaxconn=4096 net.ipv4.ip_local_port_range='10000 65000'
ulimit -n $descriptors
cd $(printf %q "$PWD")

account() {
    awk '/^(MemTotal|MemAvailable|Slab|AnonPages):/ { printf "%s %.0f MB, ", \$1, \$2 / 1024 }' /proc/meminfo
    awk '/^TCP:/ { printf "%s TCP sockets, %s pages of buffers\n", \$3, \$11 }' /proc/net/sockstat
}

echo "guest: \$(account)"
$(printf '%q ' "$@") &
job=\$!
next=60
while kill -0 \$job 2>/dev/null; do
    echo "guest: \$(account)" >$work/account.new && mv $work/account.new $work/account
    [ \$SECONDS -lt \$next ] || { cat $work/account; next=\$((SECONDS + 60)); }
    sleep 2
done
wait \$job
status=\$?
cat $work/account
dmesg | grep -i 'out of memory\|killed process' | tail -5
echo \$status >$work/status
sync
poweroff -f >/dev/null 2>&1
GUEST
chmod +x "$work/init"

tail -n +1 -f --pid=$$ "$work/output" &
follower=$!
taskset -c "$(sed -n 's/^Cpus_allowed_list:.*[^0-9]//p' /proc/self/status)" linux.uml mem="$memory" rootfstype=hostfs rootflags=/ rw init="$work/init" con=null con0=null quiet \
    </dev/null >"$work/console" 2>&1 &
guest=$!
trap 'kill $guest 2>/dev/null || true; rm -rf "$work"' EXIT
wait $guest || true
sleep 1 # for the follower, which looks once a second
kill $follower 2>/dev/null || true
if [ ! -f "$work/status" ]; then
    echo "guest.sh: the guest ended before its work was done; its last account and words:" >&2
    cat "$work/account" >&2 || true
    tail -5 "$work/console" >&2
    exit 1
fi

exit "$(cat "$work/status")"
