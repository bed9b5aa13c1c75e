#!/usr/bin/env python3
"""Times `bellman train --preset textbook` against the same DQN in PyTorch, on one core, in turn: A B B A.

    scripts/bench_peers.py [--timesteps 20000] [--rounds 1] [--core 0]
                           [--python /usr/bin/python3] [--bin DIR] [--json]

What is compared, and why it is the same work, stands in bench/peers/README.md. First both programs do ten
gradient steps from the same weights on the same batch, and the losses must agree; only then are they timed.
Builds what is missing (scripts/setup.sh). Exit code 1: the losses or the counts of gradient steps differ; 2:
something is missing.
"""

import argparse
import json
import os
import pathlib
import platform
import statistics
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[1]
PEER = ROOT / "bench" / "peers" / "dqn_torch.py"
LOSS_TOLERANCE = 1e-4  # relative; ten Adam steps in float32, summed in another order

# What both programs are told. The textbook preset has the same values; said twice so that neither can drift.
SETTINGS = {
    "learning-rate": 1e-3,
    "gamma": 0.99,
    "batch-size": 64,
    "buffer-size": 10000,
    "learning-starts": 1000,
    "target-network-frequency": 100,
    "start-e": 1.0,
    "end-e": 0.01,
    "exploration-decay": 0.9995,
}


def stop(message, code=2):
    print(f"bench_peers.py: {message}", file=sys.stderr)
    sys.exit(code)


def run_json(command, core):
    """One program on one core; its last line is a JSON object."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(["taskset", "-c", str(core), *map(str, command)], cwd=ROOT, env=environment,
                          capture_output=True, text=True)
    if done.returncode != 0:
        stop(f"{pathlib.Path(str(command[0])).name} failed:\n{done.stderr.strip()}")
    return json.loads(done.stdout.strip().splitlines()[-1])


def flags(settings):
    return [word for name, value in settings.items() for word in (f"--{name}", value)]


def build():
    """The preset `bench`: release, with the benches. Returns where its programs are. Installs nothing."""
    script = 'source scripts/setup.sh; ensure_packages no "${BENCH_PACKAGES[@]}"; build_preset bench bellman fixed_batch'
    if subprocess.run(["bash", "-c", script, "scripts/bench_peers.py"], cwd=ROOT).returncode != 0:
        stop("bellman could not be built")
    return ROOT / "build" / "bench" / "bin"


def check_losses(args):
    """The first ten losses of both programs; stops the comparison when they differ."""
    ours = run_json([args.bin / "fixed_batch"], args.core)["fixed_batch_losses"]
    peer = run_json([args.python, PEER, "--fixed-batch-only"], args.core)["fixed_batch_losses"]
    errors = [abs(a - b) / abs(b) for a, b in zip(ours, peer, strict=True)]
    if not max(errors) <= LOSS_TOLERANCE:
        stop(f"the losses on the fixed batch differ:\n  bellman {ours}\n  PyTorch {peer}", code=1)
    return max(errors)


def run_peer(args, seed):
    return run_json([args.python, PEER, "--total-timesteps", args.timesteps, "--seed", seed, *flags(SETTINGS)], args.core)


def run_bellman(args, seed):
    """One evaluation episode at the end, outside the measured time; none before it, for the peer has none."""
    with tempfile.TemporaryDirectory() as folder:
        return run_json([args.bin / "bellman", "train", "--env-id", "CartPole-v1", "--preset", "textbook", "--threads", 1,
                         "--total-timesteps", args.timesteps, "--seed", seed, *flags(SETTINGS),
                         "--eval-frequency", 0, "--final-eval-episodes", 1, "--run-dir", f"{folder}/run",
                         "--quiet", "--json"], args.core)


def measure(args):
    runs = {"bellman": [], "peer": []}
    for i in range(args.rounds):
        for name in ("peer", "bellman", "bellman", "peer"):  # A B B A: a drift of the machine hits both alike
            run = run_peer if name == "peer" else run_bellman
            runs[name].append(run(args, 1 + i))
            print(f"  {name:8} {runs[name][-1]['env_steps_per_second']:10.0f} env steps/s", file=sys.stderr)
    counts = {run["gradient_updates"] for run in runs["bellman"] + runs["peer"]}
    if max(counts) - min(counts) > 1:
        stop(f"the programs made different numbers of gradient steps: {sorted(counts)}", code=1)
    return runs


def cpu_name():
    try:
        lines = pathlib.Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or "unknown"


def summary(runs, key):
    values = {name: [run[key] for run in results] for name, results in runs.items()}
    medians = {name: statistics.median(v) for name, v in values.items()}
    return {"runs": values, "median": medians, "ratio": medians["bellman"] / medians["peer"]}


def main():
    parser = argparse.ArgumentParser(description="Times bellman against the same DQN in PyTorch.")
    parser.add_argument("--timesteps", type=int, default=20_000, help="environment steps of each run")
    parser.add_argument("--rounds", type=int, default=1, help="times A B B A")
    parser.add_argument("--core", type=int, default=0, help="the core that all runs are bound to")
    parser.add_argument("--python", default="/usr/bin/python3", help="one that has torch and numpy")
    parser.add_argument("--bin", type=pathlib.Path, help="where bellman and fixed_batch are; without it they are built")
    parser.add_argument("--json", action="store_true", help="print the JSON object alone")
    args = parser.parse_args()

    probe = subprocess.run([args.python, "-c", "import numpy, torch; print(torch.__version__)"],
                           capture_output=True, text=True)
    if probe.returncode != 0:
        stop(f"{args.python} has no PyTorch: install it (Debian and Ubuntu: python3-torch) or name another --python")
    args.bin = args.bin.resolve() if args.bin else build()
    loss_error = check_losses(args)
    runs = measure(args)
    report = {
        "workload": "CartPole-v1, 4-64-64-2, batch 64, one gradient step a step",
        "timesteps": args.timesteps,
        "cpu": cpu_name(),
        "torch_version": probe.stdout.strip(),
        "largest_relative_loss_difference": loss_error,
        "env_steps_per_second": summary(runs, "env_steps_per_second"),
        "gradient_steps_per_second": summary(runs, "gradient_steps_per_second"),
    }
    if not args.json:
        print(f"{report['workload']}; {args.timesteps} steps a run, one core of {report['cpu']}")
        print(f"Losses of ten gradient steps on one batch agree within {loss_error:.1e}.\n")
        print(f"{'median of ' + str(2 * args.rounds) + ' runs':28}{'bellman':>12}{'PyTorch ' + report['torch_version']:>18}{'ratio':>9}")
        for key in ("env_steps_per_second", "gradient_steps_per_second"):
            s = report[key]
            print(f"{key:28}{s['median']['bellman']:12.0f}{s['median']['peer']:18.0f}{s['ratio']:8.1f}x")
        print()
    print(json.dumps(report))


if __name__ == "__main__":
    main()
