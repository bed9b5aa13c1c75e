#!/usr/bin/env bash
# clang-tidy over the library and the command, with the checks of .clang-tidy; a finding is an error:
#   scripts/tidy.sh [--no-install] [FILE.cpp...]
source "$(dirname "$0")/setup.sh"

install=yes files=()
for argument; do
  case $argument in
    --no-install) install=no ;;
    -*) stop "tidy.sh: unknown argument $argument; known: --no-install" ;;
    *) files+=("$argument") ;;
  esac
done
ensure_packages "$install" "${TIDY_PACKAGES[@]}"
[ ${#files[@]} -gt 0 ] || mapfile -t files < <(git ls-files 'core/*.cpp' 'envs/*.cpp' 'rl/*.cpp' 'apps/*.cpp')
cmake --preset tidy >/dev/null # only for its compile_commands.json: nothing is built
printf '%s\0' "${files[@]}" | xargs -0 -n 4 -P "$(nproc)" clang-tidy-14 -p build/tidy --quiet 2>/dev/null
