#!/usr/bin/env bash
# How fast is DQN on this machine? Builds, measures on one core, prints a table, and writes it as JSON and as one HTML page:
#   scripts/bench.sh [--quick] [--peers] [--rounds N] [--core N] [--out DIR] [--compare OLD.json [--with NEW.json]]
#                    [--python PYTHON] [--bin DIR] [--only TEXT] [--no-install]
#   scripts/bench.sh --op "dense_forward 128x120->84" [--rounds N] [--core N] [--bin DIR]
#
# What is measured: this machine's roofs (multiply-adds in registers; the triad's bandwidth by working set), every op and
# learn step with its share of them, replay, environments, whole runs; and the same work in other programs, PyTorch,
# JAX and Stable-Baselines3, where a Python has them. Each peer must first compute the same losses on the same batch. All run
# in turn in rounds, A B B A; medians and quartiles over the rounds are reported.
#
#   --quick         the headlines alone, in a few minutes
#   --peers         installs Debian's LibTorch and OpenBLAS, with which both multiply, PyTorch where no Python has it, and
#                   JAX from PyPI into a virtual environment of its own, build/peers, where no Python has it
#   --rounds        default 6, at least 5: fewer can show no difference
#   --core          the core that all programs are bound to; default the last
#   --out           where the JSON and the HTML page go; default build/bench-results
#   --compare       with an older JSON: which rows are faster, slower or the same (Mann-Whitney's test, p < 0.01, and at
#                   least 3 % in the median); exit code 1 when one is slower. Rows of other programs are shown and not counted
#   --with          compares two older ones, and measures nothing
#   --python        Pythons that have the peers, with commas; default the one on PATH, the system's, that of build/peers
#   --bin           a folder of built programs
#   --only          only the parts of a round whose name contains this text, e.g. loop; a text that matches none is refused
#                   with all names
#   --op            one op at any size, checked against its definition and timed; bench/README.md has the sizes' forms
#   --no-install    names missing packages and stops
#
# Exit code 0: measured; 1: --compare found something slower; 2: something is missing, failed, or computed wrong.
source "$(dirname "$0")/setup.sh"

read_arguments "$@"
peers=no ours='' others=()
for argument in "${rest[@]}"; do
  case $argument in
    --peers) peers=yes ;;
    --bin | --bin=* | --with | --with=*) ours=built others+=("$argument") ;;
    *) others+=("$argument") ;;
  esac
done
ensure_packages "$install" python3
python3 scripts/bench/run.py --only-arguments "${others[@]}" # refused before anything is installed or built
packages=()
[ -n "$ours" ] || packages+=("${BENCH_PACKAGES[@]}")
if [ $peers = yes ]; then
  packages+=("${PEER_PACKAGES[@]}")
  python3 -c 'import torch' 2>/dev/null || packages+=(python3-torch)
  packages+=(python3-venv)
fi
[ ${#packages[@]} -eq 0 ] || ensure_packages "$install" "${packages[@]}"
has_jax() { python3 -c 'import jax, numpy' 2>/dev/null || build/peers/bin/python3 -c 'import jax, numpy' 2>/dev/null; }
if [ $peers = yes ] && [ $install = yes ] && ! has_jax; then
  echo "Installing JAX into build/peers" >&2
  python3 -m venv build/peers && build/peers/bin/python3 -m pip install -q jax numpy \
    || echo "JAX could not be installed: measuring without it" >&2
fi
# A build that was configured without LibTorch is configured again.
if [ $peers = yes ] && [ -z "$ours" ]; then rm -f build/bench/build.ninja; fi
exec python3 scripts/bench/run.py "${others[@]}"
