"""The other programs on the same work: which are installed, whether they compute the same, and their times."""

import pathlib
import subprocess
import sys

from checkout import ROOT
from losses import agree, loss_difference
from programs import ProgramError, run_json

FOLDER = ROOT / "bench" / "peers"

# The settings of all programs. The textbook preset has the same values; they are repeated so that neither can drift. Learning
# starts with the first whole batch: a loop's rate is of steps that learn.
TEXTBOOK = {"learning-rate": 1e-3, "gamma": 0.99, "batch-size": 64, "buffer-size": 10000, "learning-starts": 64,
            "target-network-frequency": 100, "start-e": 1.0, "end-e": 0.01, "exploration-decay": 0.9995}
# Stable-Baselines3's loss and clipping; its exploration is linear (bench/peers/dqn_sb3.py).
SB3 = {**TEXTBOOK, "loss": "huber", "max-grad-norm": 10, "exploration-schedule": "linear", "exploration-fraction": 0.1}
del SB3["exploration-decay"]
LOOPS = {"loop/textbook": TEXTBOOK, "loop/sb3": SB3}
JAX_UNROLLS = "1,4,8"

# The last is where bench.sh --peers installs packages that Debian lacks.
USUAL_PYTHONS = [sys.executable, "python3", "/usr/bin/python3", str(ROOT / "build" / "peers" / "bin" / "python3")]


class Peer:
    """`program` prints its losses for --losses, and its learn steps if it times_steps; `loop` is a training run that does
    the work of LOOPS[loop_work]."""

    def __init__(self, name, package, program, times_steps, probe=None, loop=None, loop_work="loop/textbook"):
        self.name, self.package, self.probe = name, package, probe  # probe: what a Python must be able to import
        self.program, self.times_steps, self.loop, self.loop_work = program, times_steps, loop, loop_work
        self.python = None
        self.loop_options = []  # beside the settings
        self.facts = {}  # version, BLAS: what its program says of itself

    def command(self, bin_folder, program):
        return [self.python, FOLDER / program] if self.python else [bin_folder / program]


def all_peers():
    return [Peer("PyTorch", "Debian: python3-torch and libopenblas0-pthread", "learn_step_torch.py", True,
                 "import numpy, torch", "dqn_torch.py"),
            Peer("LibTorch", "Debian: libtorch-dev", "learn_step_libtorch", True),
            Peer("JAX", "pip install jax", "dqn_jax.py", False, "import jax, numpy", "dqn_jax.py"),
            Peer("stable-baselines3", "pip install stable-baselines3", "dqn_sb3.py", False, "import stable_baselines3",
                 "dqn_sb3.py", "loop/sb3")]


def is_here(peer, asked, bin_folder):
    """Whether its program is built, or a Python has its packages: the first that does, of the requested ones (separated by
    commas) or of the usual ones."""
    if peer.probe is None:
        return (bin_folder / peer.program).exists()
    for python in asked.split(",") if asked else USUAL_PYTHONS:
        try:
            if subprocess.run([python, "-c", peer.probe], capture_output=True).returncode == 0:
                peer.python = python
                return True
        except OSError:
            continue
    return False


def checked_difference(ours, theirs):
    """The largest relative difference of ten losses. Throws ProgramError when they do not agree."""
    difference = loss_difference(ours, theirs)
    if not agree(difference):
        raise ProgramError(f"the losses on the same batch differ:\n  bellman {ours}\n  peer    {theirs}")
    return difference


def check(peer, bin_folder, core):
    """Both programs' losses on the same batches; returns {workload: largest relative difference}."""
    report = run_json([*peer.command(bin_folder, peer.program), "--losses"], core)
    peer.facts = {key: report[key] for key in ("version", "torch_version", "jax_version", "blas", "onednn")
                  if key in report}
    return {workload: checked_difference(
                run_json([bin_folder / "fixed_batch", "cpu", workload], core)["fixed_batch_losses"], losses)
            for workload, losses in report["fixed_batch_losses"].items()}


def available(asked_python, bin_folder, core):
    """(installed peers that compute the same, {name: why not}, {name: {workload: loss difference}})."""
    found, missing, differences = [], {}, {}
    for peer in all_peers():
        if not is_here(peer, asked_python, bin_folder):
            missing[peer.name] = f"not installed ({peer.package})"
            continue
        try:
            differences[peer.name] = check(peer, bin_folder, core)
            found.append(peer)
        except (ProgramError, KeyError, ValueError) as error:
            missing[peer.name] = f"not compared: {error}"
    return found, missing, differences


def flags(settings):
    return [word for name, value in settings.items() for word in (f"--{name}", value)]


def learn_steps(peer, bin_folder, rows, core, seconds):
    report = run_json([*peer.command(bin_folder, peer.program), "--seconds", seconds], core)
    for name, us in report["us"].items():
        rows.add(peer.name, name, "us", us)


def loop(peer, rows, core, seed, timesteps):
    """A whole training run; Stable-Baselines3's program has settings of its own."""
    settings = flags(LOOPS[peer.loop_work]) if peer.loop_work == "loop/textbook" else []
    report = run_json([peer.python, FOLDER / peer.loop, *settings, *peer.loop_options, "--total-timesteps", timesteps,
                       "--seed", seed], core)
    add_loop(rows, peer.name, peer.loop_work, report, timesteps)


def choose_jax_variant(peer, core, timesteps):
    """Its fastest unrolling is found once, before the rounds; compiling is not timed, but each variant takes seconds."""
    report = run_json([peer.python, FOLDER / peer.loop, *flags(TEXTBOOK), "--unroll", JAX_UNROLLS, "--runs", 1,
                       "--total-timesteps", timesteps], core)
    peer.loop_options = ["--unroll", report["variant"], "--runs", 1]
    peer.facts |= {"unrolled": report["variant"], "compile_seconds": report["compile_seconds"]}


def bellman_loop(bin_folder, rows, core, seed, timesteps, work, folder):
    """One evaluation episode at the end, outside the measured time; none before it, for no peer has one."""
    run = pathlib.Path(folder) / f"{work.replace('/', '-')}-{seed}"
    report = run_json([bin_folder / "bellman", "train", "--env-id", "CartPole-v1", "--preset", "textbook", "--threads", 1,
                       "--total-timesteps", timesteps, "--seed", seed, *flags(LOOPS[work]), "--eval-frequency", 0,
                       "--final-eval-episodes", 1, "--run-dir", run, "--quiet", "--json"], core)
    add_loop(rows, "bellman", work, report, timesteps)


def add_loop(rows, program, work, report, timesteps):
    """The rate counts steps that learn: one environment step and one gradient step each."""
    expected = report.get("total_timesteps", timesteps) - TEXTBOOK["learning-starts"]
    if abs(report["gradient_updates"] - expected) > 1:
        raise ProgramError(f"{program} made {report['gradient_updates']} gradient steps in {timesteps} steps, not {expected}")
    rows.add(program, work, "steps/s", report["gradient_updates"] / report["wall_seconds"],
             "CartPole-v1, each an environment step and a gradient step")
