#!/usr/bin/env bash
# clang-tidy over the library and the command, with the checks of .clang-tidy; a finding is an error:
#   scripts/tidy.sh [--no-install] [--changed | FILE...]
# --changed: only units with files that differ from the main branch or, on the main branch itself, from the commit before.
source "$(dirname "$0")/setup.sh"

read_arguments "$@"
for argument in "${rest[@]}"; do
  [[ $argument != -* || $argument == --changed ]] || known_flags --changed
done
ensure_packages "$install" "${TIDY_PACKAGES[@]}"
cmake --preset tidy >/dev/null # only for its compile_commands.json: nothing is built
exec python3 scripts/tidy.py "${rest[@]}"
