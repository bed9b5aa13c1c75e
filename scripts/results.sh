#!/usr/bin/env bash
# Regenerates docs/results.md: trains every bundled preset over many seeds and tabulates the results, failures included.
#   scripts/results.sh [--no-install] [--only TEXT] [--jobs N] [--seeds N]
source "$(dirname "$0")/setup.sh"

train_many scripts/seeds/results.py "$@"
