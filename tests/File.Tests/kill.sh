#!/usr/bin/env bash
# Kills a process that publishes to Weir.Brokers.File at random moments, and compares what it confirmed with what is there afterwards; prints
# the counts.
#   tests/File.Tests/kill.sh         1,000 kills, a third with each policy; about twenty minutes
#   tests/File.Tests/kill.sh 3000    as many
set -euo pipefail
cd "$(dirname "$0")/../.."
WEIR_FILE_KILLS=${1:-1000} dotnet test --project tests/File.Tests -c Release -- --filter-class "*KillTests" --show-live-output on
