#!/usr/bin/env bash
# Tests and measures this checkout on a machine with a GPU, in parts of under nine minutes:
#   scripts/gpu_verify.sh [--parts a,b] [--list] [--prebuilt DIR] [--again all|failed|STEP,...] [--build-dir DIR]
#                         [--packages FOLDER] [--out DIR] [--minutes N] [--python PYTHON] [--commit TEXT] [--allow-no-gpu]
#
# Parts, the most telling first; --list names their steps, the limit of each, and what is done:
#   build        the command, the plugin, the benches and the test programs for this GPU
#   correct      a first training, the test programs on the GPU, racecheck of a small fused and a small agent-kernel case
#   figures      the card's times for a launch, a barrier, a round trip; the fused learn step; ncu's counts for the
#                fused and the agent kernel; every op
#   learn        CartPole to solved, the same bits twice, the learn step beside PyTorch's in turn
#   loops        populations and whole trainings beside JAX's and PyTorch's, in turn
#   ranks        training over two ranks: on one GPU, and on two by NCCL, to the bits that go through host memory
#   sanitizers   compute-sanitizer's memcheck, initcheck, synccheck and racecheck over the kernels' tests
#   suite        everything else is built, and the whole test suite runs
#
# Each part writes a record of its own, bench/records/<date>-<time>-<gpu>-<part>.json and .md, again after every step. The
# steps' logs are kept whole in the build folder's verify/, and packed beside the record in --out. Started again, a part
# resumes where it stopped: a step with a result is not repeated, and its record is continued. --again repeats steps, for
# a new record; a new commit, GPU or build starts from the beginning. No run ever overwrites another's record.
#
# Needs python3; to build, nvcc, CMake and ninja. No network. A step reports what it lacks (compute-sanitizer, ncu, PyTorch,
# JAX, cuBLAS). Missing libraries come from a folder that scripts/gpu/packages.sh filled elsewhere; or the programs come
# from scripts/gpu_build_here.sh, and nothing is built here.
#
#   --parts         only these; default all, which takes up to an hour
#   --prebuilt      what scripts/gpu_build_here.sh left: its programs are used, nothing is built
#   --again         repeat these steps: all, those that failed, or by name
#   --build-dir     default build/gpu
#   --packages      default build/gpu-packages, when it is there
#   --out           a folder for records and packed logs, beside bench/records/
#   --minutes       of one part, default 9: the rest of its steps waits for the next start
#   --python        has PyTorch and JAX; default python3
#   --commit        the commit that the records name, if the checkout was copied without its git folder
#   --allow-no-gpu  to try this script out: without a GPU continue, skip the steps that need one, and still write records
#
# Exit code 0: all steps are right or skipped; 1: a step failed, or waits for the next start; 2: it could not start.
# The card is measured as it is found: its clocks, power limit and modes are left alone, and its clock stands in the record.
set -euo pipefail
case " $* " in
  *" -h "* | *" --help "*) sed -n '2,/^set -euo/{/^#/s/^# \{0,1\}//p}' "${BASH_SOURCE[0]}"; exit 0 ;;
esac
exec python3 "$(dirname "${BASH_SOURCE[0]}")/gpu/verify.py" "$@"
