#!/usr/bin/env bash
# Runs each scenario of tests/Chaos with a minute of traffic and more listeners than a test run has; prints the counts.
#   tests/Chaos/chaos.sh                  60 s each, 300 listeners
#   tests/Chaos/chaos.sh 600 1000         as long, and as many
# WEIR_CHAOS_BROKER names another broker than Redis.
set -euo pipefail
cd "$(dirname "$0")/../.."
WEIR_CHAOS_REPORT=$(mktemp); export WEIR_CHAOS_REPORT
trap 'rm -f "$WEIR_CHAOS_REPORT"' EXIT
status=0
WEIR_CHAOS_SECONDS=${1:-60} WEIR_CHAOS_LISTENERS=${2:-300} \
    dotnet test --project tests/Chaos -c Release -- --filter-class "*ChaosTests" || status=$?
cat "$WEIR_CHAOS_REPORT"
exit "$status"
