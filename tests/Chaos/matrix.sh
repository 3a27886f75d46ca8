#!/usr/bin/env bash
# Runs every way in under every fault with longer traffic than a test run has, and prints the table of docs/operations/reliability.md, then the
# violations by kind and way, with counts.
#   tests/Chaos/matrix.sh                 20 s of traffic each
#   tests/Chaos/matrix.sh 60              as many seconds
#   tests/Chaos/matrix.sh 20 "fail-over"  only faults whose names contain it
# WEIR_CHAOS_BROKER names another broker than Redis.
set -euo pipefail
cd "$(dirname "$0")/../.."
WEIR_MATRIX_REPORT=$(mktemp); export WEIR_MATRIX_REPORT
trap 'rm -f "$WEIR_MATRIX_REPORT"' EXIT
status=0
WEIR_CHAOS_SECONDS=${1:-20} WEIR_MATRIX_FAULT=${2:-} \
    dotnet test --project tests/Chaos -c Release -- --filter-class "*MatrixTests" || status=$?
# Each run writes the head and its row; the head is the same every time.
head -n 2 "$WEIR_MATRIX_REPORT"
grep -e '^|' "$WEIR_MATRIX_REPORT" | grep -v -e '^| fault |' -e '^|---' || true
grep -e '^- ' "$WEIR_MATRIX_REPORT" || true
exit "$status"
