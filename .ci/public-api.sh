#!/usr/bin/env bash
# Writes PublicAPI.Unshipped.txt afresh, after a public name was added, renamed or removed (RS0016, RS0017): for all packages, or for
# those whose folders are named.
#   .ci/public-api.sh [src/Relay ...]
# The difference is part of the review: what it shows is what users of the package see.
set -euo pipefail
cd "$(dirname "$0")/.."
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1

folders=("$@")
if [ ${#folders[@]} = 0 ]; then
    mapfile -t folders < <(git ls-files 'src/*PublicAPI.Unshipped.txt' | xargs -n 1 dirname)
fi
for folder in "${folders[@]}"; do
    project=$(echo "$folder"/*.csproj)
    [ -f "$project" ] || { echo "public-api.sh: no project in $folder" >&2; exit 1; }
    echo '#nullable enable' > "$folder/PublicAPI.Unshipped.txt"
    dotnet restore "$project" -v quiet
    # The formatter applies the fix of RS0016, which adds each missing symbol; it warns of projects it need not load.
    dotnet format analyzers "$project" --diagnostics RS0016 --severity warn --no-restore 2>&1 | grep -v '^Warnings were encountered' || true
    echo "$folder: $(($(wc -l < "$folder/PublicAPI.Unshipped.txt") - 1)) symbols"
done
