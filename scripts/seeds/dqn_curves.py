"""Trains the full algorithm and five others on CartPole-v1, draws their learning curves, and compares them by seed. Called by
scripts/dqn_curves.sh."""

import pathlib
import re
import statistics

import seeds

FIRST_SEED, SEEDS = 1001, 24  # the recipe was chosen on none of them
STEPS = 50_000
POINTS = 100  # of each curve
COMMON = ["--env-id", "CartPole-v1", "--preset", "textbook", "--total-timesteps", str(STEPS), "--eval-frequency", "0",
          "--final-eval-episodes", "100"]
BATCH_1 = ["--batch-size", "1", "--learning-starts", "1"]
VARIANTS = [  # (title, arguments, colour, dashes)
    ("replay and target network", [], "#1b6ca8", ""),
    ("no target network", ["--no-target-network"], "#b3651b", ""),
    ("replay, batch of 1", BATCH_1, "#1b6ca8", "6 4"),
    ("replay, batch of 1, no target network", [*BATCH_1, "--no-target-network"], "#b3651b", "6 4"),
    ("no replay", ["--no-replay"], "#2f7d42", ""),
    ("neither", ["--no-replay", "--no-target-network"], "#a33a3a", ""),
]
DIFFERENCES = [  # by seed
    ("what a target network adds", "replay and target network", "no target network"),
    ("... with a batch of 1", "replay, batch of 1", "replay, batch of 1, no target network"),
    ("... without replay", "no replay", "neither"),
    ("what replay adds to the same batch of 1", "replay, batch of 1", "no replay"),
    ("... without a target network", "replay, batch of 1, no target network", "neither"),
    ("what a batch of 64 adds to 1", "replay and target network", "replay, batch of 1"),
]


def curve(run):
    """The mean return of the last 20 training episodes at POINTS evenly spaced timesteps."""
    episodes = seeds.monitor_returns(run)
    values, steps, returns, i = [], 0, [], 0
    for point in range(1, POINTS + 1):
        while i < len(episodes) and steps + episodes[i][1] <= point * STEPS // POINTS:
            steps += episodes[i][1]
            returns.append(episodes[i][0])
            i += 1
        values.append(statistics.fmean(returns[-20:]) if returns else 0.0)
    return values


def svg(curves):
    """Mean over the seeds as a line, the 95 % interval of the mean as a band."""
    width, height, left, right, top, bottom = 760, 420, 56, 16, 16, 48
    x = lambda point: left + (width - left - right) * point / POINTS
    y = lambda value: height - bottom - (height - top - bottom) * value / 500
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width + 20} {height}" font-family="sans-serif" font-size="13">',
           f'<rect width="100%" height="100%" fill="white"/>']
    for value in range(0, 501, 100):
        out.append(f'<line x1="{left}" x2="{width - right}" y1="{y(value):.1f}" y2="{y(value):.1f}" stroke="#ddd"/>'
                   f'<text x="{left - 8}" y="{y(value) + 4:.1f}" text-anchor="end">{value}</text>')
    for point in range(0, POINTS + 1, 20):
        out.append(f'<text x="{x(point):.1f}" y="{height - bottom + 20}" text-anchor="middle">{point * STEPS // POINTS:,}</text>')
    out.append(f'<text x="{(left + width - right) / 2}" y="{height - 8}" text-anchor="middle">environment steps</text>')
    out.append(f'<text x="{left + 8}" y="{top + 12}">return of the last 20 training episodes</text>')
    for (_, _, colour, dashes), runs in zip(VARIANTS, curves, strict=True):
        columns = list(zip(*runs, strict=True))
        ends = [seeds.mean_interval(list(column), resamples=1000) for column in columns]
        upper = [f"{x(i + 1):.1f},{y(high):.1f}" for i, (_, high) in enumerate(ends)]
        lower = [f"{x(i + 1):.1f},{y(low):.1f}" for i, (low, _) in enumerate(ends)]
        mean = [f"{x(i + 1):.1f},{y(statistics.fmean(column)):.1f}" for i, column in enumerate(columns)]
        out.append(f'<polygon points="{" ".join(upper + lower[::-1])}" fill="{colour}" opacity="0.12"/>')
        out.append(f'<polyline points="{" ".join(mean)}" fill="none" stroke="{colour}" stroke-width="2" stroke-dasharray="{dashes}"/>')
    for i, (title, _, colour, dashes) in enumerate(VARIANTS):
        row = top + 34 + 20 * i
        out.append(f'<line x1="{left + 10}" x2="{left + 34}" y1="{row}" y2="{row}" stroke="{colour}" stroke-width="3" '
                   f'stroke-dasharray="{dashes}"/><text x="{left + 42}" y="{row + 4}">{title}</text>')
    return "\n".join(out + ["</svg>", ""])


def interval_text(low, high):
    return f"[{low:.0f}, {high:.0f}]"


def main():
    options = seeds.parser(__doc__).parse_args()

    table = ["| algorithm | greedy return at the end, mean ± std | 95 % interval of the mean | worst seed | best seed |",
             "|---|---|---|---|---|"]
    curves, returns = [], {}
    for title, arguments, _, _ in VARIANTS:
        runs = seeds.train_all(options.bellman, [*COMMON, *arguments], range(FIRST_SEED, FIRST_SEED + SEEDS), options.jobs,
                               lambda run: {"curve": curve(run)})
        returns[title] = [run["eval"]["mean"] for run in runs]
        curves.append([run["curve"] for run in runs])
        table.append(f"| {title} | {seeds.mean_std(returns[title], 1)} | {interval_text(*seeds.mean_interval(returns[title]))} | "
                     f"{min(returns[title]):.1f} | {max(returns[title]):.1f} |")
        print(table[-1], flush=True)
    table += ["", "| difference, by seed | mean | 95 % interval |", "|---|---|---|"]
    for title, more, less in DIFFERENCES:
        mean, interval = seeds.paired_difference(returns[more], returns[less])
        table.append(f"| {title} | {mean:.0f} | {interval_text(*interval)} |")
        print(table[-1], flush=True)

    pathlib.Path("docs/images").mkdir(exist_ok=True)
    pathlib.Path("docs/images/dqn_curves.svg").write_text(svg(curves))
    page = pathlib.Path("docs/dqn.md")
    begin, end = "<!-- curves: begin -->", "<!-- curves: end -->"
    text = re.sub(f"{begin}.*{end}", lambda _: "\n".join([begin, *table, end]), page.read_text(), flags=re.S)
    page.write_text(text)


if __name__ == "__main__":
    main()
