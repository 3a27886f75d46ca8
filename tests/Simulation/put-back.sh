#!/usr/bin/env bash
# put-back.sh [SEEDS] [NAME]: puts each fault of Faults/*.patch back into the product, one at a time and in a worktree of its own, runs
# SEEDS seeds (2,000) with the features that the patch names, and prints a table of what the simulation found. Only the faults whose
# names contain NAME, if it is given. Exit code 1 if a patch no longer applies or does not build, or a fault is not found.
set -euo pipefail
seeds=${1:-2000}
name=${2:-}
faults=$(cd "$(dirname "$0")/Faults" && pwd)
work=$(mktemp -d)
summary="$work/summary"
tree="$work/tree"
git -C "$faults" worktree add --quiet --detach "$tree" HEAD
trap 'git -C "$faults" worktree remove --force "$tree"; rm -rf "$work"' EXIT
result=0

row() { printf '| %s | `%s` | %s | %s |\n' "$1" "$2" "$3" "$4"; }

printf '| fault | features | first seed | seeds that fail, of %s |\n|---|---|---:|---:|\n' "$seeds"
for patch in "$faults"/*"$name"*.patch; do
  fault=$(sed -n 's/^fault: //p' "$patch")
  features=$(sed -n 's/^features: //p' "$patch")
  git -C "$tree" checkout --quiet .
  if ! git -C "$tree" apply --recount "$patch" 2> "$work/log"; then
    row "$fault" "$features" "$(basename "$patch") no longer applies" ""
    result=1
    continue
  fi

  if ! dotnet build "$tree/tests/Simulation" -c Release -v quiet -p:RunAnalyzers=false -p:TreatWarningsAsErrors=false > "$work/log" 2>&1; then
    row "$fault" "$features" "$(basename "$patch") does not build" ""
    grep -m 3 'error' "$work/log" >&2 || true
    result=1
    continue
  fi

  rm -f "$summary"
  WEIR_SIM_SEEDS=$seeds WEIR_SIM_FEATURES=$features WEIR_SIM_SUMMARY=$summary \
    "$tree/tests/Simulation/bin/Release/net10.0/Weir.Simulation" -method '*Seeds_All*' > "$work/log" 2>&1 || true
  if [ ! -f "$summary" ]; then
    row "$fault" "$features" "did not run" ""
    tail -n 5 "$work/log" >&2
    result=1
  elif [ ! -s "$summary" ]; then
    row "$fault" "$features" "not found" 0
    result=1
  else
    row "$fault" "$features" "$(head -n 1 "$summary" | cut -f 1)" "$(wc -l < "$summary")"
  fi
done
exit $result
