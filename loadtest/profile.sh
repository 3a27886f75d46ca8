#!/usr/bin/env bash
# Where the Host's time and memory go, in figures.
#   loadtest/profile.sh syscalls [OPTION ...]   system calls per message, by name, over a run of 'echo' with these options
#                                               (default: --connections 50 --rate 2000 --for 5s); or of another scenario, when
#                                               its name comes first: loadtest/profile.sh syscalls fanout --window 4
#   loadtest/profile.sh heap [CONNECTIONS]      objects and bytes per idle connection, by type (default: 5000)
#   loadtest/profile.sh cpu [OPTION ...]        the functions that most samples of the processor are in, kernel and managed,
#                                               over a run as above
# syscalls needs strace, cpu needs perf (both installed when missing and we are root). strace makes a server slow, so of its
# figures only the counts mean anything: with a --rate that it keeps up with, they are what they are without it.
set -euo pipefail
cd "$(dirname "$0")/.."
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1
what=${1:-}
case $what in syscalls | heap | cpu) shift ;; *) sed -n '2,/^set/p' "$0" | sed '$d' | cut -c3- >&2; exit 2 ;; esac

need() {
    command -v "$1" >/dev/null && return
    [ "$(id -u)" = 0 ] || { echo "profile.sh: '$1' is missing; install the package $2." >&2; exit 2; }
    echo "profile.sh: installing $2"
    apt-get install -y -qq "$2" >/dev/null 2>&1 || { apt-get update -qq && apt-get install -y -qq "$2" >/dev/null; }
}

case $what in syscalls) need strace strace ;; cpu) need perf linux-perf ;; esac
if [ "${BUILD:-1}" = 1 ]; then
    for project in src/Host loadtest loadtest/Heap; do dotnet build -c Release -v quiet $project >/dev/null; done
fi

work=$(mktemp -d)
[ "$what" != cpu ] || export DOTNET_PerfMapEnabled=1 # tells perf the names of compiled methods
# shellcheck disable=SC2086 # several options
dotnet src/Host/bin/Release/net10.0/Weir.Host.dll --urls http://127.0.0.1:0 --Logging:LogLevel:Default=Warning \
    --Weir:Echo:Enabled=true ${HOST_OPTIONS:-} >"$work/host" 2>&1 &
host=$!
unset DOTNET_PerfMapEnabled
trap 'kill -9 $host 2>/dev/null || true; rm -rf "$work"' EXIT
for _ in $(seq 900); do
    url=$(sed -n 's/^Weir is up. Point a browser at //p' "$work/host")
    [ -z "$url" ] || break
    sleep 0.1
done
[ -n "$url" ] || { cat "$work/host" >&2; exit 1; }
load() { dotnet loadtest/bin/Release/net10.0/Weir.LoadTest.dll "$1" --url "ws${url#http}" --server-pid $host --plain "${@:2}"; }

# Runs the scenario of the command line under a tool that is attached to the Host: trace TOOL... -- OPTION...
options=("$@")
[ $# -gt 0 ] || options=(echo --connections 50 --rate 2000 --for 5s)
case ${options[0]} in -*) options=(echo "${options[@]}") ;; esac

case $what in
    syscalls)
        load "${options[@]}" >/dev/null # compiles what is compiled only once
        strace -q -f -c -U calls,name -o "$work/calls" -p $host 2>/dev/null &
        tool=$!
        load "${options[@]}" --report "$work/report"
        kill -INT $tool
        wait $tool || true
        messages=$(grep -o '"received": [0-9]*' "$work/report/report.json" | awk '{ sum += $2 } END { print sum }')
        echo "system calls per message received by clients, $messages messages:"
        awk -v messages="$messages" 'NR > 2 && $1 + 0 > 0 && $2 != "total" { printf "%10.4f  %s\n", $1 / messages, $2 }' "$work/calls" | sort -rn | head -15
        ;;
    heap)
        connections=${1:-5000}
        look() { dotnet loadtest/Heap/bin/Release/net10.0/Weir.LoadTest.Heap.dll $host "$@"; }
        load idle --connections "$connections" --warm-up-connections "$connections" --for 1s --settle 0s >/dev/null
        sleep 6 # the Host gives memory back when it has been quiet for some seconds
        look --save "$work/before"
        load idle --connections "$connections" --settle 8s --for 1h >"$work/load" &
        idle=$!
        trap 'kill -9 $host $idle 2>/dev/null || true; rm -rf "$work"' EXIT
        for _ in $(seq 900); do grep -q 'bytes per connection' "$work/load" && break; sleep 0.1; done
        grep 'bytes per connection' "$work/load"
        look --minus "$work/before" --per "$connections"
        kill -TERM $idle
        wait $idle || true
        ;;
    cpu)
        load "${options[@]}" >/dev/null
        perf record -q -g -F 499 -o "$work/perf" -p $host &
        tool=$!
        load "${options[@]}"
        kill -INT $tool
        wait $tool || true
        perf report -i "$work/perf" --no-children --stdio -g none --percent-limit 0.7 2>/dev/null | grep -v '^#' | grep -v '^$' | head -40
        ;;
esac
