#!/usr/bin/env python3
"""Whole DQN loops on CartPole-v1, bellman's, JAX's and PyTorch's (bench/peers/), in turn. Python's standard library alone.

    loops.py --bin DIR --work DIR [--result NAME] [--device cuda] [--python PYTHON] [--workloads a,b] [--scale 1]
             [--limit 120] [--seconds 3600]

First the losses, then the clock: ten gradient steps on one batch, whose losses must agree, or a peer is not timed. Then
one process after the other, A B B A, each with its own clock, in which neither its start nor its compiling counts. What is
missing, failed or did other work than asked is said in the result, DIR/NAME.json, which part_record.py reads. A
peer's variant that fails, has other losses or no time left does not take the peer's others with it.

  loop/textbook     one environment, 64 transitions a step
  loop/cleanrl      one environment, 128 transitions every tenth step: CleanRL's ratio
  loop/1024envs     1024 environments in one training, 64 transitions every 64 steps
  population/N      N trainings of the textbook's at once: `bellman sweep` against JAX's vmap over seeds

bellman's are `train`, and `sweep` where the device trains agents by itself, which a plan of the sweep says.

All with 4-64-64-2. `--scale` multiplies the steps of each. Exit code 1: something failed or was wrong.
The last line says that, and what is missing.
"""

import argparse
import json
import math
import pathlib
import re
import subprocess
import sys
import time

import bench_modules  # noqa: F401  (finds scripts/bench)
import part_record
import part_report
from checkout import ROOT
from losses import LOSS_TOLERANCE, agree, largest
from peers import flags
from programs import ProgramError, run, run_json

PEERS = ROOT / "bench" / "peers"

# Settings of both programs, under names that both know.
TEXTBOOK = {"total-timesteps": 21_000, "learning-rate": 1e-3, "gamma": 0.99, "num-envs": 1, "batch-size": 64,
            "buffer-size": 10_000, "learning-starts": 1_000, "train-frequency": 1, "target-network-frequency": 100,
            "start-e": 1.0, "end-e": 0.01, "exploration-schedule": "exponential", "exploration-decay": 0.9995}
CLEANRL = {**TEXTBOOK, "total-timesteps": 51_000, "batch-size": 128, "train-frequency": 10,
           "target-network-frequency": 500}
ENVS1024 = {**TEXTBOOK, "total-timesteps": 522_240, "num-envs": 1024, "train-frequency": 64, "buffer-size": 102_400,
            "learning-starts": 10_240, "target-network-frequency": 10_240}
WORKLOADS = {  # name: agents, settings
    "loop/textbook": (1, TEXTBOOK),
    "loop/cleanrl": (1, CLEANRL),
    "loop/1024envs": (1, ENVS1024),
    "population/132": (132, TEXTBOOK),
    "population/528": (528, TEXTBOOK),
}
SAME_WORK = 0.02  # by how much the samples trained per environment step may differ from what was asked


class Limit:
    """Seconds of one process, and of all together."""

    def __init__(self, one, in_all=math.inf):
        self.one, self.end = one, time.monotonic() + in_all

    def now(self):
        """The time limit of the next process. Throws ProgramError when no time is left."""
        left = self.end - time.monotonic()
        if left < 1:
            raise ProgramError("no time was left")
        return min(self.one, left)


# ---- the programs

def total_of(report):
    """Environment steps, gradient steps and seconds of a training or a sweep."""
    runs = [run for variant in report["variants"] for run in variant["runs"]] if "variants" in report else [report]
    if any("total_timesteps" not in run for run in runs):
        raise ProgramError("not every training finished")
    agents = report.get("agents", 1)  # JAX's report is of one
    return (agents * sum(run["total_timesteps"] for run in runs), agents * sum(run["gradient_updates"] for run in runs),
            report["wall_seconds"])


def figures(report, agents, settings):
    """The compared figures. Throws ProgramError for other work than requested."""
    env_steps, gradient_steps, seconds = total_of(report)
    samples = settings["batch-size"] * gradient_steps / env_steps
    begun = 1 - settings["learning-starts"] / settings["total-timesteps"]
    asked = settings["batch-size"] / settings["train-frequency"] * begun
    if not env_steps >= agents * settings["total-timesteps"] or not abs(samples - asked) <= SAME_WORK * asked:
        raise ProgramError(f"other work than asked: {env_steps} environment steps in all, {samples:.3g} samples trained per "
                           f"step; asked were {agents * settings['total-timesteps']} and {asked:.3g}")
    result = {"env_steps_per_second": env_steps / seconds, "gradient_steps_per_second": gradient_steps / seconds,
              "samples_per_env_step": samples}
    result.update({key: report[key] for key in ("compile_seconds", "variant", "missing") if key in report})
    return result


class Bellman:
    """`bellman train`, or `bellman sweep`, whose agents train at once on a device that has room for them."""

    def __init__(self, word, args):
        self.name, self.word, self.populations = f"{part_report.OURS} {word}", word, word == "sweep"
        self.bin, self.work, self.device, self.limit = args.bin, args.work, args.device, args.limit

    def command(self, agents, settings):
        place = self.work / "loops" / f"{self.word}-{agents}"
        where = ["--sweep-dir", place, "--seeds", f"1-{agents}"] if self.populations else ["--run-dir", place]
        return [self.bin / "bellman", self.word, *where, "--env-id", "CartPole-v1", "--preset", "textbook", "--device",
                self.device, *flags(settings), "--eval-frequency", 0, "--final-eval-episodes", 1, "--overwrite"]

    def obstacle(self, agents, settings):
        """Why it is skipped: a sweep that trains one agent after the other is no population. Its plan says how many train
        at a time."""
        if not self.populations:
            return None
        plan = run([*self.command(agents, settings), "--dry-run"], limit=self.limit.now())
        one_by_one = re.search(r"(?<![\d,])1 at a time(.*)", plan)
        return f"trains one agent at a time here{one_by_one[1]}" if one_by_one else None

    def measure(self, agents, settings, _):
        return run_json([*self.command(agents, settings), "--quiet", "--json"], limit=self.limit.now())


class Peer:
    """Its program tries several variants, and the fastest counts. `populations`: it can train many agents at once. Each of
    PyTorch's variants has losses of its own; one with wrong losses is not tried."""

    def __init__(self, name, program, probe, variants, populations, python, args):
        self.name, self.program, self.probe = name, PEERS / program, probe  # probe: what a Python must run to have it
        self.variants, self.populations = variants, populations  # the flag that says which to try
        self.right = []  # it and the variants whose losses are right; empty: all
        self.python, self.limit = python, args.limit
        self.told = ["--device", args.device] if name == "PyTorch" else []

    def is_here(self):
        try:
            return subprocess.run([self.python, "-c", self.probe], capture_output=True, timeout=self.limit.now()).returncode == 0
        except (OSError, subprocess.TimeoutExpired, ProgramError):
            return False

    def losses(self):
        return run_json([self.python, self.program, *self.told, "--losses"], limit=self.limit.now())

    def obstacle(self, agents, settings):
        return None

    def measure(self, agents, settings, before):
        """After the first run, only with its fastest variant."""
        known = [self.variants, before["variant"]] if before else self.right
        many = ["--agents", agents] if self.populations else []
        return run_json([self.python, self.program, *self.told, *many, "--runs", 1, "--budget", self.limit.now() / 2, *known,
                         *flags(settings)], limit=self.limit.now())


def all_peers(args):
    platform = "gpu" if args.device == "cuda" else "cpu"
    sees = "torch.cuda.is_available()" if args.device == "cuda" else "True"
    return [Peer("JAX", "dqn_jax.py", f"import jax, numpy, sys; sys.exit(jax.devices()[0].platform != '{platform}')",
                 "--unroll", True, args.python, args),
            Peer("PyTorch", "dqn_torch_graph.py", f"import numpy, sys, torch; sys.exit(not {sees})", "--ways", False,
                 args.python, args)]


def check_losses(peer, args, result):
    """Records the largest relative difference of ten losses, and the variants whose losses differ from ours. Throws
    ProgramError when all differ."""
    theirs = peer.losses()
    result["versions"].update({peer.name: version for key, version in theirs.items() if key.endswith("_version")})
    result["missing"].update({f"{peer.name}, {way}": why for way, why in theirs.get("missing", {}).items()})
    ours = run_json([args.bin / "fixed_batch", args.device, "4-64-64-2"], limit=args.limit.now())
    differences = part_record.loss_differences(ours, theirs)
    right = {way: difference for way, difference in differences.items() if agree(difference)}
    wrong = {way: f"the losses on one batch differ by {difference:.1e}, allowed is {LOSS_TOLERANCE:.0e}"
             for way, difference in differences.items() if way not in right}
    if not right:
        raise ProgramError("; ".join(wrong.values()) or "it gave no losses")
    result["wrong"].update({f"{peer.name}, {way}": why for way, why in wrong.items()})
    result["loss_difference"][peer.name] = largest(right.values())
    if wrong:
        peer.right = [peer.variants, ",".join(right)]


def add_peers(programs, args, result):
    """The installed peers that compute the same."""
    for peer in all_peers(args):
        if not peer.is_here():
            result["missing"][peer.name] = f"{args.python} has none that sees the {args.device} device"
            continue
        try:
            check_losses(peer, args, result)
            programs.append(peer)
        except ProgramError as error:
            result["wrong"][peer.name] = error.line


# ---- in turn

def in_turn(programs):
    """A B B A: a drift of the machine hits all alike."""
    return [*programs, *reversed(programs)]


def measure(programs, agents, settings, note):
    """{program: [figures of each of its runs]}, {program: its error}."""
    runs, wrong = {}, {}
    for program in in_turn(programs):
        if program.name in wrong:
            continue
        before = runs.get(program.name, [None])[0]
        try:
            report = program.measure(agents, settings, before)
            runs.setdefault(program.name, []).append(figures(report, agents, settings))
            note(f"{program.name}: {runs[program.name][-1]['env_steps_per_second']:.0f} environment steps/s")
        except (ProgramError, KeyError, ZeroDivisionError) as error:
            wrong[program.name] = error.line if isinstance(error, ProgramError) else f"its report: {error!r}"
            runs.pop(program.name, None)
            note(f"{program.name}: {wrong[program.name]}")
    return runs, wrong


def scaled(settings, scale):
    """`scale` times the environment steps that are learned from, in whole periods of the target network, as JAX trains."""
    period, starts = settings["target-network-frequency"], settings["learning-starts"]
    periods = max(1, round(scale * (settings["total-timesteps"] - starts) / period))
    return {**settings, "total-timesteps": starts + periods * period}


def measure_all(programs, args, result):
    """Writes all results after each workload, because a later one may be stopped."""
    for name in args.workloads:
        agents, settings = WORKLOADS[name]
        settings = scaled(settings, args.scale)
        asked = []
        for program in programs:
            if agents > 1 and not program.populations:
                continue
            try:
                why = program.obstacle(agents, settings)
            except ProgramError as error:
                why = error.line
            if why:
                result["missing"][f"{name}, {program.name}"] = why
            else:
                asked.append(program)
        runs, wrong = measure(asked, agents, settings, lambda text, name=name: print(f"{name}: {text}", flush=True))
        result["workloads"][name] = {"agents": agents, "settings": settings, "programs": runs}
        result["wrong"].update({f"{name}, {program}": why for program, why in wrong.items()})
        result["missing"].update({f"{name}, {program}, {variant}": why for program, figures_of in runs.items()
                                  for variant, why in figures_of[0].pop("missing", {}).items()})
        (args.work / f"{args.result}.json").write_text(json.dumps(result, indent=1) + "\n")


def arguments():
    parser = argparse.ArgumentParser(description="Whole DQN loops, bellman's, JAX's and PyTorch's, in turn.")
    parser.add_argument("--bin", type=pathlib.Path, required=True)
    parser.add_argument("--work", type=pathlib.Path, required=True)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--python", default="python3", help="one that has JAX and PyTorch")
    parser.add_argument("--workloads", default=",".join(WORKLOADS))
    parser.add_argument("--scale", type=float, default=1)
    parser.add_argument("--limit", type=float, default=120, help="seconds of one process")
    parser.add_argument("--seconds", type=float, default=3600, help="of all of them")
    parser.add_argument("--result", default="loops", help="the name of the result's file")
    args = parser.parse_args()
    args.limit = Limit(args.limit, args.seconds)
    args.bin, args.work, args.workloads = args.bin.resolve(), args.work.resolve(), args.workloads.split(",")
    unknown = [name for name in args.workloads if name not in WORKLOADS]
    if unknown:
        parser.error(f"unknown: {', '.join(unknown)}; known: {', '.join(WORKLOADS)}")
    return args


def main():
    args = arguments()
    args.work.mkdir(parents=True, exist_ok=True)
    result = {"missing": {}, "wrong": {}, "loss_difference": {}, "versions": {}, "workloads": {}}
    programs = [Bellman("train", args), Bellman("sweep", args)]
    add_peers(programs, args, result)
    measure_all(programs, args, result)
    said = [f"{what}: {name}: {why}" for what in ("wrong", "missing") for name, why in result[what].items()]
    print("; ".join(said or ["all of them timed"]))
    sys.exit(1 if result["wrong"] else 0)


if __name__ == "__main__":
    main()
