#!/usr/bin/env bash
# Regenerates docs/images/dqn_curves.svg and the tables under "Why replay and a target network?" in docs/dqn.md: the full
# algorithm, the plainer ones and their controls on CartPole-v1, on the same seeds.
#   scripts/dqn_curves.sh [--no-install]
source "$(dirname "$0")/setup.sh"

train_many scripts/seeds/dqn_curves.py "$@"
