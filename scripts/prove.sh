#!/usr/bin/env bash
# Kills, stops, locks out and fails runs, cuts their power, and regenerates the table of docs/reliability.md from the
# results:
#   scripts/prove.sh [--no-install] [--runs N] [--fuzz ARGUMENTS] [--only PART]... [--short | --table]
# --runs: N killed runs instead of 1 000. --fuzz: fuzzes, too, with these arguments of fuzz.sh: '--runs 100000000',
# '--seconds 1200'. --only: that part alone (kills, stops, locks, faults, damage, bytes, power, threads, pause, python, fuzz); the
# rows of the others stay as they were measured the last time, in build/prove/. --short: 20 killed runs, and a part of the
# faults. --table: only the table. A test that fails ends the script; the table then stays as it is. A part that cannot be
# measured here (Python's packages are missing) is reported, and has no row.
# The runs' files are in TMPDIR: a thousand killed runs take minutes on /dev/shm, ten on a disk that syncs.
# Python's part needs a python3 with torch, safetensors, numpy and xxhash.
source "$(dirname "$0")/setup.sh"

all=(kills stops locks faults damage bytes power threads pause python fuzz)
install=yes long="${TMPDIR:+TMPDIR=$TMPDIR }BELLMAN_LONG_TESTS=1 " runs='' fuzz='' measure=yes parts=()
while [ $# -gt 0 ]; do
  case $1 in
    --no-install) install=no ;;
    --runs)
      runs="BELLMAN_KILLED_RUNS=${2:?prove.sh: --runs needs a number} "
      shift
      ;;
    --fuzz)
      fuzz=${2:?prove.sh: --fuzz needs arguments of fuzz.sh}
      shift
      ;;
    --only)
      parts+=("${2:?prove.sh: --only needs a part}")
      [[ " ${all[*]} " == *" $2 "* ]] || stop "prove.sh: no part $2; known: ${all[*]}"
      shift
      ;;
    --short) long='' ;;
    --table) measure=no ;;
    *) stop "prove.sh: unknown argument $1; known: --no-install, --runs, --fuzz, --only, --short, --table" ;;
  esac
  shift
done
[ ${#parts[@]} -gt 0 ] || parts=("${all[@]}")

program=build/release/bin/apps_reliability_tests
outputs=build/prove

command_of() {  # PART: what measures it
  case $1 in
    kills) echo "$long$runs$program --test-case='*killed and resumed*'" ;;
    stops) echo "$long$program --test-case='*asked to end*'" ;;
    locks) echo "$long$program --test-case='*50 runs*'" ;;
    faults) echo "$long$program --test-case='*fails at any call*'" ;;
    damage) echo "$long$program --test-case='*damaged checkpoint is named*'" ;;
    bytes) echo "${long}build/release/bin/apps_tests --test-case='damaged checkpoint: every*'" ;;
    power) echo "$long$program --test-case='power cut*'" ;;
    threads) echo "$long$program --test-case='threads*'" ;;
    pause) echo "build/bench/bin/checkpoint_bench${TMPDIR:+ $TMPDIR}" ;;
    python) echo "python3 scripts/check_python_safetensors.py build/release/bin/bellman" ;;
    fuzz) echo "scripts/fuzz.sh --no-install $fuzz" ;;
  esac
}

# rows OUTPUT: the lines "what: figures" of a program, or those that doctest calls messages.
rows() {
  if grep -q 'MESSAGE: ' "$1"; then sed -n 's/^.*: MESSAGE: //p' "$1"; else sed -n '/^[^=].*: /p' "$1"; fi
}

measure_part() {
  local part=$1 command code=0
  command=$(command_of "$part")
  echo "== $command"
  bash -c "$command" >"$outputs/$part.out" 2>&1 || code=$?
  if [ "$part" = python ] && [ $code -eq 3 ]; then
    cat "$outputs/$part.out" >&2
    rm -f "$outputs/$part."*
    return
  fi
  [ $code -eq 0 ] || { cat "$outputs/$part.out" >&2; stop "Failed: $command"; }
  echo "$command" >"$outputs/$part.command"
  rows "$outputs/$part.out" >"$outputs/$part.rows"
}

if [ "$measure" = yes ]; then
  ensure_packages "$install" "${BUILD_PACKAGES[@]}"
  build_preset release bellman apps_reliability_tests apps_tests
  mkdir -p "$outputs"
  for part in "${parts[@]}"; do
    if [ "$part" = fuzz ] && [ -z "$fuzz" ]; then continue; fi
    if [ "$part" = fuzz ]; then ensure_packages "$install" "${FUZZ_PACKAGES[@]}"; fi
    if [ "$part" = pause ]; then
      ensure_packages "$install" "${BENCH_PACKAGES[@]}"
      build_preset bench checkpoint_bench
    fi
    measure_part "$part"
  done
fi

# table: a row of each line "what: figures", the command beside it.
table() {
  local part line
  echo '| what happens to a run | how often, and what came of it | command |'
  echo '|---|---|---|'
  for part in "${all[@]}"; do
    [ -f "$outputs/$part.rows" ] || continue
    while IFS= read -r line; do
      echo "| ${line%%: *} | ${line#*: } | \`$(cat "$outputs/$part.command")\` |"
    done <"$outputs/$part.rows"
  done
}

document=docs/reliability.md
{
  sed '/<!-- table -->/q' "$document"
  table
  sed -n '/<!-- end of table -->/,$p' "$document"
} >"$outputs/reliability.md"
cp "$outputs/reliability.md" "$document"
table
