#!/usr/bin/env bash
# Installs what is missing, builds, and trains: scripts/train.sh [--no-install] [ARGS of `bellman train`]
# Without arguments: CartPole-v1.
caller=$PWD
source "$(dirname "$0")/setup.sh"

install=yes
if [ "${1:-}" = --no-install ]; then
  install=no
  shift
fi
ensure_packages "$install" "${BUILD_PACKAGES[@]}"
[ -x build/release/bin/bellman ] || echo "Building bellman (the first time this takes a few minutes) ..." >&2
target=bellman
[ -e /dev/nvidiactl ] && target=bellman_with_plugin # a GPU: its plugin takes minutes more to build
build_preset release "$target"
# The command runs in the caller's directory: the paths in its arguments and in its output are relative to it.
program=build/release/bin/bellman
[ "$PWD" = "$caller" ] || program=$PWD/$program
cd "$caller"
exec "$program" train "$@"
