#!/usr/bin/env bash
# A steady load on this repository's own Host, as a process of its own: connections are opened as fast as they come, join
# rooms, answer Pings; some publish, a few stop reading under a flood; at the end the Host is told to go and drains.
#   loadtest/steady.sh                     18,000 connections, held for a minute; needs 'ulimit -n' of 19,000 on both sides
#   loadtest/steady.sh --connections 400 --rooms 20 --hold 10   or other options of 'Weir.LoadTest steady'
#   HOST_OPTIONS="--Weir:Heartbeat:Interval=10" loadtest/steady.sh
# Ends with the exit code of the load test: 0 when nothing was lost and every demand was met.
set -euo pipefail
cd "$(dirname "$0")/.."
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1

ulimit -n "$(ulimit -Hn)"
if [ "${BUILD:-1}" = 1 ]; then
    dotnet build -c Release -v quiet src/Host >/dev/null
    dotnet build -c Release -v quiet loadtest >/dev/null
fi

log=$(mktemp)
# shellcheck disable=SC2086 # several options
dotnet src/Host/bin/Release/net10.0/Weir.Host.dll --urls http://127.0.0.1:0 --Logging:LogLevel:Default=Warning \
    --Weir:Drain:Window=20 ${HOST_OPTIONS:-} >"$log" 2>&1 &
host=$!
trap 'kill -9 $host 2>/dev/null || true; rm -f "$log"' EXIT

for _ in $(seq 900); do
    url=$(sed -n 's/^Weir is up. Point a browser at //p' "$log")
    [ -n "$url" ] && break
    kill -0 $host 2>/dev/null || { cat "$log" >&2; exit 1; }
    sleep 0.1
done
[ -n "$url" ] || { echo "steady.sh: the Host did not come up:" >&2; cat "$log" >&2; exit 1; }

options=("$@")
[ $# -gt 0 ] || options=(--connections 18000 --rooms 500 --members-per-room 30 --publish-rate 500
    --slow 20 --slow-for 12 --hold 60 --max-bytes-per-connection 10000)
status=0
dotnet loadtest/bin/Release/net10.0/Weir.LoadTest.dll steady --url "ws${url#http}/ws" --server-pid $host \
    "${options[@]}" --expect-drain || status=$?

if [ $status = 0 ]; then
    wait $host || { status=$?; echo "steady.sh: the Host ended with $status" >&2; }
fi
grep -v '^Weir is up\|Weir\[204\]\|reads too slowly' "$log" || true
exit $status
