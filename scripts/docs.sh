#!/usr/bin/env bash
# Makes the documentation for reading offline; a warning is an error:
#   scripts/docs.sh [--no-install]
# build/docs/site/index.html: the course and all other pages. build/docs/html/index.html: the API reference, from the
# comments in the headers.
source "$(dirname "$0")/setup.sh"

read_arguments "$@"
known_flags
ensure_packages "$install" "${DOCS_PACKAGES[@]}"
mkdir -p build
doxygen docs/Doxyfile
/usr/bin/python3 scripts/site/make_site.py --root . --output build/docs/site # the system's: python3-markdown-it is its package
echo "build/docs/site/index.html"
echo "build/docs/html/index.html"
