#!/usr/bin/env bash
# Tests and measures this checkout on a machine with a GPU, in parts of under nine minutes:
#   scripts/gpu_verify.sh [--parts a,b] [--list] [--prebuilt DIR] [--again all|failed|STEP,...] [--build-dir DIR]
#                         [--packages FOLDER] [--out DIR] [--minutes N] [--python PYTHON] [--commit TEXT] [--allow-no-gpu]
#
# Parts, the most telling first; --list names their steps, the limit of each, and what is done:
#   build        the command, the plugin, the benches and the test programs for this GPU
#   correct      a first training, the test programs on the GPU, racecheck of a small fused and a small resident case
#   figures      what the card takes for a launch, a barrier, a round trip; the fused learn step; what ncu counts of the
#                fused and the resident kernel; every op
#   learn        CartPole to solved, the same bits twice, the learn step beside PyTorch's in turn
#   loops        populations and whole trainings beside JAX's and PyTorch's, in turn
#   sanitizers   compute-sanitizer's memcheck, initcheck, synccheck and racecheck over the kernels' tests
#   suite        everything else is built, and the whole test suite runs
#
# Each part writes a record of its own, bench/records/<date>-<time>-<gpu>-<part>.json and .md, again after every step. The
# steps' logs are kept whole in the build folder's verify/, and packed beside the record in --out. Started again, a part
# goes on where it stopped: a step that has come to a result is not repeated, and its record goes on. --again repeats
# steps, for a new record; a new commit, GPU or build begins anew. No record is ever overwritten by another run.
#
# Needs python3; to build, nvcc, CMake and ninja. No network. What a step lacks (compute-sanitizer, ncu, PyTorch, JAX,
# cuBLAS) it says. Libraries that the machine lacks come from a folder that scripts/gpu/packages.sh filled elsewhere; or
# the programs do, from scripts/gpu_build_here.sh, and nothing is built here.
#
#   --parts         only these; default all, which takes up to an hour
#   --prebuilt      what scripts/gpu_build_here.sh left: its programs are used, nothing is built
#   --again         repeat these steps: all, those that failed, or by name
#   --build-dir     default build/gpu
#   --packages      default build/gpu-packages, when it is there
#   --out           a folder for records and packed logs, beside bench/records/
#   --minutes       of one part, default 9: what is left when they are over is left for the next start
#   --python        has PyTorch and JAX; default python3
#   --commit        what the records name, where the checkout travelled without its git folder
#   --allow-no-gpu  to try this script out: without a GPU go on, skip what needs one, and write records all the same
#
# Exit code 0: all steps are right or skipped; 1: a step failed, or is left for the next start; 2: it could not start.
# The card is measured as it is found: its clocks, power limit and modes are left alone, and its clock stands in the record.
set -euo pipefail
case " $* " in
  *" -h "* | *" --help "*) sed -n '2,/^set -euo/{/^#/s/^# \{0,1\}//p}' "${BASH_SOURCE[0]}"; exit 0 ;;
esac
exec python3 "$(dirname "${BASH_SOURCE[0]}")/gpu/verify.py" "$@"
