#!/usr/bin/env bash
# Makes build/python/venv, the virtual environment of the tests that need Python packages, unless it is there already:
#   scripts/python_environment.sh
# Several may run at once.
source "$(dirname "$0")/setup.sh"

requirements=('nanobind>=2.7' 'gymnasium>=1.1' 'ale-py>=0.11' pytest mypy onnxruntime)
folder=build/python/venv
mkdir -p build/python
exec 9>build/python/lock
flock 9
[ "$(cat "$folder/made-for" 2>/dev/null)" = "${requirements[*]}" ] && exit
python3 -m venv "$folder"
"$folder/bin/pip" install --quiet --disable-pip-version-check "${requirements[@]}" >build/python/pip.log 2>&1 \
  || { cat build/python/pip.log >&2; stop "pip could not install: ${requirements[*]}"; }
echo "${requirements[*]}" >"$folder/made-for"
