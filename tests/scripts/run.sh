#!/bin/sh
# The tests of the scripts' Python; exit code 77 is CTest's "skipped".
cd "$(dirname "$0")" || exit 1
if ! python3 -c 'import sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null; then
  echo "SKIPPED: there is no python3 of version 3.10 or newer"
  exit 77
fi
export PYTHONDONTWRITEBYTECODE=1
exec python3 -m unittest discover --pattern '*_test.py'
