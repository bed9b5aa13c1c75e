#!/usr/bin/env bash
# Builds for 64-bit ARM with Debian's cross compiler; runs tests and a short training under qemu:
#   scripts/aarch64.sh [--no-install] [--all]
# By default the tests of core, of the environments and of the learners; --all: the whole suite. Emulation takes 10 to 50 times
# as long as the processor.
source "$(dirname "$0")/setup.sh"

read_arguments "$@"
known_flags --all
programs=(core_reference_tests core_cpu_tests core_io_tests core_network_tests envs_tests rl_cpu_tests rl_replay_tests
          rl_trainer_tests)
if ! dpkg --print-foreign-architectures | grep -qx arm64; then
  [ "$install" = yes ] || stop "apt knows no packages for arm64: dpkg --add-architecture arm64"
  echo "Adding the foreign architecture arm64 to dpkg" >&2
  if [ "$(id -u)" -eq 0 ]; then dpkg --add-architecture arm64; else sudo dpkg --add-architecture arm64; fi
fi
ensure_packages "$install" "${AARCH64_PACKAGES[@]}"

echo "== aarch64: building"
if has_flag --all; then
  build_preset aarch64
  echo "== aarch64: testing"
  ctest --preset aarch64 --parallel "$(nproc)"
else
  build_preset aarch64 bellman "${programs[@]}"
  echo "== aarch64: testing"
  ctest --preset aarch64 --parallel "$(nproc)" --tests-regex "^($(IFS='|' && echo "${programs[*]}"))\$"
fi
echo "== aarch64: a run"
run=$(mktemp -d)
trap 'rm -rf "$run"' EXIT
qemu-aarch64-static build/aarch64/bin/bellman train --seed 1 --total-timesteps 2000 --run-dir "$run/cartpole" | cat
qemu-aarch64-static build/aarch64/bin/bellman verify "$run/cartpole"
