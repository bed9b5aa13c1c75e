#!/usr/bin/env bash
# Installs what is missing, checks the formatting, builds and runs the tests:
#   scripts/test.sh [--no-install] [--long]
# Always: the release suite, then the suite under the address and undefined-behaviour sanitizers.
# --long: the instructions of a learn step against their record, the tests marked long as well, the suite under the thread
# sanitizer, and each fuzz target for a minute.
source "$(dirname "$0")/setup.sh"

install=yes long=no
for argument; do
  case $argument in
    --no-install) install=no ;;
    --long) long=yes ;;
    *) stop "test.sh: unknown argument $argument; known: --no-install, --long" ;;
  esac
done
ensure_packages "$install" "${TEST_PACKAGES[@]}"

echo "== formatting"
git ls-files -z '*.h' '*.cpp' '*.cu' '*.cuh' | xargs -0 clang-format-14 --dry-run -Werror

suite() {
  echo "== $1: building"
  build_preset "$1"
  echo "== $1: testing"
  ctest --preset "$1" --parallel "$(nproc)"
}
if [ "$long" = yes ]; then
  ensure_packages "$install" "${INSTRUCTION_PACKAGES[@]}"
  echo "== instructions"
  scripts/instructions.sh --no-install
  scripts/fuzz.sh $([ "$install" = no ] && echo --no-install) --seconds 60
  export BELLMAN_LONG_TESTS=1
  suite tsan
fi
suite asan
suite release
