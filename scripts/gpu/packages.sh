#!/usr/bin/env bash
# Copies bellman's build dependencies (headers, CMake packages, two libraries) out of the installed Debian or Ubuntu
# packages into a folder that can travel to a machine which has none of them and no network:
#   scripts/gpu/packages.sh [FOLDER]        default: build/gpu-packages; about 18 MiB
# Not copied: compilers, CMake, CUDA; nor the peers PyTorch and JAX, whose CUDA libraries are gigabytes.
# scripts/gpu_verify.sh --packages FOLDER builds with it, and so does any build with CMAKE_PREFIX_PATH=FOLDER/usr in the
# environment.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

PACKAGES=(libeigen3-dev librandom123-dev nlohmann-json3-dev libcli11-dev libtomlplusplus-dev libtomlplusplus3
          doctest-dev librapidcheck-dev libgif-dev libgif7 libxxhash-dev libbenchmark-dev libbenchmark1debian)

case ${1:-} in
  -h | --help) sed -n '2,7s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; exit 0 ;;
  -*) echo "packages.sh: unknown argument $1" >&2; exit 2 ;;
esac
folder=${1:-build/gpu-packages}

# The name of Google Benchmark's library package differs between releases: it is what libbenchmark-dev wants.
installed() { dpkg-query -W -f='${db:Status-Status}\n' "$1" 2>/dev/null | grep -qx installed; }
copied=()
for package in "${PACKAGES[@]}"; do
  if installed "$package"; then
    copied+=("$package")
  elif [[ $package == *-dev ]]; then
    echo "packages.sh: $package is not installed: apt-get install $package" >&2
    exit 2
  fi
done

rm -rf "$folder"
mkdir -p "$folder"
for package in "${copied[@]}"; do
  dpkg -L "$package" | { grep -E '^/usr/(include|lib|share/(cmake|eigen3|nlohmann_json))/' || true; } |
    while IFS= read -r path; do
      [ ! -d "$path" ] && printf '%s\n' "${path#/}"
    done | tar -C / -c -f - --files-from=- | tar -C "$folder" -x -f -
done

# doctest's package names its place outright; the others find theirs from where they stand.
find "$folder" -name '*Targets.cmake' -exec grep -l 'set(_IMPORT_PREFIX "/usr")' {} + |
  while IFS= read -r file; do
    up=$(dirname "${file#"$folder"/usr/}" | sed 's|[^/][^/]*|..|g')
    sed -i "s|set(_IMPORT_PREFIX \"/usr\")|get_filename_component(_IMPORT_PREFIX \"\${CMAKE_CURRENT_LIST_DIR}/$up\" ABSOLUTE)|" "$file"
  done

echo "$folder: $(du -sh "$folder" | cut -f1) from ${copied[*]}"
