#!/usr/bin/env bash
# More connections than this machine lets a process have: boots a Linux guest in user mode, raises its limits, and runs
# steady.sh in it, the Host and the load client both on the guest's own loopback.
#   loadtest/scale.sh [CONNECTIONS [HOLD_SECONDS [HEARTBEAT_SECONDS]]]          default: 60000 300 60
#
# Why a guest. A process may have as many descriptors as its hard limit says, and in a container or on a shared machine
# nobody may raise that, root included. User-mode Linux is a whole kernel that runs as an ordinary process: inside it we are
# root and set the limit ourselves. It sees the files of this machine (hostfs), so the builds and the SDK are simply there.
#
# What its figures mean. Every system call of the guest is caught by a tracer, its one processor is a thread of ours: it is
# slow (some hundred handshakes a second, so that opening 60,000 takes minutes). Counts and memory are what they are anywhere;
# times are not, and latencies are not worth reading. For the same reason the heartbeat is slower than the Host's 30 s: on a
# busy machine 2,000 pings a second would be all that the guest gets done.
#
# Needs Debian's package user-mode-linux (installed when missing and we are root), about 4 GB of memory, and 15 minutes.
set -euo pipefail
cd "$(dirname "$0")/.."
connections=${1:-60000}
hold=${2:-300}
heartbeat=${3:-60}
descriptors=300000
memory=8G

# What the Host takes once, for its code, counts for little here and for much with few connections.
demand=
[ "$connections" -lt 10000 ] || demand="--max-bytes-per-connection 10000"

if ! command -v linux.uml >/dev/null; then
    [ "$(id -u)" = 0 ] || { echo "scale.sh: 'linux.uml' is missing; install the package user-mode-linux." >&2; exit 2; }
    echo "scale.sh: installing user-mode-linux"
    apt-get install -y -qq user-mode-linux >/dev/null 2>&1 || { apt-get update -qq && apt-get install -y -qq user-mode-linux >/dev/null; }
fi

dotnet build -c Release -v quiet src/Host >/dev/null # here, where it is fast
dotnet build -c Release -v quiet loadtest >/dev/null

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
: >"$work/output"

# The guest's first process. It prepares what a booted system would have, does its work and powers off.
cat >"$work/init" <<GUEST
#!/bin/bash
export PATH=$(printf %q "$PATH") HOME=$(printf %q "$HOME") LANG=C.UTF-8 BUILD=0
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mkdir -p /dev/shm && mount -t tmpfs shm /dev/shm
ip link set lo up
sysctl -qw fs.nr_open=1048576 fs.file-max=2000000 net.core.somaxconn=4096 net.ipv4.ip_local_port_range='10000 65000'
ulimit -n $descriptors
cd $(printf %q "$PWD")
HOST_OPTIONS="--Weir:Heartbeat:Interval=$heartbeat --Weir:Drain:Window=$((10 + connections / 300))" loadtest/steady.sh \
    --connections $connections --rooms $((connections / 60)) --members-per-room 50 --publish-rate 20 \
    --slow 10 --slow-for 25 --hold $hold --drain-timeout 600 $demand >$work/output 2>&1 </dev/null
echo \$? >$work/status
sync
poweroff -f
GUEST
chmod +x "$work/init"

tail -n +1 -f --pid=$$ "$work/output" &
follower=$!
linux.uml mem=$memory rootfstype=hostfs rootflags=/ rw init="$work/init" con=null con0=null quiet \
    </dev/null >"$work/console" 2>&1 &
guest=$!
trap 'kill $guest 2>/dev/null || true; rm -rf "$work"' EXIT
wait $guest || true
sleep 1 # for the follower, which looks once a second
kill $follower 2>/dev/null || true
if [ ! -f "$work/status" ]; then
    echo "scale.sh: the guest ended before its work was done:" >&2
    tail -5 "$work/console" >&2
    exit 1
fi

exit "$(cat "$work/status")"
