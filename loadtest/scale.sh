#!/usr/bin/env bash
# More connections in one server process than this machine lets a process have: the Host and the load test in a guest.
#
#   loadtest/scale.sh                                     60,000 in a storm, held for 10 minutes, a Ping to each every 30 s,
#                                                         a message a second to a room of 1,000: none may be lost
#   loadtest/scale.sh --connections 2000 --hold 20        a small one
#   loadtest/scale.sh --connections 1000000 --memory 20G --hold 60
#                                                         as many as the memory carries, and what stopped it
#
#   --connections N   60000            --hold SECONDS       600
#   --room MEMBERS    1000             --publish-rate N     1 a second
#   --heartbeat SECONDS  30, and more where it would be over 2,000 Pings a second; 0: none
#   --memory SIZE     8G, of the guest; it takes from this machine only what it touches
#   --processes N     1, of the client
#   --report DIRECTORY                 --drain              at the end the Host gets SIGTERM, and closes all with 1001
#
# Opening 60,000 takes a minute, a million twenty; guest.sh explains why, and what the figures mean. What may stop it, in the
# order in which it comes: ports (28,000 for each address that clients come from: the load test takes as many of 127.0.0.0/8
# as it needs), descriptors (this requests enough), and the guest's memory: per connection two sockets in its kernel, about
# 4 KB each with file and inode, and what Host and client keep. The last line of the guest's account shows it.
set -euo pipefail
cd "$(dirname "$0")/.."
connections=60000 hold=600 room=1000 rate=1 heartbeat='' memory=8G processes=1 more=()
while [ $# -gt 0 ]; do
    case $1 in
        --connections) connections=$2; shift ;;
        --hold) hold=$2; shift ;;
        --room) room=$2; shift ;;
        --publish-rate) rate=$2; shift ;;
        --heartbeat) heartbeat=$2; shift ;;
        --memory) memory=$2; shift ;;
        --processes) processes=$2; shift ;;
        --report) more+=(--report "$(realpath -m "$2")"); shift ;;
        --drain) more+=(--expect-drain) ;;
        *) sed -n '2,/^set/p' "$0" | sed '$d' | cut -c3- >&2; exit 2 ;;
    esac
    shift
done
heartbeat=${heartbeat:-$((connections / 2000 > 30 ? connections / 2000 : 30))}

# What the Host takes once, for its code, counts for little here and for much with few connections.
[ "$connections" -lt 10000 ] || more+=(--max-bytes-per-connection 7000)

dotnet build -c Release -v quiet src/Host >/dev/null # here, where it is fast
dotnet build -c Release -v quiet loadtest >/dev/null
export HOST_OPTIONS="--Weir:Heartbeat:Interval=$heartbeat --Weir:Drain:Window=$((10 + connections / 300))"
exec loadtest/guest.sh --memory "$memory" --descriptors $((connections + 20000)) \
    loadtest/run.sh steady --connections "$connections" --rooms 1 --members-per-room "$room" --publish-rate "$rate" \
    --for "${hold}s" --open-timeout $((60 + connections / 2000))s --settle 10s --processes "$processes" --plain \
    --drain-timeout $((120 + connections / 100))s "${more[@]}"
