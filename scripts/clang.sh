#!/usr/bin/env bash
# Builds the library and the command with clang, warnings as errors, and trains with it:
#   scripts/clang.sh [--no-install] [--tests]
# --tests: the whole suite as well.
source "$(dirname "$0")/setup.sh"

read_arguments "$@"
known_flags --tests
ensure_packages "$install" "${CLANG_PACKAGES[@]}"

echo "== clang: building"
if has_flag --tests; then
  build_preset clang
  echo "== clang: testing"
  ctest --preset clang --parallel "$(nproc)"
else
  build_preset clang bellman
fi
echo "== clang: a run"
run=$(mktemp -d)
trap 'rm -rf "$run"' EXIT
build/clang/bin/bellman train --seed 1 --run-dir "$run/cartpole" | cat
build/clang/bin/bellman verify "$run/cartpole"
