#!/usr/bin/env bash
# Runs scripts/slurm/sweep_array.sbatch under a real Slurm on this machine, and compares the merged sweep with one that was
# not dealt out; then `srun bellman sweep` with both MPI libraries, likewise, and `srun bellman train`, which must train the same
# bits with both:
#   scripts/try_slurm.sh [--no-install]
# It starts a slurmctld and a slurmd of its own, with files in a temporary directory and ports of their own, and stops both
# when it ends. A Slurm that runs here already is not touched. One task is requeued and one is killed while they train.
source "$(dirname "$0")/setup.sh"

read_arguments "$@"
ensure_packages "$install" "${BUILD_PACKAGES[@]}" "${MPI_PACKAGES[@]}" slurm-wlm python3
build_preset release bellman
bellman=$PWD/build/release/bin/bellman job=$PWD/scripts/slurm/sweep_array.sbatch
top=$(mktemp -d) host=$(hostname -s)

stop_slurm() {
  local daemon pid
  for daemon in slurmd slurmctld; do
    pid=$(cat "$top/$daemon.pid" 2>/dev/null) || continue
    kill "$pid" || continue
    while kill -0 "$pid" 2>/dev/null; do sleep 0.1; done # it writes its state
  done
  rm -rf "$top"
}
trap stop_slurm EXIT

read -r ctld_port slurmd_port < <(python3 -c '
import socket
sockets = [socket.socket() for _ in range(2)]
for s in sockets: s.bind(("", 0))
print(*[s.getsockname()[1] for s in sockets])')
mkdir "$top/state" "$top/spool"
cat >"$top/slurm.conf" <<CONF
ClusterName=here
SlurmctldHost=$host
SlurmctldPort=$ctld_port
SlurmdPort=$slurmd_port
AuthType=auth/none
CredType=cred/none
SlurmUser=$(id -un)
SlurmdUser=$(id -un)
StateSaveLocation=$top/state
SlurmdSpoolDir=$top/spool
SlurmctldPidFile=$top/slurmctld.pid
SlurmdPidFile=$top/slurmd.pid
SlurmctldLogFile=$top/slurmctld.log
SlurmdLogFile=$top/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
ReturnToService=2
MpiDefault=none
NodeName=$host CPUs=$(nproc) State=UNKNOWN
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP
CONF
export SLURM_CONF=$top/slurm.conf BELLMAN=$bellman
echo "== starting slurmctld and slurmd: $top"
slurmctld -f "$SLURM_CONF"
slurmd -f "$SLURM_CONF"

# wait_for SECONDS COMMAND...: until it succeeds.
wait_for() {
  local left=$1
  shift
  until "$@"; do
    ((left-- > 0)) || { squeue >&2; tail -n 20 "$top"/*.log "$top"/*.out >&2; stop "this did not become true: $*"; }
    sleep 1
  done
}
node_is_idle() { [ "$(sinfo -h -o %T)" = idle ]; }
queue_is_empty() { [ -z "$(squeue -h)" ]; }
task_runs() { [ -n "$(squeue -h -r -t R -j "$1" 2>/dev/null)" ]; }
plan_exists() { [ -e "$top/sweep/shard-$1-of-3/sweep_plan.safetensors" ]; }

submit() {
  sbatch --parsable --cpus-per-task=1 --array=1-3 --output="$top/%A_%a.out" "$job" "$top/sweep" "${options[@]}"
}

options=(--env-id FrozenLake-v1 --total-timesteps 20000 --eval-frequency 5000 --seeds 0-3 --grid gamma=0.9,0.99)
wait_for 60 node_is_idle
array=$(submit)
echo "== job $array: three shards; the first is requeued, the second killed"
wait_for 60 plan_exists 1
wait_for 60 plan_exists 2
scontrol requeue "${array}_1"
scancel --signal=KILL --full "${array}_2"
until_requeued() { scontrol update JobId="${array}_1" StartTime=now 2>/dev/null; task_runs "${array}_1" || queue_is_empty; }
wait_for 180 until_requeued
wait_for 600 queue_is_empty
echo "== the shards after the first job"
for shard in "$top"/sweep/shard-*; do echo "$(basename "$shard"): $(find "$shard" -name 'run-*' | wc -l) runs"; done
echo "== submitted again: what is over is not trained again"
submit >/dev/null
wait_for 600 queue_is_empty
"$bellman" sweep --merge "$top/sweep" --sweep-dir "$top/merged" --quiet
"$bellman" sweep --sweep-dir "$top/whole" --quiet "${options[@]}"
for file in sweep_curves.csv best-FrozenLake-v1.safetensors; do
  cmp "$top/merged/$file" "$top/whole/$file" || stop "$file of the merged sweep is not that of one machine"
done
echo "The merged sweep is that of one machine: sweep_curves.csv and the best model have the same bytes."

# Slurm's pmix starts Open MPI, its pmi2 MPICH. More tasks than processors: --overcommit.
for mpi in pmix pmi2; do
  echo "== srun --mpi=$mpi: three tasks share a sweep"
  srun --mpi=$mpi --ntasks=3 --overcommit "$bellman" sweep --sweep-dir "$top/$mpi" "${options[@]}" --quiet
  for file in sweep_curves.csv best-FrozenLake-v1.safetensors; do
    cmp "$top/$mpi/$file" "$top/whole/$file" || stop "$file of the sweep under srun --mpi=$mpi is not that of one machine"
  done
  echo "== srun --mpi=$mpi: two tasks train one agent"
  srun --mpi=$mpi --ntasks=2 --overcommit "$bellman" train --run-dir "$top/agent-$mpi" --env-id CartPole-v1 --preset none \
    --num-envs 4 --total-timesteps 2000 --eval-frequency 1000 --eval-episodes 2 --final-eval-episodes 2 --quiet
done
cmp "$top/agent-pmix/model.safetensors" "$top/agent-pmi2/model.safetensors" || stop "the agents of both MPI libraries differ"
echo "== srun --mpi=none: three tasks that would each train all of it are refused"
if srun --mpi=none --ntasks=3 --overcommit "$bellman" sweep --sweep-dir "$top/none" "${options[@]}" 2>"$top/none.err"; then
  stop "they were not refused"
fi
grep -m1 "bellman sweep: srun started 3 tasks without MPI" "$top/none.err" || { cat "$top/none.err" >&2; stop "another reason"; }
echo "The sweeps under srun are those of one machine, with both MPI libraries, and both train the same agent."
