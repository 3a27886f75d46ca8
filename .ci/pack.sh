#!/usr/bin/env bash
# Packs every package of src/ with its symbols: .ci/pack.sh FOLDER
# A project is a package if it has a PublicAPI.Shipped.txt. With CI=true the repository's URL in the packages is that of the clone's origin.
set -euo pipefail
folder=$(mkdir -p "${1:?the folder for the packages is missing}" && cd "$1" && pwd)
cd "$(dirname "$0")/.."
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1

expected=0
while read -r shipped; do
    dotnet pack "$(dirname "$shipped")" -c Release -v quiet -nologo -o "$folder"
    expected=$((expected + 1))
done < <(git ls-files 'src/*PublicAPI.Shipped.txt')

packages=$(find "$folder" -name '*.nupkg' | wc -l) symbols=$(find "$folder" -name '*.snupkg' | wc -l)
echo "$packages packages and $symbols of symbols, of $expected projects"
[ "$expected" -gt 0 ] && [ "$packages" -ge "$expected" ] && [ "$symbols" -ge "$expected" ]
