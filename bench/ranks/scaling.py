#!/usr/bin/env python3
"""Measures training over ranks on this machine, fits the model of docs/scaling.md, and prints its tables (Markdown).

    cmake --preset bench && cmake --build build/bench --target ranked_training_bench
    bench/ranks/scaling.py [build/bench/bin/ranked_training_bench] [--mpirun mpirun.mpich] [--rounds 3]

Needs a quiet machine with two free cores. Every figure is a median over rounds; in a round all cases run in turn.
"""
import argparse
import json
import math
import statistics
import subprocess

ROW_BYTES = 2 * 4 * 84 * 84  # of a transition of Nature's: two states of four frames
NETWORKS = {  # seconds a byte, seconds a small message: assumed, but for the first
    "two cores of this machine": None,
    "100 Gbit/s, 5 us": (1 / 11e9, 5e-6),
    "10 Gbit/s, 30 us": (1 / 1.1e9, 30e-6),
}


def run(options, ranks, *words):
    start = [options.mpirun, "-n", str(ranks)] if ranks else []
    if ranks and "openmpi" in options.mpirun:
        start += ["--allow-run-as-root", "--oversubscribe"]
    out = subprocess.run([*start, options.program, *map(str, words)], check=True, capture_output=True, text=True).stdout
    return [json.loads(line) for line in out.splitlines()]


def run_two(options, *words):
    """Seconds a gradient step where two processes without MPI run at once: what the cores themselves take from each other."""
    started = [subprocess.Popen([options.program, *map(str, words)], stdout=subprocess.PIPE, text=True) for _ in range(2)]
    return statistics.mean(update_seconds(json.loads(process.communicate()[0])) for process in started)


def update_seconds(record):
    return record["seconds"] / record["updates"]


class Model:
    """Seconds of a gradient step of B transitions, with the f environment steps before it:

        T(N) = a + (c B + e f) / N + [N > 1] (4 l log2 N + w (8 P (N - 1) / N + surplus(N) row))

    a: what every rank does whole; c: a transition; e: an environment step; l: a small collective between two ranks; w: a
    byte of the gradient's mean, moved and summed; surplus: transitions that a rank sends or gets, for draws by chance.
    """

    def __init__(self, a, c, e, latency, per_byte, parameters, row=ROW_BYTES):
        self.a, self.c, self.e, self.latency, self.per_byte = a, c, e, latency, per_byte
        self.parameters, self.row = parameters, row

    def seconds(self, ranks, batch, frequency, network=None):
        per_byte, latency = network or (self.per_byte, self.latency)
        compute = self.a + (self.c * batch + self.e * frequency) / ranks
        if ranks == 1:
            return compute
        surplus = math.sqrt(batch / ranks * (1 - 1 / ranks) / (2 * math.pi))
        moved = 8 * self.parameters * (ranks - 1) / ranks + surplus * self.row
        # On another network the bytes are moved there and still summed here.
        summed = 0 if network is None else 8 * self.parameters * (ranks - 1) / ranks * self.per_byte
        return compute + 4 * latency * math.log2(ranks) + per_byte * moved + summed


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", nargs="?", default="build/bench/bin/ranked_training_bench")
    parser.add_argument("--mpirun", default="mpirun.mpich")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()

    cases = {"alone": (0, "nature", 256, 8, 4), "one": (1, "nature", 256, 8, 4), "two": (2, "nature", 256, 8, 4),
             "small": (0, "nature", 64, 8, 4), "rare": (0, "nature", 64, 8, 16),
             "cartpole": (0, "cartpole", 32, 8), "cartpole two": (2, "cartpole", 32, 8)}
    records = {name: [] for name in cases}
    messages = []
    for _ in range(options.rounds):
        for name, case in cases.items():
            records[name] += run(options, *case)
        messages.append(run(options, 2, "messages"))
    seconds = {name: statistics.median(map(update_seconds, found)) for name, found in records.items()}
    waited = {name: statistics.median((r["gathering"] + r["exchanging"]) / r["updates"] for r in records[name])
              for name in ("two", "cartpole two")}

    def microseconds(key, **wanted):
        return statistics.median(next(m[key] for m in found if wanted.items() <= m.items()) for found in messages)

    parameters = records["two"][0]["parameters"]
    latency = 1e-6 * microseconds("all_gather", workload="messages", bytes=16)
    average = 1e-6 * microseconds("microseconds", workload="average", parameters=parameters)

    print("## Measured\n\n| case | ms a gradient step | in messages | against one process |\n|---|--:|--:|--:|")
    for name, label, base in (("alone", "Nature, batch 256, one process without MPI", "alone"),
                              ("one", "the same under `mpirun -n 1`", "alone"),
                              ("two", "`mpirun -n 2`, two cores", "alone"),
                              ("cartpole", "CartPole, batch 32, one process", "cartpole"),
                              ("cartpole two", "`mpirun -n 2`", "cartpole")):
        ratio = statistics.median(update_seconds(b) / update_seconds(r) for r, b in zip(records[name], records[base]))
        print(f"| {label} | {1e3 * seconds[name]:.3f} | {1e3 * waited.get(name, 0):.3f} | {ratio:.3f} x |")

    c = (seconds["alone"] - seconds["small"]) / 192
    e = max(0.0, (seconds["rare"] - seconds["small"]) / 12)  # it is small: noise may hide it
    a = seconds["small"] - 64 * c - 4 * e
    model = Model(a, c, e, latency, (average - 3 * latency) / (4 * parameters), parameters)
    print("\n## The model's terms\n\n| term | measured |\n|---|--:|")
    print(f"| a, what every rank does whole | {1e3 * a:.2f} ms |\n| c, a transition | {1e3 * c:.3f} ms |")
    print(f"| e, an environment step | {1e3 * e:.3f} ms |\n| l, a small collective | {1e6 * latency:.1f} us |")
    print(f"| w, a byte of the mean gradient | {1e9 * model.per_byte:.3f} ns |")
    print(f"| the mean of {parameters:,} numbers | {1e3 * average:.2f} ms |")
    both = [run_two(options, *cases["alone"][1:]) for _ in range(options.rounds)]
    print(f"\nTwo processes of the first case at once, which share nothing, take {1e3 * statistics.median(both):.1f} ms each.")
    print("\n| ranks | model, ms | measured, ms | error |\n|--:|--:|--:|--:|")
    for ranks, name in ((1, "alone"), (2, "two")):
        predicted = model.seconds(ranks, 256, 4)
        print(f"| {ranks} | {1e3 * predicted:.1f} | {1e3 * seconds[name]:.1f} | {100 * (predicted / seconds[name] - 1):+.1f} % |")

    for title, batch in (("a batch of 256", lambda n: 256), ("32 transitions a rank", lambda n: 32 * n)):
        print(f"\n## Predicted: {title}, a core a rank, transitions learnt from a second (speed-up)\n")
        print("| ranks | " + " | ".join(NETWORKS) + " |\n|--:|" + "--:|" * len(NETWORKS))
        base = batch(1) / model.seconds(1, batch(1), 4)
        for ranks in (2**k for k in range(13)):
            size = batch(ranks)
            cells = []
            for name, network in NETWORKS.items():
                if size < ranks:
                    cells.append("refused")
                elif network is None and ranks > 2:
                    cells.append("")
                else:
                    rate = size / model.seconds(ranks, size, 4 * size / batch(1), network)
                    cells.append(f"{rate:,.0f} ({rate / base:.1f})")
            print(f"| {ranks} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
