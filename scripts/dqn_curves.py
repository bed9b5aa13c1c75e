"""Trains the full and the two plainer algorithms on CartPole-v1 and draws their learning curves. Called by scripts/dqn_curves.sh."""

import argparse
import concurrent.futures
import csv
import json
import pathlib
import re
import statistics
import subprocess
import tempfile

SEEDS = range(1, 11)
STEPS = 50_000
POINTS = 100  # of each curve
COMMON = ["--env-id", "CartPole-v1", "--preset", "textbook", "--total-timesteps", str(STEPS), "--eval-frequency", "0",
          "--final-eval-episodes", "100"]
VARIANTS = [  # (title, arguments, colour)
    ("replay and target network", [], "#1b6ca8"),
    ("no target network", ["--no-target-network"], "#d1802a"),
    ("no replay", ["--no-replay"], "#3a8f4d"),
    ("neither", ["--no-replay", "--no-target-network"], "#a33a3a"),
]


def curve(monitor):
    """The mean return of the last 20 training episodes at POINTS evenly spaced timesteps."""
    with open(monitor) as file:
        file.readline()
        episodes = [(float(line["r"]), int(line["l"])) for line in csv.DictReader(file)]
    values, steps, returns, i = [], 0, [], 0
    for point in range(1, POINTS + 1):
        while i < len(episodes) and steps + episodes[i][1] <= point * STEPS // POINTS:
            steps += episodes[i][1]
            returns.append(episodes[i][0])
            i += 1
        values.append(statistics.fmean(returns[-20:]) if returns else 0.0)
    return values


def train(bellman, arguments, seed):
    with tempfile.TemporaryDirectory() as folder:
        command = [bellman, "train", *COMMON, *arguments, "--seed", str(seed), "--run-dir", f"{folder}/run", "--json", "--quiet"]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode != 0:
            raise SystemExit(f"{' '.join(command)} failed:\n{done.stderr}")
        return json.loads(done.stdout)["eval"]["mean"], curve(f"{folder}/run/monitor.csv")


def svg(curves):
    """Mean over the seeds as a line, from the worst to the best seed as a band."""
    width, height, left, right, top, bottom = 760, 400, 56, 16, 16, 48
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
    for (title, _, colour), runs in zip(VARIANTS, curves):
        columns = list(zip(*runs))
        upper = [f"{x(i + 1):.1f},{y(max(column)):.1f}" for i, column in enumerate(columns)]
        lower = [f"{x(i + 1):.1f},{y(min(column)):.1f}" for i, column in enumerate(columns)]
        mean = [f"{x(i + 1):.1f},{y(statistics.fmean(column)):.1f}" for i, column in enumerate(columns)]
        out.append(f'<polygon points="{" ".join(upper + lower[::-1])}" fill="{colour}" opacity="0.12"/>')
        out.append(f'<polyline points="{" ".join(mean)}" fill="none" stroke="{colour}" stroke-width="2"/>')
    for i, (title, _, colour) in enumerate(VARIANTS):
        row = top + 34 + 20 * i
        out.append(f'<line x1="{left + 10}" x2="{left + 34}" y1="{row}" y2="{row}" stroke="{colour}" stroke-width="3"/>'
                   f'<text x="{left + 42}" y="{row + 4}">{title}</text>')
    return "\n".join(out + ["</svg>", ""])


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bellman", required=True)
    parser.add_argument("--jobs", type=int, default=2, help="runs at a time, one core each")
    options = parser.parse_args()

    table = ["| algorithm | greedy return at the end, mean ± std | worst seed | best seed |", "|---|---|---|---|"]
    curves = []
    for title, arguments, _ in VARIANTS:
        with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
            results = list(pool.map(lambda seed: train(options.bellman, arguments, seed), SEEDS))
        returns = [result[0] for result in results]
        curves.append([result[1] for result in results])
        table.append(f"| {title} | {statistics.fmean(returns):.1f} ± {statistics.pstdev(returns):.1f} | {min(returns):.1f} | {max(returns):.1f} |")
        print(table[-1], flush=True)

    pathlib.Path("docs/images").mkdir(exist_ok=True)
    pathlib.Path("docs/images/dqn_curves.svg").write_text(svg(curves))
    page = pathlib.Path("docs/dqn.md")
    begin, end = "<!-- curves: begin -->", "<!-- curves: end -->"
    text = re.sub(f"{begin}.*{end}", lambda _: "\n".join([begin, *table, end]), page.read_text(), flags=re.S)
    page.write_text(text)


main()
