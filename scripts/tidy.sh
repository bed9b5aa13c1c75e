#!/usr/bin/env bash
# clang-tidy over the library and the command, with the checks of .clang-tidy; a finding is an error:
#   scripts/tidy.sh [--no-install] [--changed | FILE...]
# --changed: only units with files that differ from the main branch or, on the main branch itself, from the commit before.
source "$(dirname "$0")/setup.sh"

install=yes rest=()
for argument; do
  case $argument in
    --no-install) install=no ;;
    --changed) rest+=("$argument") ;;
    -*) stop "tidy.sh: unknown argument $argument; known: --no-install, --changed" ;;
    *) rest+=("$argument") ;;
  esac
done
ensure_packages "$install" "${TIDY_PACKAGES[@]}"
cmake --preset tidy >/dev/null # only for its compile_commands.json: nothing is built
exec python3 scripts/tidy.py "${rest[@]}"
