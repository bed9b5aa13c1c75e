#!/usr/bin/env bash
# Builds the programs that scripts/gpu_verify.sh needs, on a machine without a GPU for one that has a GPU and nothing but
# its driver and a python3:
#   scripts/gpu_build_here.sh [--out DIR] [--build-dir DIR] [--architecture 90] [--jobs N]
#
# Needs nvcc (a CUDA toolkit), CMake, ninja and bellman's packages (scripts/setup.sh). Leaves in DIR, default
# build/gpu-prebuilt, less than 60 MiB that can be copied anywhere:
#   bin/              bellman, the test programs of the kernels, the benches
#   lib/              the plugin, and the shared libraries that a bare machine lacks
#   lib/for_sanitizers/   the plugin that leaves compute-sanitizer its registers
#   tests/data/       what the tests read
#   manifest.json     commit, compilers, the least glibc
# There: scripts/gpu_verify.sh --prebuilt DIR.
#
# Portable: for x86-64 without -march=native. Every instruction beyond that stays in kernels that are chosen by the
# processor's features, and no program contains a path of this machine. Both are checked, or nothing is left in DIR.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

stop() {
  printf 'gpu_build_here.sh: %s\n' "$@" >&2
  exit 2
}

out=build/gpu-prebuilt build=build/gpu-here architecture=90 jobs=$(nproc)
while [ $# -gt 0 ]; do
  case $1 in
    -h | --help) sed -n '2,/^set -euo/{/^#/s/^# \{0,1\}//p}' "${BASH_SOURCE[0]}"; exit 0 ;;
    --out | --build-dir | --architecture | --jobs) [ $# -ge 2 ] || stop "$1 wants a value" ;;
    *) stop "unknown argument $1; see --help" ;;
  esac
  case $1 in
    --out) out=$2 ;;
    --build-dir) build=$2 ;;
    --architecture) architecture=$2 ;;
    --jobs) jobs=$2 ;;
  esac
  shift 2
done
[[ $architecture =~ ^[0-9]+a?$ ]] || stop "--architecture is $architecture, must be a number such as 90"
[ ! -e "$out" ] || [ -e "$out/manifest.json" ] || stop "$out is there and was not made by this script"

command -v nvcc >/dev/null || { [ -x /usr/local/cuda/bin/nvcc ] && PATH=$PATH:/usr/local/cuda/bin; }
command -v nvcc >/dev/null || stop "there is no nvcc: put it on PATH"

PROGRAMS=(bellman fixed_batch cuda_backend_tests cuda_agent_kernel_tests core_cpu_tests core_network_tests rl_replay_tests
          rl_trainer_tests rl_ranks_tests cuda_floors_bench cuda_ops_bench cuda_learn_step_bench)
PLUGINS=(bellman_cuda_plugin bellman_cuda_plugin_for_sanitizers)

map="-ffile-prefix-map=$PWD/="
cmake -S . -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DBELLMAN_NATIVE=OFF -DBELLMAN_WERROR=OFF -DBELLMAN_BENCH=ON \
  -DBELLMAN_CUDA=ON -DBELLMAN_CUDA_ARCHITECTURES="$architecture-real" -DCMAKE_CXX_FLAGS="$map" \
  -DCMAKE_CUDA_FLAGS="-Xcompiler=$map" -DCMAKE_BUILD_RPATH_USE_ORIGIN=ON -DCMAKE_BUILD_RPATH='$ORIGIN/../lib'
cmake --build "$build" --parallel "$jobs" --target "${PROGRAMS[@]}" "${PLUGINS[@]}"
exec python3 scripts/gpu/bundle.py --build "$build" --out "$out" --architecture "$architecture" "${PROGRAMS[@]}"
