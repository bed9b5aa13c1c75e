"""Trains the bundled presets over many seeds and writes docs/results.md. Called by scripts/results.sh."""

import argparse
import concurrent.futures
import json
import math
import pathlib
import statistics
import subprocess
import tempfile

PLANES = ["--observation", "planes"]
FROZEN_SURE = ["--env-id", "FrozenLake-v1", "--no-slippery"]
FROZEN_SLIPPERY = ["--env-id", "FrozenLake-v1"]
CLIFF = ["--env-id", "CliffWalking-v1"]
ROOMS = ["--env-id", "FourRooms-v0"]

# (title, arguments, seeds, goal): the goal is ("return", least mean return of a seed), ("mean", least mean over the seeds) or
# ("gap", largest distance of the learned policy's exact value from the optimum).
RUNS = [
    ("CartPole-v1, preset", ["--env-id", "CartPole-v1"], 20, ("return", 475.0)),
    ("CartPole-v1, CleanRL's recipe", ["--env-id", "CartPole-v1", "--preset", "cleanrl"], 10, ("mean", 488.69)),
    ("FrozenLake-v1 not slippery, MLP", FROZEN_SURE, 10, ("gap", 1e-9)),
    ("FrozenLake-v1 not slippery, conv", FROZEN_SURE + PLANES, 10, ("gap", 1e-9)),
    ("FrozenLake-v1 slippery, MLP", FROZEN_SLIPPERY, 10, ("gap", 0.02)),
    ("FrozenLake-v1 slippery, conv", FROZEN_SLIPPERY + PLANES, 10, ("gap", 0.02)),
    ("CliffWalking-v1, MLP", CLIFF, 10, ("gap", 1e-9)),
    ("CliffWalking-v1, conv", CLIFF + PLANES, 10, ("gap", 1e-9)),
    ("FourRooms-v0, MLP", ROOMS, 10, ("gap", 1e-9)),
    ("FourRooms-v0, conv", ROOMS + PLANES, 10, ("gap", 1e-9)),
]


def train(bellman, arguments, seed):
    """One training run; returns what `--json` printed."""
    with tempfile.TemporaryDirectory() as folder:
        command = [bellman, "train", *arguments, "--seed", str(seed), "--run-dir", f"{folder}/run", "--json", "--quiet"]
        done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stderr}")
    return json.loads(done.stdout)


def mean_std(numbers, digits):
    spread = statistics.pstdev(numbers) if len(numbers) > 1 else 0.0
    return f"{statistics.fmean(numbers):.{digits}f} ± {spread:.{digits}f}"


def met(goal, runs):
    """How many of the seeds met the goal (all or none of them, for a goal on their mean)."""
    kind, bound = goal
    if kind == "return":
        return sum(run["eval"]["mean"] >= bound for run in runs)
    if kind == "gap":
        return sum(run["optimal_value"] - run["policy_value"] <= bound for run in runs)
    return len(runs) if statistics.fmean(run["eval"]["mean"] for run in runs) >= bound else 0


def row(title, arguments, goal, runs):
    kind, bound = goal
    wanted = {"return": f"return ≥ {bound:g}, every seed", "mean": f"mean return ≥ {bound:g}",
              "gap": "optimal" if bound < 1e-6 else f"within {bound:g} of the optimum"}[kind]
    values = "–"
    if runs[0].get("optimal_value") is not None:
        values = f"{mean_std([r['policy_value'] for r in runs], 4)} / {runs[0]['optimal_value']:.4f}"
    solve = sorted(r["seconds_to_solve"] if r["solved_at_timestep"] is not None else math.inf for r in runs)
    median_solve = statistics.median(solve)
    good = met(goal, runs)
    cells = [title, f"{mean_std([r['eval']['mean'] for r in runs], 2)}", values, wanted,
             f"{good} of {len(runs)}" + ("" if good == len(runs) else " **missed**"),
             f"{statistics.median(r['total_timesteps'] for r in runs):,.0f}",
             "–" if math.isinf(median_solve) else f"{median_solve:.2f} s",
             f"{statistics.median(r['wall_seconds'] for r in runs):.1f} s"]
    return "| " + " | ".join(cells) + " |"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bellman", required=True)
    parser.add_argument("--only", default="", help="only the rows whose title contains this text; printed, not written")
    parser.add_argument("--jobs", type=int, default=2, help="runs at a time, one core each")
    options = parser.parse_args()

    lines = []
    for title, arguments, seeds, goal in RUNS:
        if options.only.lower() not in title.lower():
            continue
        with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
            runs = list(pool.map(lambda seed: train(options.bellman, arguments, seed), range(1, seeds + 1)))
        lines.append((row(title, arguments, goal, runs), arguments, runs))
        print(lines[-1][0], flush=True)
    if options.only:
        return

    page = ["# Results", "",
            "Written by `scripts/results.sh`, which trains each row anew for seeds 1, 2, ... with `bellman train` and the arguments below the "
            "table, one core a run, two runs at a time.", "",
            "- *Return*: of the kept policy, greedy, over 100 fresh episodes; mean ± standard deviation over the seeds.",
            "- *Value / optimum*: the kept policy's exact value (computed from the environment's transition table, discounted, from the start) beside "
            "that of the optimal policy.",
            "- *Goal met*: by how many of the seeds.", "- *Steps*, *to solve*, *wall*: medians over the seeds; to solve: from the start to the first evaluation "
            "at or above the environment's threshold.", "",
            "| run | return | value / optimum | goal | goal met | steps | to solve | wall |", "|---|---|---|---|---|---|---|---|",
            *[line for line, _, _ in lines], "", "Arguments, and the return of each seed:", ""]
    for (line, arguments, runs) in lines:
        title = line.split("|")[1].strip()
        returns = ", ".join(f"{run['eval']['mean']:g}" for run in runs)
        page.append(f"- {title}: `bellman train {' '.join(arguments)}`: {returns}")
    pathlib.Path("docs/results.md").write_text("\n".join(page) + "\n")


main()
