#!/usr/bin/env bash
# What a connection of this repository's Host costs, with more and more of them: bytes, CPU per handshake, heartbeat, join and
# delivery, each per unit, as curves.csv and curves.svg.
#   loadtest/curves.sh                                      1,000 to 16,000 on this machine
#   loadtest/curves.sh --guest                              1,000 to 60,000 in a guest: slower by far, the shape is the same
#   loadtest/curves.sh --sizes 500,1000 --for 5s --report out/curves      or other options of 'Weir.LoadTest curves'
# HEARTBEAT=10 seconds, which --for should be a multiple of.
set -euo pipefail
cd "$(dirname "$0")/.."
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1
if [ "${1:-}" = --guest ]; then
    shift
    dotnet build -c Release -v quiet src/Host >/dev/null
    dotnet build -c Release -v quiet loadtest >/dev/null
    exec loadtest/guest.sh --memory "${MEMORY:-8G}" --descriptors 80000 env HEARTBEAT="${HEARTBEAT:-30}" loadtest/curves.sh \
        --sizes 1000,4000,15000,30000,60000 --for 60s "$@"
fi

ulimit -n "$(ulimit -Hn)"
if [ "${BUILD:-1}" = 1 ]; then
    dotnet build -c Release -v quiet src/Host >/dev/null
    dotnet build -c Release -v quiet loadtest >/dev/null
fi

exec dotnet loadtest/bin/Release/net10.0/Weir.LoadTest.dll curves \
    --server "dotnet src/Host/bin/Release/net10.0/Weir.Host.dll --urls http://127.0.0.1:{port} --Logging:LogLevel:Default=Warning --Weir:Heartbeat:Interval=${HEARTBEAT:-10}" \
    "$@"
