"""Trains the bundled presets over many fresh seeds and writes docs/results.md. Called by scripts/results.sh."""

import math
import pathlib
import statistics

import seeds
from seeds import mean_std

FIRST_SEED = 1001  # presets were tuned on seeds up to 1000
PUBLISHED = "488.69 ± 16.11"  # CleanRL's dqn.py on CartPole-v1, episodic return during training, 3 seeds
SOLVED = 475.0  # CartPole-v1's threshold

PLANES = ["--observation", "planes"]
FROZEN_SURE = ["--env-id", "FrozenLake-v1", "--no-slippery"]
FROZEN_SLIPPERY = ["--env-id", "FrozenLake-v1"]
CLIFF = ["--env-id", "CliffWalking-v1"]
ROOMS = ["--env-id", "FourRooms-v0"]

# (title, arguments, seeds, the environment's threshold)
CARTPOLE = [
    ("preset, ends when solved", ["--env-id", "CartPole-v1"], 100, SOLVED),
    ("preset, all 100,000 steps", ["--env-id", "CartPole-v1", "--no-stop-when-solved"], 100, SOLVED),
    ("CleanRL's recipe, 500,000 steps", ["--env-id", "CartPole-v1", "--preset", "cleanrl"], 20, SOLVED),
]
CONTROL = [
    ("MountainCar-v0, preset, ends when solved", ["--env-id", "MountainCar-v0"], 20, -110.0),
    ("MountainCar-v0, preset, all 150,000 steps", ["--env-id", "MountainCar-v0", "--no-stop-when-solved"], 20, -110.0),
    ("Acrobot-v1, preset, ends when solved", ["--env-id", "Acrobot-v1"], 20, -100.0),
    ("Acrobot-v1, preset, all 100,000 steps", ["--env-id", "Acrobot-v1", "--no-stop-when-solved"], 20, -100.0),
]
# (title, arguments, seeds, how far the policy's exact value may be from the optimum)
GRIDWORLDS = [
    ("FrozenLake-v1 not slippery, MLP", FROZEN_SURE, 10, 1e-9),
    ("FrozenLake-v1 not slippery, conv", FROZEN_SURE + PLANES, 10, 1e-9),
    ("FrozenLake-v1 slippery, MLP", FROZEN_SLIPPERY, 10, 0.02),
    ("FrozenLake-v1 slippery, conv", FROZEN_SLIPPERY + PLANES, 10, 0.02),
    ("CliffWalking-v1, MLP", CLIFF, 10, 1e-9),
    ("CliffWalking-v1, conv", CLIFF + PLANES, 10, 1e-9),
    ("FourRooms-v0, MLP", ROOMS, 10, 1e-9),
    ("FourRooms-v0, conv", ROOMS + PLANES, 10, 1e-9),
]


def share(k, n):
    """k of n, and how often the rest may happen: the upper end of its Clopper-Pearson interval."""
    return f"{k} of {n} (failures ≤ {100 * seeds.clopper_pearson(n - k, n)[1]:.0f} %)"


def look(run):
    """The numbers of a run's files that its JSON lacks. The training return is that of the last 100 episodes."""
    returns = [value for value, _ in seeds.monitor_returns(run)][-100:]
    return {"training_return": statistics.fmean(returns), "evaluations": seeds.evaluations(run)}


def later_evaluations(runs):
    """The evaluations after the one that solved it, of all runs."""
    return [value for run in runs if run["solved_at_timestep"] is not None
            for timestep, value in run["evaluations"] if timestep > run["solved_at_timestep"]]


def returns_of(runs):
    return [run["eval"]["mean"] for run in runs]


def steps_to_solve(runs):
    """Median over the seeds; one that never solved it counts as infinity."""
    median = statistics.median(run["solved_at_timestep"] or math.inf for run in runs)
    return "–" if math.isinf(median) else f"{median:,.0f}"


def solved_row(title, threshold, kept, last):
    later = later_evaluations(last)
    held = f"{100 * statistics.fmean(value >= threshold for value in later):.0f} % of {len(later):,}" if later else "–"
    return [title, mean_std([run["training_return"] for run in last], 1), mean_std(returns_of(last), 2),
            share(sum(value >= threshold for value in returns_of(last)), len(last)), mean_std(returns_of(kept), 2),
            share(sum(value >= threshold for value in returns_of(kept)), len(kept)), held, steps_to_solve(kept)]


def gridworld_row(title, gap, kept, last):
    optimum = kept[0]["optimal_value"]
    goal = "optimal" if gap < 1e-6 else f"within {gap:g}"

    def met(runs):
        return share(sum(optimum - run["policy_value"] <= gap for run in runs), len(runs))

    return [title, f"{optimum:.4f}", mean_std([r["policy_value"] for r in kept], 4), goal, met(kept),
            mean_std([r["policy_value"] for r in last], 4), met(last), mean_std(returns_of(kept), 2), steps_to_solve(kept)]


def both(options, arguments, count):
    """The same training twice: the best evaluated network kept, and the last one."""
    numbers = range(FIRST_SEED, FIRST_SEED + min(count, options.seeds or count))
    return [seeds.train_all(options.bellman, [*arguments, keep], numbers, options.jobs, look)
            for keep in ("--keep-best", "--no-keep-best")]


CARTPOLE_HEAD = ["CartPole-v1", "training return", "last network", "last ≥ 475", "kept network", "kept ≥ 475",
                 "later evaluations ≥ 475", "steps to solve"]
CONTROL_HEAD = ["environment", "training return", "last network", "last meets the threshold", "kept network",
                "kept meets it", "later evaluations that meet it", "steps to solve"]
GRIDWORLD_HEAD = ["gridworld", "optimum", "kept network's value", "goal", "kept meets it", "last network's value",
                  "last meets it", "return of the kept, 100 episodes", "steps to solve"]


def table(head, rows):
    return ["| " + " | ".join(cells) + " |" for cells in (head, ["---"] * len(head), *rows)]


def page(cartpole, control, gridworlds, details):
    return "\n".join([
        "# Results", "",
        "`scripts/results.sh` runs `bellman train` with the arguments below and writes this page. "
        f"Seeds are {FIRST_SEED} and up; presets were tuned on smaller ones. ± is the sample standard deviation over the seeds.", "",
        "- *Last network*: at the end of training. *Kept network*: that of the best evaluation, which a run writes to "
        "`model.safetensors` by default (`--keep-best`). Both play greedily over 100 fresh episodes.",
        "- *Failures ≤*: the upper end of the 95 % Clopper–Pearson interval of the share of seeds that miss the goal.",
        "- *Training return*: of the last 100 training episodes, exploration included.",
        "- *Later evaluations*: those after the solving one; they show how much is forgotten again.",
        "- *Steps to solve*: median over the seeds, to the first evaluation that reached the run's solved_return and held over 100 more "
        "episodes. [performance.md](performance.md) has the seconds: nothing here depends on the machine's speed.", "",
        *table(CARTPOLE_HEAD, cartpole), "",
        f"CleanRL publishes {PUBLISHED} for its recipe: the mean return of *training* episodes, where 5 % of the actions are random. "
        "Compare it with the training return.", "",
        "MountainCar-v0's threshold is -110, Acrobot-v1's -100. Their presets go on to -108 and -95.", "",
        *table(CONTROL_HEAD, control), "",
        "Gridworlds have an exact answer: the policy's discounted value from the start, computed from the environment's transition "
        "table, beside the optimum. Returns over 100 episodes are noisy.", "",
        *table(GRIDWORLD_HEAD, gridworlds), "",
        "Arguments, and the return of each seed, last / kept:", "", *details, ""])


def detail(title, arguments, kept, last):
    pairs = ", ".join(f"{a['eval']['mean']:g} / {b['eval']['mean']:g}" for a, b in zip(last, kept, strict=True))
    return f"- {title}: `bellman train {' '.join(arguments)}`: {pairs}"


def main():
    parser = seeds.parser(__doc__)
    parser.add_argument("--only", default="", help="only the rows whose title contains this text; printed, not written")
    parser.add_argument("--seeds", type=int, help="at most so many seeds a row; printed, not written")
    options = parser.parse_args()

    tables, details = [], []
    for cases, row_of in ((CARTPOLE, solved_row), (CONTROL, solved_row), (GRIDWORLDS, gridworld_row)):
        tables.append([])
        for title, arguments, count, goal in cases:
            if options.only.lower() not in title.lower():
                continue
            kept, last = both(options, arguments, count)
            seeds.warn_about_few(len(kept))
            tables[-1].append(row_of(title, goal, kept, last))
            details.append(detail(title, arguments, kept, last))
            print(" | ".join(tables[-1][-1]), flush=True)
    if not options.only and not options.seeds:
        pathlib.Path("docs/results.md").write_text(page(*tables, details))


if __name__ == "__main__":
    main()
