#!/usr/bin/env bash
# Seeds bugs of the kind that experts make, one by one; the test that is named with each must fail:
#   scripts/mutants.sh [--no-install] [--only TEXT] [--list] [--again] [--jobs N]
# The bugs are the lists in tests/mutants; scripts/mutants/mutants.py describes the format and how they are tried. A copy of the
# sources is built once, in build/mutants; for each bug the files concerned are compiled again and linked with the rest.
#
#   --only TEXT    those with this text in their name, list, file or test program
#   --list         names them, and checks that each applies
#   --again        also those that were noticed before; otherwise these are retried only when their entry or file changes
#   --jobs N       how many at once
#   --build DIR    against this build, which is up to date, instead of the copy
#   --no-install   names missing packages and stops
#
# Exit code 0: all are noticed; 1: one survives, does not compile, or its test fails without it; 2: one no longer applies,
# or something is missing or failed.
source "$(dirname "$0")/setup.sh"

read_arguments "$@"
ensure_packages "$install" "${TEST_PACKAGES[@]}"
exec python3 scripts/mutants/mutants.py "${rest[@]}"
