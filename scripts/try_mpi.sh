#!/usr/bin/env bash
# Sweeps over ranks with both MPI libraries, in ways that a test suite cannot: messages that cross a network, kills at
# any moment, a full disk, ranks with different binaries:
#   scripts/try_mpi.sh [--no-install] [--kills]
# Without --kills three runs are killed with each library, with it fifty. It starts mpirun, as root also two network
# namespaces (bellman1, bellman2) with a bridge (bellman0) between them and a file system of 96 KiB in memory, and removes
# them when it ends.
source "$(dirname "$0")/setup.sh"

read_arguments "$@"
known_flags --kills
ensure_packages "$install" "${BUILD_PACKAGES[@]}" "${MPI_PACKAGES[@]}" iproute2 procps python3
build_preset release bellman rank_program
bin=$PWD/build/release/bin top=$(mktemp -d) kills=3
if has_flag --kills; then kills=50; fi
bellman=$bin/bellman

clean_up() {
  local i
  if [ -e "$top/networks" ]; then
    for i in 1 2; do
      ip link del "bellman-v$i" || true
      ip netns del "bellman$i" || true
    done
    ip link del bellman0 || true
  fi
  if mountpoint -q "$top/small"; then umount "$top/small"; fi
  rm -rf "$top"
}
trap clean_up EXIT

declare -A run=(
  [openmpi]="timeout 300 mpirun.openmpi --oversubscribe --allow-run-as-root"
  [mpich]="timeout 300 mpirun.mpich"
)
options=(--env-id CartPole-v1 --preset none --network "dense 8, relu" --buffer-size 200 --batch-size 8 --learning-starts 50
         --eval-frequency 20000 --eval-episodes 2 --final-eval-episodes 5 --seeds 0-7 --grid gamma=0.9,0.8
         --total-timesteps 150000 --train-frequency 1 --quiet)
same_as_whole() {
  local file
  for file in sweep_curves.csv best-CartPole-v1.safetensors; do
    cmp "$1/$file" "$top/whole/$file" || stop "$1/$file is not that of one machine"
  done
}
# expect_refusal TEXT COMMAND...: it fails, and one line of its output has the text.
expect_refusal() {
  local text=$1
  shift
  if "$@" >"$top/refusal" 2>&1; then stop "this was not refused: $*"; fi
  grep -F -m1 -- "$text" "$top/refusal" || { cat "$top/refusal" >&2; stop "the refusal does not say: $text"; }
}
"$bellman" sweep --sweep-dir "$top/whole" "${options[@]}"

# ranks_of DIRECTORY: the processes of its sweep, mpirun not among them.
ranks_of() { pgrep -f "^$bellman .*$1( |\$)" || true; }

for mpi in openmpi mpich; do
  echo "== $mpi: $kills sweeps are killed and resumed"
  for ((i = 0; i < kills; i++)); do
    directory=$top/killed-$mpi-$i
    ${run[$mpi]#timeout 300 } -n 3 "$bellman" sweep --sweep-dir "$directory" "${options[@]}" >"$top/out" 2>&1 &
    mpirun=$!
    until [ -e "$directory/sweep_plan.safetensors" ] || ! kill -0 "$mpirun" 2>/dev/null; do sleep 0.01; done
    sleep "$((RANDOM % 2)).$((RANDOM % 900 + 100))"
    mapfile -t victims < <(ranks_of "$directory"; echo "$mpirun")
    victim=${victims[RANDOM % ${#victims[@]}]}
    kill -9 "$victim" 2>/dev/null || true
    wait "$mpirun" 2>/dev/null || true
    until [ -z "$(ranks_of "$directory")" ]; do sleep 0.05; done # mpirun is gone, and its ranks end
    echo "killed $([ "$victim" = "$mpirun" ] && echo mpirun || echo a rank) after $(find "$directory" -name 'run-*.safetensors' | wc -l) of 16 runs"
    case $((i % 3)) in
      0) "$bellman" sweep --resume "$directory" --quiet ;;
      1) ${run[$mpi]} -n 2 "$bellman" sweep --resume "$directory" --quiet ;;
      2) ${run[$mpi]} -n 5 "$bellman" sweep --resume "$directory" --quiet ;;
    esac
    same_as_whole "$directory"
    rm -r "$directory"
  done

  echo "== $mpi: a rank with another binary"
  python3 - "$bellman" "$top/other" <<'PYTHON'
import pathlib, re, subprocess, sys
build = re.search(r"Build ID: (\w+)", subprocess.run(["readelf", "-n", sys.argv[1]], capture_output=True, text=True).stdout)
build = bytes.fromhex(build[1])
pathlib.Path(sys.argv[2]).write_bytes(pathlib.Path(sys.argv[1]).read_bytes().replace(build, build[::-1]))
pathlib.Path(sys.argv[2]).chmod(0o755)
PYTHON
  expect_refusal "bellman sweep: rank 0 of 2: build is " env BELLMAN_MPI_PLUGIN="$bin/../lib/bellman_mpi_$mpi.so" \
    ${run[$mpi]} -n 1 "$bellman" sweep --sweep-dir "$top/x" "${options[@]}" \
    : -n 1 "$top/other" sweep --sweep-dir "$top/x" "${options[@]}"
  expect_refusal "bellman sweep: rank 0 of 2: --tau is 0.6 on rank 1, and 0.5 on rank 0" \
    ${run[$mpi]} -n 1 "$bellman" sweep --sweep-dir "$top/x" "${options[@]}" --tau 0.5 \
    : -n 1 "$bellman" sweep --sweep-dir "$top/x" "${options[@]}" --tau 0.6
done

if [ "$(id -u)" -ne 0 ]; then
  echo "SKIPPED: ranks in network namespaces, and a full disk: only root can make them"
  exit
fi

for mpi in openmpi mpich; do
  echo "== $mpi: the disk of rank 0 is full"
  mkdir -p "$top/small"
  mount -t tmpfs -o size=96k tmpfs "$top/small"
  expect_refusal "No space left on device" ${run[$mpi]} -n 2 "$bellman" sweep --sweep-dir "$top/small/sweep" "${options[@]}"
  mount -o remount,size=8m "$top/small"
  ${run[$mpi]} -n 2 "$bellman" sweep --resume "$top/small/sweep" --quiet
  same_as_whole "$top/small/sweep"
  umount "$top/small"
done

echo "== two network namespaces"
: >"$top/networks"
ip link add bellman0 type bridge
ip addr add 10.77.0.254/24 dev bellman0
ip link set bellman0 up
for i in 1 2; do
  ip netns add "bellman$i"
  ip link add "bellman-v$i" type veth peer name eth0 netns "bellman$i"
  ip link set "bellman-v$i" master bellman0 up
  ip -n "bellman$i" addr add "10.77.0.$i/24" dev eth0
  ip -n "bellman$i" link set eth0 up
  ip -n "bellman$i" link set lo up
done
training=(--env-id CartPole-v1 --preset none --num-envs 4 --threads 1 --total-timesteps 2000 --eval-frequency 1000
          --eval-episodes 2 --final-eval-episodes 2 --quiet)
${run[openmpi]} -n 2 "$bellman" train --run-dir "$top/trained" "${training[@]}"
# What mpirun has in place of ssh: `agent ADDRESS COMMAND...` runs it in the namespace, with a host name of its own.
cat >"$top/agent" <<'AGENT'
#!/usr/bin/env bash
while [ "${1#-}" != "$1" ]; do shift; done
namespace=bellman${1##*.}
shift
exec ip netns exec "$namespace" unshare --uts sh -c "hostname $namespace; $*"
AGENT
chmod +x "$top/agent"
run[openmpi]+=" --map-by node --mca plm_rsh_agent $top/agent --host 10.77.0.1:2,10.77.0.2:2 --mca btl tcp,self
  --mca btl_tcp_if_include 10.77.0.0/24 --mca oob_tcp_if_include 10.77.0.0/24"
run[mpich]+=" -launcher ssh -launcher-exec $top/agent -hosts 10.77.0.1,10.77.0.2 -localhost 10.77.0.254"
export UCX_TLS=tcp,self # MPICH's transports: no shared memory
crossed() { ip netns exec bellman1 cat /sys/class/net/eth0/statistics/tx_bytes; }
# MPICH with one rank in each: two of one host want memory that they share, and both "hosts" are this one.
declare -A ranks=([openmpi]=4 [mpich]=2)
for mpi in openmpi mpich; do
  before=$(crossed)
  ${run[$mpi]} -n 2 "$bin/rank_program" contract 70000000
  ${run[$mpi]} -n "${ranks[$mpi]}" "$bellman" sweep --sweep-dir "$top/crossed-$mpi" "${options[@]}"
  same_as_whole "$top/crossed-$mpi"
  ${run[$mpi]} -n 2 "$bellman" train --run-dir "$top/trained-$mpi" "${training[@]}"
  cmp "$top/trained-$mpi/model.safetensors" "$top/trained/model.safetensors" || stop "$mpi: the run over a network has other bits"
  after=$(crossed)
  ((after - before > 70000000)) || stop "$mpi: only $((after - before)) bytes crossed the network"
  echo "$mpi: $((after - before)) bytes left the first namespace"
done
echo "All sweeps over ranks have the bytes of one machine's, and the run over a network has those of one over memory."
