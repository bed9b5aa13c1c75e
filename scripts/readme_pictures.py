"""Draws README's two pictures from committed records.

python3 scripts/readme_pictures.py

docs/images/learning.svg is drawn from docs/images/learning.csv, the sweep_curves.csv of
  bellman sweep --env-id CartPole-v1 --seeds 1001-1020 --no-stop-when-solved
docs/images/speed.svg is drawn from bench/records/2026-11-29-zen4.json, a record of scripts/bench.sh --peers.
"""

import csv
import html
import json
import pathlib
import statistics

ROOT = pathlib.Path(__file__).resolve().parent.parent
CURVES = ROOT / "docs/images/learning.csv"
RECORD = ROOT / "bench/records/2026-11-29-zen4.json"
SOLVED = 475
OURS, PEERS, INK, PALE = "#1b6ca8", "#b9bfc9", "#1d2330", "#dddddd"
# (title, bellman's row of the record, the peers' row)
WORK = [
    ("learn step, 4-64-64-2, batch 64", "sampled_step/4-64-64-2/fused", "sampled_step/4-64-64-2"),
    ("learn step, 8-256-256-4, batch 128", "sampled_step/8-256-256-4/fused", "sampled_step/8-256-256-4"),
    ("gradient step, Nature-DQN, batch 32", "learn_step/nature_dqn/threads:1/tiled", "learn_step/nature_dqn"),
    ("one step of the whole loop, CartPole-v1", "loop/textbook", "loop/textbook"),
]


def text(x, y, content, anchor="start", colour=INK, size=13):
    return (f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}" font-size="{size}">'
            f'{html.escape(content)}</text>')


def picture(width, height, parts):
    return "\n".join([f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
                      'font-family="sans-serif">', '<rect width="100%" height="100%" fill="white"/>', *parts, "</svg>", ""])


def learning():
    """Each seed's evaluations as a thin line, their mean as a thick one."""
    seeds = {}
    for row in csv.DictReader(CURVES.open()):
        seeds.setdefault(row["seed"], []).append((int(row["timestep"]), float(row["eval_mean"])))
    steps = [step for step, _ in next(iter(seeds.values()))]
    width, height, left, right, top, bottom = 800, 300, 48, 40, 34, 44
    x = lambda step: left + (width - left - right) * step / steps[-1]
    y = lambda value: height - bottom - (height - top - bottom) * value / 500

    def line(points, colour, thickness, opacity=1.0):
        joined = " ".join(f"{x(step):.1f},{y(value):.1f}" for step, value in points)
        return (f'<polyline points="{joined}" fill="none" stroke="{colour}" stroke-width="{thickness}" '
                f'stroke-opacity="{opacity}"/>')

    parts = [text(left, 20, f"CartPole-v1: mean return of greedy evaluations, {len(seeds)} seeds and their mean", size=14)]
    for value in range(0, 501, 100):
        parts += [line([(0, value), (steps[-1], value)], PALE, 1), text(left - 8, y(value) + 4, str(value), "end")]
    for step in range(0, steps[-1] + 1, 20_000):
        parts.append(text(x(step), height - bottom + 18, f"{step:,}", "middle"))
    parts.append(text((left + width - right) / 2, height - 8, "environment steps", "middle"))
    parts += [line([(0, SOLVED), (steps[-1], SOLVED)], "#2f7d42", 1),
              text(x(steps[-1]) - 4, y(SOLVED) + 16, f"solved: {SOLVED}", "end", "#2f7d42")]
    parts += [line(points, OURS, 1, 0.18) for points in seeds.values()]
    means = [statistics.fmean(points[i][1] for points in seeds.values()) for i in range(len(steps))]
    return picture(width, height, parts + [line(list(zip(steps, means, strict=True)), OURS, 2.5)])


def microseconds(row):
    median = statistics.median(row["samples"])
    return {"us": median, "ms": 1e3 * median, "ns": median / 1e3, "steps/s": 1e6 / median}[row["unit"]]


def written(time):
    if time < 1000:
        return f"{time:.1f} µs" if time < 100 else f"{time:.0f} µs"
    return f"{time / 1e3:.2f} ms" if time < 10_000 else f"{time / 1e3:.1f} ms"


def speed():
    """A bar a program, as long as its time; each kind of work has its own scale."""
    record = json.loads(RECORD.read_text())
    bars = []
    for title, ours, peers in WORK:
        group = []
        for row in record["rows"]:
            is_peer = row["program"] in record["peers"]
            if row["name"] == (peers if is_peer else ours):
                group.append((row["program"] if is_peer else "bellman", row))
        bars.append((title, [(name, microseconds(row)) for name, row in sorted(group, key=lambda entry: entry[0] != "bellman")]))
    width, left, step, longest = 800, 96, 20, 560
    parts, y = [text(16, 20, "Time on one core, to each work's own scale: shorter is faster", size=14)], 46
    for title, group in bars:
        parts.append(text(16, y, title))
        slowest = max(time for _, time in group)
        for name, time in group:
            y += step
            colour = OURS if name == "bellman" else PEERS
            ratio = "" if name == "bellman" else f", {time / group[0][1]:.2g} ×"
            parts += [text(left - 8, y, name, "end"),
                      f'<rect x="{left}" y="{y - 12}" width="{longest * time / slowest:.1f}" height="15" fill="{colour}"/>',
                      text(left + longest * time / slowest + 8, y, written(time) + ratio)]
        y += 34
    source = (f'{record["machine"]["cpu"]}, {record["date"]}, {record["rounds"]} rounds in turn, the same losses checked first; '
              f'PyTorch and LibTorch {record["peers"]["LibTorch"]["version"]}')
    return picture(width, y + 4, parts + [text(16, y - 6, source, colour="#5b6472", size=12)])


PICTURES = {"learning": learning, "speed": speed}

if __name__ == "__main__":
    for name, draw in PICTURES.items():
        (ROOT / f"docs/images/{name}.svg").write_text(draw())
