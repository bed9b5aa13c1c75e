#!/usr/bin/env bash
# Makes the API reference from the comments in the headers, build/docs/html/index.html; a warning is an error:
#   scripts/docs.sh [--no-install]
source "$(dirname "$0")/setup.sh"

install=yes
for argument; do
  case $argument in
    --no-install) install=no ;;
    *) stop "docs.sh: unknown argument $argument; known: --no-install" ;;
  esac
done
ensure_packages "$install" "${DOCS_PACKAGES[@]}"
mkdir -p build
doxygen docs/Doxyfile
echo "build/docs/html/index.html"
