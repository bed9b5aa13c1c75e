#!/usr/bin/env bash
# Regenerates docs/images/dqn_curves.svg and the table under "Why replay and a target network?" in docs/dqn.md: the full
# algorithm and the two plainer ones on CartPole-v1, ten seeds each, all other settings the same.
#   scripts/dqn_curves.sh [--no-install]
source "$(dirname "$0")/setup.sh"

train_many scripts/dqn_curves.py "$@"
