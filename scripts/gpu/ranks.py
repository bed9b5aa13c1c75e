"""Steps of scripts/gpu_verify.sh: two ranks train one network, by NCCL on a GPU each and through host memory on one."""

import hashlib
import json
import shutil
import subprocess

from runner import StepError, StepSkipped

BY_NCCL = "gradients go from device to device by NCCL"
THROUGH_HOST = "gradients go through host memory"
# 67,842 parameters, whose gradient is summed in parts; the second network's is gathered whole.
NETWORKS = {"parts": "dense 256, relu, dense 256, relu", "whole": "dense 64, relu"}


def gpus():
    """How many there are."""
    said = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, timeout=30, check=False)
    return sum(line.startswith("GPU ") for line in said.stdout.splitlines())


def mpirun(machine):
    """Open MPI's. Throws StepSkipped where something is missing."""
    machine.program("bellman")
    if not (machine.home / "lib" / "bellman_mpi_openmpi.so").exists():
        raise StepSkipped("the plugin of Open MPI was not built")
    for name in ("mpirun.openmpi", "mpirun"):
        if shutil.which(name):
            return name
    raise StepSkipped("mpirun is missing")


def train(machine, name, devices, nccl, network):
    """(the model's hash, gradient steps/s) of two ranks on as many GPUs. Throws StepError unless gradients went as they
    should."""
    folder, output = machine.folder / name, machine.result(name)
    shutil.rmtree(folder, ignore_errors=True)
    begin = machine.programs.log_path.stat().st_size if machine.programs.log_path.exists() else 0
    own_gpu = f'CUDA_VISIBLE_DEVICES=$((OMPI_COMM_WORLD_LOCAL_RANK % {devices})) exec "$@"'
    machine.programs.check([mpirun(machine), "--oversubscribe", "--allow-run-as-root", "-n", 2, "sh", "-c", own_gpu, "sh",
                            machine.program("bellman"), "train", "--env-id", "CartPole-v1", "--device", "cuda", "--json",
                            "--num-envs", 8, "--batch-size", 256, "--total-timesteps", 8000, "--final-eval-episodes", 2,
                            "--network", network, "--seed", 3, "--run-dir", folder], {"BELLMAN_NCCL": nccl}, output=output)
    said = machine.programs.log_path.read_bytes()[begin:].decode(errors="replace")
    wanted = BY_NCCL if nccl == "on" and devices == 2 else THROUGH_HOST
    if wanted not in " ".join(said.split()):
        raise StepError(f"{name}: the run does not say that {wanted}")
    report = json.loads(output.read_text().splitlines()[-1])
    return hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest(), report["gradient_steps_per_second"]


def one_gpu(machine):
    """Both ranks on the first GPU: NCCL takes no such ranks, so they go through host memory, to the same bits twice."""
    texts = []
    for kind, network in NETWORKS.items():
        (first, rate), (second, _) = (train(machine, f"one-gpu-{kind}-{run}", 1, "", network) for run in (1, 2))
        if first != second:
            raise StepError(f"two trainings differ, {kind}: model.safetensors {first} and {second}")
        texts.append(f"{kind}: {rate:.0f} gradient steps/s")
    return f"the same bits twice; {', '.join(texts)}"


def two_gpus(machine):
    """A GPU for each rank: by NCCL the model has the bits that it has through host memory."""
    mpirun(machine)
    if gpus() < 2:
        raise StepSkipped("there are not two GPUs")
    texts = []
    for kind, network in NETWORKS.items():
        (host, host_rate), (nccl, nccl_rate) = (train(machine, f"two-gpus-{kind}-{use}", 2, use, network)
                                                for use in ("off", "on"))
        if host != nccl:
            raise StepError(f"NCCL's bits differ, {kind}: model.safetensors {nccl}, through host memory {host}")
        texts.append(f"{kind}: {nccl_rate:.0f} gradient steps/s by NCCL, {host_rate:.0f} through host memory")
    return f"the same bits; {'; '.join(texts)}"
