#!/usr/bin/env bash
# Builds this checkout on a machine with a GPU, tests and measures it there, and writes one record of it:
#   scripts/gpu_verify.sh [--steps a,b,c] [--build-dir DIR] [--packages FOLDER] [--out DIR] [--minutes N]
#                         [--python PYTHON] [--commit TEXT] [--allow-no-gpu]
#
# Steps, in this order; each has a time limit, a failed one is recorded and the others go on:
#   build          what the other steps need, for this GPU alone: with `tests` everything
#   tests          the whole suite with BELLMAN_REQUIRE_GPU=1
#   memcheck, racecheck, initcheck, synccheck
#                  compute-sanitizer over the tests of the kernels (BELLMAN_TEST_BACKENDS=cuda), the four at once
#   cartpole       `bellman train --device cuda` must solve CartPole-v1
#   determinism    two trainings with one seed must leave the same model file, byte for byte
#   floors_bench   what the card takes for a launch, a barrier, a round trip to memory (bench/cuda/)
#   ops_bench      every op, its share of the card's measured rates, dense layers beside cuBLAS (bench/cuda/)
#   learn_step     the captured learn step, bellman and PyTorch in turn (A B B A), losses on one batch compared first
#   loops          whole trainings and populations, bellman, JAX and PyTorch in turn, likewise (scripts/gpu_loops.py)
#
# Needs nvcc, CMake, ninja, python3; for all steps compute-sanitizer, and PyTorch and JAX with CUDA. No network. Libraries
# that the machine lacks come from a folder that scripts/gpu_packages.sh filled elsewhere, but for PyTorch and JAX, which
# are gigabytes: a step says what it missed.
#
#   --steps         only these
#   --build-dir     default build/gpu; logs of the steps are in its folder verify/
#   --packages      default build/gpu-packages, when it is there
#   --out           a folder for the record beside bench/records/
#   --python        has PyTorch and JAX; default python3
#   --minutes       of it all, default 9: what is left when they are over has failed
#   --commit        what the record names, where the checkout travelled without its git folder
#   --allow-no-gpu  to try this script out: without a GPU go on, skip what needs one, and write a record all the same
#
# The record: bench/records/<date>-<gpu>.json, and a table beside it. Exit code 1: a step failed; 2: it could not start.
# The card is measured as it is found: its clocks, power limit and modes are left alone.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

ALL_STEPS=(build tests memcheck racecheck initcheck synccheck cartpole determinism floors_bench ops_bench learn_step loops)
SKIPPED=77  # exit code of a step that finds something missing

stop() {
  printf 'gpu_verify.sh: %s\n' "$@" >&2
  exit 2
}

# ---- arguments

steps=$(IFS=,; echo "${ALL_STEPS[*]}") build=build/gpu packages='' out='' minutes=9 python=python3 commit='' allow_no_gpu=no
while [ $# -gt 0 ]; do
  case $1 in
    -h | --help) sed -n '2,/^set -euo/{/^#/s/^# \{0,1\}//p}' "${BASH_SOURCE[0]}"; exit 0 ;;
    --allow-no-gpu) allow_no_gpu=yes; shift; continue ;;
    --steps | --build-dir | --packages | --out | --minutes | --python | --commit) [ $# -ge 2 ] || stop "$1 wants a value" ;;
    *) stop "unknown argument $1; see --help" ;;
  esac
  case $1 in
    --steps) steps=$2 ;;
    --build-dir) build=$2 ;;
    --packages) packages=$2 ;;
    --out) out=$2 ;;
    --minutes) minutes=$2 ;;
    --python) python=$2 ;;
    --commit) commit=$2 ;;
  esac
  shift 2
done
[[ $minutes =~ ^[0-9]+$ ]] || stop "--minutes is $minutes, must be a whole number"
IFS=, read -r -a asked <<<"$steps"
for step in "${asked[@]}"; do
  [[ " ${ALL_STEPS[*]} " == *" $step "* ]] || stop "unknown step $step; known: ${ALL_STEPS[*]}"
done

# ---- the machine

mkdir -p "$build"
build=$(cd "$build" && pwd)
bin=$build/bin
work=$build/verify
rm -rf "$work"
mkdir -p "$work"
started=$SECONDS

command -v nvcc >/dev/null || { [ -x /usr/local/cuda/bin/nvcc ] && PATH=$PATH:/usr/local/cuda/bin; }
have_gpu=no capability=''
if gpu=$(nvidia-smi --query-gpu=name,driver_version,compute_cap,memory.total --format=csv,noheader -i 0 2>/dev/null) &&
   [ -n "$gpu" ]; then
  have_gpu=yes
  IFS=, read -r _ _ capability _ <<<"$gpu"
  export BELLMAN_REQUIRE_GPU=1
else
  gpu=''
  echo "gpu_verify.sh: no GPU here: nvidia-smi is missing or sees none" >&2
  [ "$allow_no_gpu" = yes ] || stop "nothing was verified; --allow-no-gpu does what can be done without one"
fi
capability=$(tr -cd '0-9' <<<"$capability")

[ -z "$packages" ] && [ -d build/gpu-packages ] && packages=build/gpu-packages
package_options=()
if [ -n "$packages" ]; then
  [ -d "$packages/usr" ] || stop "$packages was not filled by scripts/gpu_packages.sh: it has no usr/"
  packages=$(cd "$packages" && pwd)
  # In the environment, so that the test of the installed package finds them too.
  export CMAKE_PREFIX_PATH=$packages/usr${CMAKE_PREFIX_PATH:+:$CMAKE_PREFIX_PATH}
  while IFS= read -r config; do  # by name: lib/x86_64-linux-gnu is not searched everywhere
    package_options+=("-D$(basename "$config" Config.cmake)_DIR=$(dirname "$config")")
  done < <(find "$packages/usr" -name '*Config.cmake')
fi

# ---- the steps: each runs in a bash of its own, its last line of output is what the record says of it

step_build() {
  local bench=OFF targets=() options=(-DCMAKE_BUILD_TYPE=Release -DBELLMAN_CUDA=ON -DBELLMAN_CUDA_ARCHITECTURES="${capability:-90}-real")
  if compgen -G "${packages:-/nowhere}/usr/lib/*/cmake/benchmark" >/dev/null ||
     compgen -G '/usr/lib/*/cmake/benchmark' >/dev/null || compgen -G '/usr/local/lib*/cmake/benchmark' >/dev/null; then
    bench=ON
  fi
  cmake -S . -B "$build" -G Ninja "${options[@]}" -DBELLMAN_BENCH=$bench "$@"
  if [[ ",$steps," != *,tests,* ]]; then  # the whole suite is most of the work
    targets=(bellman bellman_cuda_plugin)
    [[ $steps != *check* ]] || targets+=(core_cpu_tests rl_replay_tests cuda_backend_tests)
    [ $bench = OFF ] || targets+=(cuda_floors_bench cuda_ops_bench cuda_learn_step_bench fixed_batch)
  fi
  cmake --build "$build" --parallel "$(nproc)" ${targets:+--target "${targets[@]}"}
  echo "compute capability ${capability:-90}; benches $bench"
}

step_tests() {
  local outcome=0
  (cd "$build" && ctest --parallel "$(nproc)" --timeout 120 --output-on-failure) || outcome=$?
  grep -hoE '[0-9]+% tests passed, .*' "$work/tests.log" | tail -n 1
  return $outcome
}

# The tests of the ops, of the ops on a replay memory, and of recorded learn steps, on the GPU alone and with our own
# kernels.
sanitize() {
  command -v compute-sanitizer >/dev/null || { echo "compute-sanitizer is missing"; return 77; }
  export BELLMAN_TEST_BACKENDS=cuda BELLMAN_CUBLAS=off
  local check=(compute-sanitizer --tool "$1" --error-exitcode 99 --print-limit 20) outcome=0
  "${check[@]}" "$bin/core_cpu_tests" --source-file='*activations_test*,*dense*_test*,*layer_norm_test*,*optimizer_ops_test*,*q_learning_test*,*conv2d_test*,*max_pool2d_test*' || outcome=$?
  "${check[@]}" "$bin/rl_replay_tests" --source-file='*replay_ops_test*,*replay_priorities_test*' || outcome=$?
  "${check[@]}" "$bin/cuda_backend_tests" --source-file='*counters_test*,*fused_dqn_test*' || outcome=$?
  echo "$(grep -c 'ERROR SUMMARY: 0 errors\|0 hazards displayed' "$work/$1.log" || true) of 3 test programs without errors"
  return $outcome
}
step_memcheck() { sanitize memcheck; }
step_racecheck() { sanitize racecheck; }
step_initcheck() { sanitize initcheck; }
step_synccheck() { sanitize synccheck; }

train() {
  rm -rf "${1:?}"
  "$bin/bellman" train --env-id CartPole-v1 --device cuda --quiet --json --run-dir "$@"
}

step_cartpole() {
  train "$work/cartpole-run" --seed 1 >"$work/cartpole.json"
  python3 scripts/gpu_record.py check-training "$work/cartpole.json"
}

step_determinism() {
  local run sums=()
  for run in 1 2; do
    train "$work/determinism-$run" --seed 2 --total-timesteps 6000 --final-eval-episodes 2 >/dev/null
    sums+=("$(sha256sum "$work/determinism-$run/model.safetensors" | cut -d ' ' -f 1)")
  done
  if [ "${sums[0]}" != "${sums[1]}" ]; then
    echo "two trainings differ: model.safetensors ${sums[0]} and ${sums[1]}"
    return 1
  fi
  echo "model.safetensors ${sums[0]} both times"
}

bench() {  # NAME-OF-RESULT PROGRAM [ARGUMENT...]
  local result=$work/$1.json program=$bin/$2
  shift 2
  [ -x "$program" ] || { echo "$(basename "$program") was not built: Google Benchmark is missing"; return 77; }
  "$program" --benchmark_out="$result" --benchmark_out_format=json "$@"
  python3 scripts/gpu_record.py check-bench "$result"
}

step_floors_bench() { bench floors_bench cuda_floors_bench; }
step_ops_bench() { bench ops_bench cuda_ops_bench; }

peer() {  # NAME-OF-RESULT [ARGUMENT...]
  local result=$work/$1.json
  shift
  "$python" bench/peers/learn_step_torch_graph.py "$@" >"$result"
}

# Goes on after a wrong figure: the others are still worth having.
step_learn_step() {
  local outcome=0
  bench learn_step_bench_1 cuda_learn_step_bench || outcome=$?
  [ $outcome -ne 77 ] || return 77
  if ! "$python" -c 'import sys, torch; sys.exit(not torch.cuda.is_available())'; then
    echo "bellman alone: $python has no PyTorch that sees the GPU"
    return $outcome
  fi
  "$bin/fixed_batch" cuda >"$work/fixed_batch.json"
  peer losses --parts losses
  python3 scripts/gpu_record.py check-losses "$work/fixed_batch.json" "$work/losses.json"
  peer peer_1 --parts learn_step,conv2d || outcome=$?
  peer peer_2 --parts learn_step || outcome=$?
  bench learn_step_bench_2 cuda_learn_step_bench --benchmark_filter='recorded|/fused' || outcome=$?
  [ $outcome -eq 0 ] || echo "not all is right: verify/learn_step.log says what"
  return $outcome
}

step_loops() { python3 scripts/gpu_loops.py --bin "$bin" --work "$work" --python "$python"; }

# ---- running them

export steps build bin work packages capability python
export -f step_build step_tests sanitize step_memcheck step_racecheck step_initcheck step_synccheck train step_cartpole \
  step_determinism bench step_floors_bench step_ops_bench peer step_learn_step step_loops

# record STEP OUTCOME SECONDS DETAIL: for scripts/gpu_record.py, and for whoever looks on.
record() {
  printf '%s\t%s\t%s\t%s\n' "$@" >"$work/$1.step"
  printf '%-12s %-8s %4s s  %s\n' "$@"
}

# run_step STEP LIMIT NEEDS-GPU [ARGUMENT...]: LIMIT in seconds.
run_step() {
  local step=$1 limit=$2 needs_gpu=$3 code=0 begin left detail
  shift 3
  [[ ",$steps," == *",$step,"* ]] || { record "$step" skipped 0 "not asked for"; return; }
  if [ "$needs_gpu" = gpu ] && [ "$have_gpu" = no ]; then
    record "$step" skipped 0 "no GPU"
    return
  fi
  if [ "$step" != build ] && [ ! -x "$bin/bellman" ]; then
    record "$step" failed 0 "nothing is built"
    return
  fi
  left=$((60 * minutes - (SECONDS - started)))
  if [ "$left" -lt 5 ]; then
    record "$step" failed 0 "no time left of $minutes minutes"
    return
  fi
  [ "$left" -lt "$limit" ] && limit=$left
  begin=$SECONDS
  timeout --kill-after=5 "$limit" bash -euo pipefail -c '"$@"' run "step_$step" "$@" >"$work/$step.log" 2>&1 || code=$?
  detail=$(grep -v '^[[:space:]]*$' "$work/$step.log" | tail -n 1 | tr '\t' ' ' | cut -c 1-300 || true)
  case $code in
    0) record "$step" ok $((SECONDS - begin)) "$detail" ;;
    "$SKIPPED") record "$step" skipped $((SECONDS - begin)) "$detail" ;;
    124 | 137) record "$step" failed $((SECONDS - begin)) "stopped after $limit s; $detail" ;;
    *) record "$step" failed $((SECONDS - begin)) "exit code $code: $detail" ;;
  esac
}

run_step build 300 any "${package_options[@]}"
run_step tests 150 any
for tool in memcheck racecheck initcheck synccheck; do run_step $tool 90 gpu & done
wait
run_step cartpole 60 gpu
run_step determinism 40 gpu
run_step floors_bench 30 gpu
run_step ops_bench 90 gpu
run_step learn_step 180 gpu
run_step loops 400 gpu

# ---- the record

cuda=$(nvcc --version 2>/dev/null | grep -oE 'V[0-9.]+' | tail -n 1 || true)
if [ -z "$commit" ]; then
  commit=$(git rev-parse HEAD 2>/dev/null || echo unknown)
  [ -z "$(git status --porcelain --untracked-files=no 2>/dev/null)" ] || commit="$commit, changed"
fi
outs=(--out bench/records)
[ -n "$out" ] && outs+=(--out "$out")
python3 scripts/gpu_record.py write --work "$work" --steps "$(IFS=,; echo "${ALL_STEPS[*]}")" --gpu "$gpu" --cuda "${cuda#V}" \
  --commit "$commit" --seconds $((SECONDS - started)) "${outs[@]}"
! grep -q $'\tfailed\t' "$work"/*.step
