# Sourced by the other scripts: installs what is missing and builds a preset. Needs bash; changes into the checkout.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# Debian and Ubuntu packages.
BUILD_PACKAGES=(g++ cmake ninja-build libeigen3-dev librandom123-dev nlohmann-json3-dev libcli11-dev libtomlplusplus-dev
                libgif-dev libxxhash-dev doctest-dev librapidcheck-dev)
PYTHON_PACKAGES=("${BUILD_PACKAGES[@]}" python3 python3-dev python3-venv)
MPI_PACKAGES=(pkg-config openmpi-bin libopenmpi-dev mpich libmpich-dev)
TEST_PACKAGES=("${PYTHON_PACKAGES[@]}" "${MPI_PACKAGES[@]}" git clang libclang-rt-dev clang-format-14 python3-markdown-it chromium)
FUZZ_PACKAGES=("${BUILD_PACKAGES[@]}" clang libclang-rt-dev)
CLANG_PACKAGES=("${BUILD_PACKAGES[@]}" clang)
AARCH64_PACKAGES=("${BUILD_PACKAGES[@]}" g++-aarch64-linux-gnu qemu-user-static libtomlplusplus-dev:arm64 libgif-dev:arm64 libxxhash-dev:arm64
                  librapidcheck-dev:arm64)
TIDY_PACKAGES=("${BUILD_PACKAGES[@]}" git clang clang-tidy-14 python3)
COVERAGE_PACKAGES=("${TEST_PACKAGES[@]}" gcovr)
DOCS_PACKAGES=(doxygen python3 python3-markdown-it)
INSTRUCTION_PACKAGES=("${BUILD_PACKAGES[@]}" valgrind python3)
BENCH_PACKAGES=("${BUILD_PACKAGES[@]}" libbenchmark-dev)
PEER_PACKAGES=(libtorch-dev libopenblas0-pthread)

stop() {
  printf '%s\n' "$@" >&2
  exit 2
}

# read_arguments ARGUMENT...: sets install (no with --no-install, else yes), pass_on (that option, for other scripts) and rest
# (the other arguments). With --help it prints the comment at the script's head and ends.
read_arguments() {
  install=yes pass_on=() rest=()
  local argument
  for argument; do
    case $argument in
      -h | --help) sed -n '2,/^source/{/^#/s/^# \{0,1\}//p}' "scripts/$(basename "$0")"; exit 0 ;;
      --no-install) install=no pass_on=(--no-install) ;;
      *) rest+=("$argument") ;;
    esac
  done
}

# has_flag FLAG: whether it is among the other arguments.
has_flag() {
  [[ " ${rest[*]} " == *" $1 "* ]]
}

# known_flags FLAG...: stops if there are other arguments than these.
known_flags() {
  local argument known=(--no-install "$@")
  for argument in "${rest[@]}"; do
    [[ " $* " == *" $argument "* ]] \
      || stop "$(basename "$0"): unknown argument $argument; known: $(printf '%s, ' "${known[@]}" | sed 's/, $//')"
  done
}

# ensure_packages INSTALL PACKAGE...: installs those that are missing; with INSTALL=no names them and stops.
ensure_packages() {
  local install=$1 package missing=()
  shift
  if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
    stop "This script installs packages on Debian and Ubuntu only. Install the equivalents of these:" "  $*" \
         "then build with: cmake --preset release && cmake --build --preset release"
  fi
  for package; do
    dpkg-query -W -f='${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed || missing+=("$package")
  done
  [ ${#missing[@]} -eq 0 ] && return
  if [ "$install" = no ]; then
    stop "Missing packages (asked with --no-install to leave the system as it is):" "  ${missing[*]}"
  fi
  echo "Installing these packages: ${missing[*]}" >&2
  local as_root=()
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || stop "Not root, and there is no sudo. Run as root: apt-get install ${missing[*]}"
    as_root=(sudo)
  fi
  "${as_root[@]}" apt-get update -qq >&2 || echo "apt-get update failed: going on with the package lists at hand" >&2
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null \
    || stop "apt-get could not install: ${missing[*]}"
}

# build_preset PRESET [TARGET...]: configures the preset the first time, then builds. Quiet unless something fails.
build_preset() {
  local preset=$1 log
  shift
  mkdir -p build
  log=build/$preset.log
  local configure=(cmake --preset "$preset")
  export CCACHE_SLOPPINESS=pch_defines,time_macros # or ccache passes files with precompiled headers by
  command -v ccache >/dev/null && configure+=(-DCMAKE_CXX_COMPILER_LAUNCHER=ccache -DCMAKE_CUDA_COMPILER_LAUNCHER=ccache)
  if [ ! -f "build/$preset/build.ninja" ]; then
    "${configure[@]}" >"$log" 2>&1 || { cat "$log" >&2; stop "Configuring the preset $preset failed."; }
  fi
  local build=(cmake --build --preset "$preset")
  for target; do build+=(--target "$target"); done
  "${build[@]}" >"$log" 2>&1 || { tail -n 60 "$log" >&2; stop "Building the preset $preset failed: see $log."; }
}

# train_many SCRIPT [--no-install] ARGUMENT...: builds the command and runs a Python program that trains with it.
train_many() {
  local script=$1
  shift
  read_arguments "$@"
  ensure_packages "$install" "${BUILD_PACKAGES[@]}" python3
  build_preset release bellman
  exec python3 "$script" --bellman build/release/bin/bellman "${rest[@]}"
}
