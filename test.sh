#!/usr/bin/env bash
# Installs what the tests need, then runs all of them; on Linux those of the whole server once on each transport.
# Ends with a line "N passed, N failed", which counts both runs.
#   ./test.sh            everything
#   ./test.sh --no-format   without the check of the formatting
# Needs the .NET SDK of global.json. Node.js, npm, Chromium, Redis, NATS, PostgreSQL, PgBouncer, nginx, HAProxy, Caddy and Prometheus are
# installed with apt-get where it may.
set -euo pipefail
cd "$(dirname "$0")"
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1

fail() { echo "test.sh: $1" >&2; exit 1; }

# need COMMAND PACKAGE...: installs the packages when the command is missing; a tool that can't be had is an error.
need() {
    local command=$1; shift
    command -v "$command" >/dev/null && return
    if command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
        echo "test.sh: installing $*"
        apt-get install -y -qq "$@" >/dev/null 2>&1 ||
            { apt-get update -qq && apt-get install -y -qq "$@" >/dev/null; } ||
            fail "apt-get could not install $*, which brings '$command'."
    fi
    command -v "$command" >/dev/null || fail "'$command' is missing; install it (Debian: apt-get install $*)."
}

command -v dotnet >/dev/null || fail "'dotnet' is missing; install the .NET SDK $(sed -n 's/.*"version": "\(.*\)",.*/\1/p' global.json) or newer."
need node nodejs
need npm npm
need chromium chromium
need openssl openssl
need python3 python3
if ! command -v redis-server >/dev/null; then
    need redis-server redis-server
    # The package starts a server for the machine; tests start their own.
    service redis-server stop >/dev/null 2>&1 || true
fi

if ! [ -d /usr/lib/postgresql ]; then
    need pg_ctlcluster postgresql
    service postgresql stop >/dev/null 2>&1 || true
fi
if ! [ -x /usr/sbin/pgbouncer ]; then
    PATH=$PATH:/usr/sbin need pgbouncer pgbouncer
    service pgbouncer stop >/dev/null 2>&1 || true
fi
if ! command -v nats-server >/dev/null; then
    need nats-server nats-server
    service nats-server stop >/dev/null 2>&1 || true
fi

# The same with these: what the packages start is stopped, and the tests start their own with the files of deploy/.
if ! command -v nginx >/dev/null; then
    need nginx nginx libnginx-mod-stream
    service nginx stop >/dev/null 2>&1 || true
fi
if ! command -v caddy >/dev/null; then
    need caddy caddy
    service caddy stop >/dev/null 2>&1 || true
fi
if ! command -v haproxy >/dev/null; then
    need haproxy haproxy
    service haproxy stop >/dev/null 2>&1 || true
fi
if ! command -v promtool >/dev/null; then
    need promtool --no-install-recommends prometheus
    service prometheus stop >/dev/null 2>&1 || true
fi

(cd tests/Integration/clients && npm ci --silent --no-audit --no-fund) || fail "npm could not install the packages of tests/Integration/clients."

dotnet build Perf.sln -c Release -v quiet
python3 .ci/words.py
[ "${1:-}" = --no-format ] || dotnet format Perf.sln --verify-no-changes --no-restore

log=$(mktemp); trap 'rm -f "$log"' EXIT
status=0 passed=0 failed=0

# run ARGUMENT...: runs tests and adds to the totals.
run() {
    local succeeded broken
    dotnet test "$@" -c Release --no-build 2>&1 | tee "$log" || status=$?
    succeeded=$(sed -n 's/^ *succeeded: *\([0-9]*\).*/\1/p' "$log" | tail -1)
    broken=$(sed -n 's/^ *failed: *\([0-9]*\).*/\1/p' "$log" | tail -1)
    [ "${succeeded:-0}" -gt 0 ] || [ "${broken:-0}" -gt 0 ] || fail "no test ran: dotnet test $*"
    passed=$((passed + ${succeeded:-0})) failed=$((failed + ${broken:-0}))
}

run --solution Perf.sln
if [ "$(uname)" = Linux ]; then
    echo "test.sh: once more on Kestrel's own transport"
    WEIR_TEST_TRANSPORT=Sockets run --project tests/Integration
fi

echo "$passed passed, $failed failed"
exit "$status"
