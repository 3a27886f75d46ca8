#!/usr/bin/env bash
# A steady load on this repository's own Host: connections are opened as fast as they come, join rooms, answer Pings; some
# publish, a few stop reading under a flood; at the end the Host gets SIGTERM and drains.
#   loadtest/steady.sh                     18,000 connections, held for a minute; needs 'ulimit -n' of 19,000 on both sides
#   loadtest/steady.sh --connections 400 --rooms 20 --for 10      or other options of 'Weir.LoadTest steady'
# Ends with the exit code of the load test: 0 when nothing was lost and every demand was met.
set -euo pipefail
options=("$@")
[ $# -gt 0 ] || options=(--connections 18000 --rooms 500 --members-per-room 30 --publish-rate 500
    --slow 20 --slow-for 12s --for 60s --max-bytes-per-connection 7000)
exec "$(dirname "$0")/run.sh" steady "${options[@]}" --expect-drain
