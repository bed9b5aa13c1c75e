#!/usr/bin/env bash
# Installs what is missing, checks the formatting, builds and runs the tests:
#   scripts/test.sh [--no-install] [--long]
# Always: clang-tidy on what changed (where it is installed), the instructions of a learn step against their record, the
# suite under the address and undefined-behaviour sanitizers as clang builds it, with warnings as errors, then the release
# suite and the Python package's as the default compiler does; there, without the tests of environments' processes, which are
# as good under sanitizers.
# --long, before these: clang-tidy on everything, the suite as clang builds it, tests for 64-bit ARM under qemu, the seeded
# bugs (scripts/mutants.sh), each fuzz target for a minute, sweeps under a Slurm of its own (scripts/try_slurm.sh), sweeps over
# ranks that are killed (scripts/try_mpi.sh), the suite under valgrind's memcheck (an hour), under all checks of undefined
# behaviour, and under the thread sanitizer; all but memcheck's, clang's, ARM's and those checks with the tests marked long. In release
# Breakout is learnt, too.
source "$(dirname "$0")/setup.sh"

read_arguments "$@"
known_flags --long
ensure_packages "$install" "${TEST_PACKAGES[@]}" "${INSTRUCTION_PACKAGES[@]}"

echo "== formatting"
git ls-files -z '*.h' '*.cpp' '*.cu' '*.cuh' | xargs -0 -n 50 -P "$(nproc)" clang-format-14 --dry-run -Werror

build() {
  echo "== $1: building"
  build_preset "$1"
}
run_tests() {
  echo "== $1: testing"
  ctest --preset "$1" --parallel "$(nproc)" "${@:2}"
}
suite() {
  build "$1"
  run_tests "$1"
}
echo "== clang-tidy"
if has_flag --long; then
  scripts/tidy.sh "${pass_on[@]}"
elif command -v clang-tidy-14 >/dev/null && command -v clang++ >/dev/null; then
  scripts/tidy.sh --no-install --changed
else
  echo "SKIPPED: clang and clang-tidy-14 are not installed; scripts/tidy.sh installs them, and checks everything"
fi
echo "== instructions"
if has_flag --long; then
  scripts/instructions.sh --no-install --hooks
  scripts/clang.sh "${pass_on[@]}" --tests
  scripts/aarch64.sh "${pass_on[@]}"
  scripts/mutants.sh "${pass_on[@]}"
  scripts/fuzz.sh "${pass_on[@]}" --seconds 60
  scripts/try_slurm.sh "${pass_on[@]}"
  scripts/try_mpi.sh "${pass_on[@]}" --kills
  suite valgrind
  suite undefined
  export BELLMAN_LONG_TESTS=1
  suite tsan
else
  scripts/instructions.sh --no-install
fi
build asan
# The release build takes the cores that the sanitized suite leaves idle.
set -m # a process group of its own, to end it with
(
  renice -n 10 "$BASHPID" >/dev/null
  scripts/python.sh --no-install --build && build release
) &
release_build=$!
trap 'kill -- -$release_build 2>/dev/null || true' EXIT
run_tests asan
wait "$release_build"
trap - EXIT
if has_flag --long; then
  run_tests release
else
  # Of processes, what the sanitized suite saw is enough; "long" is for --long.
  run_tests release --label-exclude "processes|long"
fi
