#!/usr/bin/env bash
# Runs libFuzzer's targets (tests/fuzz), one after the other, under the address and undefined-behaviour sanitizers:
#   scripts/fuzz.sh [--no-install] [--runs N] [--seconds N] [--only TARGET]
# --runs: at most N executions of each, --seconds: at most so long each; without either 60 s. New inputs stay in
# build/fuzz-corpus/TARGET; the next run starts from those that still add coverage. Logs, findings and the total number of
# executions are in build/fuzz-runs/. A finding ends the script. A run of its own over the whole corpus checks for leaks,
# since a check after each execution takes longer than the execution. libFuzzer's preference for inputs that are rare among
# thousands (entropic) is off: it took half of the time. The quarantine of freed memory is 1 MiB, more than an execution
# frees: 8 MiB, which does not fit in the cache, took a sixth of the time.
source "$(dirname "$0")/setup.sh"

install=yes runs=-1 seconds=0
all=(safetensors checkpoint model config map network_text observation_json)
targets=("${all[@]}")
while [ $# -gt 0 ]; do
  case $1 in
    --no-install) install=no ;;
    --runs) runs=${2:?fuzz.sh: --runs needs a number}; shift ;;
    --seconds) seconds=${2:?fuzz.sh: --seconds needs a number}; shift ;;
    --only)
      [[ " ${all[*]} " == *" ${2:?fuzz.sh: --only needs a target} "* ]] \
        || stop "fuzz.sh: no target $2; known: ${all[*]}"
      targets=("$2")
      shift
      ;;
    *) stop "fuzz.sh: unknown argument $1; known: --no-install, --runs, --seconds, --only" ;;
  esac
  shift
done
[ "$runs" -ge 0 ] || [ "$seconds" -gt 0 ] || seconds=60

# The longest input that a format needs to exercise everything.
declare -A longest=([safetensors]=512 [checkpoint]=7000 [model]=1024 [config]=512 [map]=256 [network_text]=256 [observation_json]=256)

ensure_packages "$install" "${FUZZ_PACKAGES[@]}"
build_preset fuzz "${targets[@]/#/fuzz_}"
mkdir -p build/fuzz-runs
for target in "${targets[@]}"; do
  corpus=build/fuzz-corpus/$target log=build/fuzz-runs/$target.log program=build/fuzz/bin/fuzz_$target
  echo "== $target"
  mkdir -p "$corpus" "$corpus.less"
  "$program" -merge=1 -max_len="${longest[$target]}" "$corpus.less" "$corpus" >"$log.merge" 2>&1 \
    || { tail -n 40 "$log.merge" >&2; stop "fuzz.sh: $target fails on what it found before: $corpus"; }
  rm -rf "$corpus"
  mv "$corpus.less" "$corpus"
  ASAN_OPTIONS=malloc_context_size=0:detect_leaks=0:quarantine_size_mb=1 "$program" -runs="$runs" \
    -max_total_time="$seconds" -max_len="${longest[$target]}" -reload=0 -entropic=0 -print_final_stats=1 \
    -artifact_prefix="build/fuzz-runs/$target-" "$corpus" "tests/fuzz/corpus/$target" >"$log" 2>&1 \
    || { tail -n 40 "$log" >&2; stop "fuzz.sh: $target has found something: build/fuzz-runs/$target-*"; }
  "$program" -runs=0 "$corpus" "tests/fuzz/corpus/$target" >"$log.leaks" 2>&1 \
    || { tail -n 40 "$log.leaks" >&2; stop "fuzz.sh: $target leaks"; }
  executions=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
  total=$((executions + $(cat "build/fuzz-runs/$target.total" 2>/dev/null || echo 0)))
  echo "$total" >"build/fuzz-runs/$target.total"
  # As doctest prints a message, for prove.sh's table.
  echo "fuzz.sh: MESSAGE: fuzzing, $target: $total executions in all, $executions in the last run, 0 findings" \
    | tee "build/fuzz-runs/$target.out"
done
