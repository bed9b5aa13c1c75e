#!/usr/bin/env bash
# Regenerates docs/results.md: trains every bundled preset over many seeds and tabulates what came out, failures too.
#   scripts/results.sh [--no-install] [--only TEXT] [--jobs N]
source "$(dirname "$0")/setup.sh"

install=yes
if [ "${1:-}" = --no-install ]; then
  install=no
  shift
fi
ensure_packages "$install" "${BUILD_PACKAGES[@]}" python3
build_preset release bellman
exec python3 scripts/results.py --bellman build/release/bin/bellman "$@"
