#!/usr/bin/env bash
# Makes the API reference from the comments in the headers, build/docs/html/index.html; a warning is an error:
#   scripts/docs.sh [--no-install]
source "$(dirname "$0")/setup.sh"

read_arguments "$@"
known_flags
ensure_packages "$install" "${DOCS_PACKAGES[@]}"
mkdir -p build
doxygen docs/Doxyfile
echo "build/docs/html/index.html"
