"""Made-up records of scripts/bench.sh, for its tests."""

import pathlib
import random
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "scripts" / "bench"))


def around(middle, count=6, spread=0.005, seed=0):
    """Measurements as they come: a spread of half a percent."""
    draw = random.Random(f"{middle} {seed}")
    return [middle * (1 + draw.gauss(0, spread)) for _ in range(count)]


def row(program, name, middle, unit="us", label="", seed=0, **counters):
    return {"program": program, "name": name, "label": label, "unit": unit, "samples": around(middle, seed=seed),
            "counters": {key.replace("_per_s", "/s"): around(value, seed=seed) for key, value in counters.items()}}


def record(seed=0, factors=None):
    """`factors`: {name: factor} on the time of some rows."""
    rows = [row("roof_bench", "fma_peak", 8e-6, seed=seed, GFLOP_per_s=118.0)]
    for size, rate in ((16384, 190.0), (262144, 117.0), (4194304, 93.0), (67108864, 20.0)):
        rows.append(row("roof_bench", f"triad/bytes:{size}", 5e-6, seed=seed, GB_per_s=rate))
    rows += [
        row("sampled_step_bench", "sampled_step/4-64-64-2/op-by-op", 33.0, seed=seed, x_floor=1.7, allocations=0.0, locks=2.0,
            system_calls=0.0),
        row("ops_bench", "dense_forward/64x64->64", 5.0, seed=seed, of_peak=0.9, flops=524288.0, bytes=49408.0),
        row("ops_bench", "relu_forward/4096", 0.3, seed=seed, of_triad=0.8, flops=4096.0, bytes=32768.0),
        row("ops_bench", "tanh_forward/4096", 3.0, seed=seed, of_triad=0.1, bytes=32768.0),
        row("replay_bench", "prioritized_sample_and_update/1048576", 11.0, seed=seed),
        row("bellman", "loop/textbook", 26000.0, "steps/s", seed=seed),
        row("PyTorch", "sampled_step/4-64-64-2", 1400.0, seed=seed),
        row("PyTorch", "loop/textbook", 700.0, "steps/s", seed=seed),
    ]
    for r in rows:
        factor = (factors or {}).get(r["name"], 1)
        r["samples"] = [factor * sample for sample in r["samples"]]
    return {"schema": 1, "date": "2001-02-03", "commit": "abc", "quick": False, "rounds": 6, "rows": rows,
            "machine": {"cpu": "a processor <&>", "architecture": "x86_64", "cores": 2, "core": 1, "kernel": "6",
                        "governor": None, "compiler": "g++ 12", "load_average_at_start": 0.1},
            "peers": {"PyTorch": {"torch_version": "2.0", "blas": "OpenBLAS",
                                  "largest_relative_loss_difference": {"4-64-64-2": 1e-7}}},
            "missing_peers": {"stable-baselines3": "not installed"}, "failed": {}, "wrong": {}}
