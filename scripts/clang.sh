#!/usr/bin/env bash
# Builds the library and the command with clang, warnings as errors, and trains with it:
#   scripts/clang.sh [--no-install] [--tests]
# --tests: the whole suite as well.
source "$(dirname "$0")/setup.sh"

install=yes tests=no
for argument; do
  case $argument in
    --no-install) install=no ;;
    --tests) tests=yes ;;
    *) stop "clang.sh: unknown argument $argument; known: --no-install, --tests" ;;
  esac
done
ensure_packages "$install" "${CLANG_PACKAGES[@]}"

echo "== clang: building"
if [ "$tests" = yes ]; then
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
