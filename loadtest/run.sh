#!/usr/bin/env bash
# Runs a scenario of the load test against this repository's own Host, which it builds and starts for it.
#   loadtest/run.sh SCENARIO [OPTION ...]            'loadtest/run.sh --help' lists scenarios, 'loadtest/run.sh echo --help' options
#   loadtest/run.sh storm --connections 5000 --report out/storm
#   HOST_OPTIONS="--Weir:Heartbeat:Interval=10" loadtest/run.sh idle
#   TLS=1 loadtest/run.sh echo                       over wss, with a certificate made for it
#   loadtest/run.sh suite [--scenario S ...] [OPTION ...]   the scenarios for NBomber's API, in Suite/
# The exit code is the load test's: 0 when all demands were met. Against another server, run the program itself with --url.
set -euo pipefail
cd "$(dirname "$0")/.."
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1

ulimit -n "$(ulimit -Hn)"
if [ "${BUILD:-1}" = 1 ]; then
    dotnet build -c Release -v quiet src/Host >/dev/null
    dotnet build -c Release -v quiet loadtest >/dev/null
fi

scheme=http
server="dotnet src/Host/bin/Release/net10.0/Weir.Host.dll --Logging:LogLevel:Default=Warning --Weir:Echo:Enabled=true --Weir:Drain:Window=20"
options=()
if [ "${TLS:-0}" = 1 ]; then
    keys=$PWD/loadtest/obj/tls
    mkdir -p "$keys"
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost \
        -keyout "$keys/key.pem" -out "$keys/certificate.pem" 2>/dev/null
    scheme=https
    server+=" --Kestrel:Certificates:Default:Path=$keys/certificate.pem --Kestrel:Certificates:Default:KeyPath=$keys/key.pem"
    options=(--insecure)
fi

program=loadtest/bin/Release/net10.0/Weir.LoadTest.dll
if [ "${1:-}" = suite ]; then
    [ "${BUILD:-1}" = 0 ] || dotnet build -c Release -v quiet loadtest/Suite >/dev/null
    program=loadtest/Suite/bin/Release/net10.0/Weir.LoadTest.Suite.dll
    scenario=()
    shift
else
    scenario=("${1:---help}")
    shift $(($# > 0))
fi

case ${scenario[0]:-} in
    -*) options=() ;;
    *) options+=(--url "ws${scheme#http}://127.0.0.1:{port}" --server "$server --urls $scheme://127.0.0.1:{port} ${HOST_OPTIONS:-}") ;;
esac
exec dotnet "$program" "${scenario[@]}" "${options[@]}" "$@"
