#!/usr/bin/env bash
# Counts the instructions of a learn step, sampling through Adam, and of an environment step of whole trainings, recorded
# (rl/train/recorder.h) and not, and compares them with the committed record:
#   scripts/instructions.sh [--write | --hooks] [--no-install]
#
# Times vary; instruction counts hardly do: a count within 2 % of bench/records/instructions.json passes on any x86-64 machine
# with AVX2, however busy. The programs are built for one instruction set (the preset `instructions`, x86-64-v3) and run
# under valgrind's callgrind. Another compiler generates other instructions: then the check is skipped, and says so.
#
#   --write        rewrites the record: after an intended change, with the reason in its commit
#   --hooks        also builds the training without a recorder's hooks, and counts what these cost one that records nothing
#   --no-install   names missing packages and stops
#
# Recording a training must cost 3 % of its instructions at most, and its hooks 0.5 % where nothing is recorded.
#
# Exit code 0: within these bounds, or skipped; 1: not; 2: something is missing or failed.
source "$(dirname "$0")/setup.sh"

read_arguments "$@"
known_flags --write --hooks
if [ "$(uname -m)" != x86_64 ] || ! grep -qw avx2 /proc/cpuinfo; then
  echo "SKIPPED: the instructions are those of x86-64 with AVX2"
  exit 0
fi
ensure_packages "$install" "${INSTRUCTION_PACKAGES[@]}"
compiler=$(${CXX:-c++} --version | head -n 1)
if ! has_flag --write; then # first, without building
  python3 scripts/bench/instructions.py --compiler "$compiler" --check-compiler || exit 0
fi
build_preset instructions learn_steps training_loop
if has_flag --hooks; then build_preset instructions training_loop_without_hooks; fi
exec python3 scripts/bench/instructions.py --compiler "$compiler" --programs build/instructions/bin "${rest[@]}"
