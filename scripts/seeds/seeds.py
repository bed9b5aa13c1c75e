"""Statistics of runs with many seeds, for results.py and dqn_curves.py: spreads, intervals, and parallel training runs.

Python's standard library alone.
"""

import argparse
import concurrent.futures
import csv
import json
import math
import pathlib
import random
import statistics
import subprocess
import tempfile

LEAST_SEEDS = 10  # below, an interval over seeds says little


def parser(description):
    """Of a script that trains many seeds."""
    result = argparse.ArgumentParser(description=description)
    result.add_argument("--bellman", required=True)
    result.add_argument("--jobs", type=int, default=2, help="runs at a time, one core each")
    return result


def mean_std(numbers, digits):
    """Mean ± sample standard deviation (n - 1)."""
    spread = statistics.stdev(numbers) if len(numbers) > 1 else 0.0
    return f"{statistics.fmean(numbers):.{digits}f} ± {spread:.{digits}f}"


def binomial_at_most(k, n, p):
    """P(X <= k) of n trials with probability p."""
    return math.fsum(math.comb(n, i) * p**i * (1 - p)**(n - i) for i in range(k + 1))


def bisect(is_above):
    """The p in [0, 1] where `is_above` turns from false to true."""
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (low, middle) if is_above(middle) else (middle, high)
    return high


def clopper_pearson(k, n, confidence=0.95):
    """Two-sided interval of a probability after k successes in n trials (Clopper & Pearson 1934)."""
    if not 0 <= k <= n or n < 1:
        raise ValueError(f"{k} successes in {n} trials")
    tail = (1 - confidence) / 2
    low = 0.0 if k == 0 else bisect(lambda p: 1 - binomial_at_most(k - 1, n, p) >= tail)
    high = 1.0 if k == n else bisect(lambda p: binomial_at_most(k, n, p) <= tail)
    return low, high


def mean_interval(numbers, confidence=0.95, resamples=10_000, seed=1):
    """Of the mean, by the bootstrap (Efron 1979, percentiles); the same at every call."""
    draw = random.Random(seed)
    means = sorted(statistics.fmean(draw.choices(numbers, k=len(numbers))) for _ in range(resamples))
    tail = (1 - confidence) / 2
    return means[int(tail * resamples)], means[math.ceil((1 - tail) * resamples) - 1]


def paired_difference(a, b):
    """(mean of a - b by seed, its interval)."""
    differences = [x - y for x, y in zip(a, b, strict=True)]
    return statistics.fmean(differences), mean_interval(differences)


def warn_about_few(seeds):
    if seeds < LEAST_SEEDS:
        print(f"Warning: {seeds} seeds say little; take {LEAST_SEEDS} or more.")


# ---- runs

def monitor_returns(run):
    """Return and length of every training episode."""
    with open(pathlib.Path(run) / "monitor.csv") as file:
        file.readline()
        return [(float(line["r"]), int(line["l"])) for line in csv.DictReader(file)]


def evaluations(run):
    """[(timestep, mean return)] of every evaluation during training."""
    with open(pathlib.Path(run) / "progress.csv") as file:
        return [(int(float(line["time/total_timesteps"])), float(line["eval/mean_reward"]))
                for line in csv.DictReader(file) if line["eval/mean_reward"] not in ("", "nan")]


def train(bellman, arguments, seed, look):
    """Trains once: what `--json` printed, with `look(run directory)` beside it."""
    with tempfile.TemporaryDirectory() as folder:
        run = f"{folder}/run"
        command = [bellman, "train", *arguments, "--seed", str(seed), "--run-dir", run, "--json", "--quiet"]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode != 0:
            raise SystemExit(f"{' '.join(command)} failed:\n{done.stderr}")
        return {**json.loads(done.stdout), **look(run)}


def train_all(bellman, arguments, seeds, jobs, look=lambda run: {}):
    """The runs of all seeds, `jobs` at a time, in the order of the seeds."""
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        return list(pool.map(lambda seed: train(bellman, arguments, seed, look), seeds))
