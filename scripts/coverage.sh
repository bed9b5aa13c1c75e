#!/usr/bin/env bash
# Which lines and branches the tests reach, on a CPU: builds the preset `coverage`, runs the suite, and sums up with gcovr:
#   scripts/coverage.sh [--no-install]
# Leaves build/coverage.html, a page a file. Kernels count as the executor runs them.
source "$(dirname "$0")/setup.sh"

read_arguments "$@"
known_flags
ensure_packages "$install" "${COVERAGE_PACKAGES[@]}"
export CCACHE_DISABLE=1 # which would leave the notes of what was compiled elsewhere
build_preset coverage
find build/coverage -name '*.gcda' -delete
ctest --preset coverage --parallel "$(nproc)"
mkdir -p build/coverage-page
gcovr --root . --object-directory build/coverage --filter '(core|cuda|envs|rl|apps)/' --exclude-throw-branches -j "$(nproc)" \
  --html-details build/coverage-page/index.html --print-summary | tail -n 3
echo "build/coverage-page/index.html"
