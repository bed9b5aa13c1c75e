#!/usr/bin/env python3
"""The comparisons of a sweep beside rliable's, on the same scores (Agarwal et al. 2021; package rliable, tried with 1.2.0).

    python scripts/check_python_rliable.py sweeps/lr/sweep.json

A line for each comparison and score. Point estimates must agree within 1e-12 of their magnitude. A bound of an interval
is a quantile of 2,000 random resamples: it must lie between the quantiles of 10,000 of rliable's that are 4.5 standard
errors of the rank away. The exit code is 1 when something disagrees.
"""
import json
import math
import sys

import numpy as np
from rliable import library, metrics

RESAMPLES, REPS, TAIL = 2000, 10_000, 0.025
RANK_ERROR = 4.5 * math.sqrt(TAIL * (1 - TAIL) * (1 / RESAMPLES + 1 / REPS))


def value(run, score):
    if run["state"] != "finished":
        return math.nan
    found = run["eval"]["mean"] if score == "eval_mean" else run[score]
    return math.nan if found is None else found


def check(name, scores, function, ours):
    """Prints rliable's estimate beside ours, (point, low, high). Returns whether they agree."""
    point = float(function(*scores if isinstance(scores, list) else [scores])[0])
    if isinstance(scores, list):
        bootstrap = library.StratifiedIndependentBootstrap(*scores)
    else:
        bootstrap = library.StratifiedBootstrap(scores)
    resampled = bootstrap.apply(function, REPS)[:, 0]
    outer, middle, inner = (np.quantile(resampled, [TAIL + off, 1 - TAIL - off]) for off in (-RANK_ERROR, 0, RANK_ERROR))
    rounding = 1e-12 * max(1.0, abs(point))
    right = (abs(ours[0] - point) <= rounding and outer[0] - rounding <= ours[1] <= inner[0] + rounding
             and inner[1] - rounding <= ours[2] <= outer[1] + rounding)
    print(f"{name:44}  {ours[0]:9.4f} ({ours[1]:.4f} to {ours[2]:.4f})  rliable {point:9.4f} "
          f"({middle[0]:.4f} to {middle[1]:.4f})  {'agrees' if right else 'DISAGREES'}")
    return right


def main():
    with open(sys.argv[1]) as file:
        sweep = json.load(file)
    by_settings = {json.dumps(variant["settings"]): variant for variant in sweep["variants"]}
    results = []
    np.random.seed(1)  # rliable draws from it
    for variant in sweep["variants"]:
        if not variant["comparison"]:
            continue
        baseline = by_settings[json.dumps(variant["comparison"].pop("baseline"))]
        for score, ours in variant["comparison"].items():
            x, y = (np.array([value(run, score) for run in v["runs"]]) for v in (variant, baseline))
            both = ~np.isnan(x) & ~np.isnan(y)
            if not both.any():
                continue
            assert ours["pairs"] == both.sum()
            name = ", ".join(f"{key}={v}" for key, v in variant["settings"].items()) + " " + score
            results.append(check(name, (x - y)[both][:, None], lambda a: np.array([metrics.aggregate_mean(a)]),
                                 (ours["difference"], ours["difference_low"], ours["difference_high"])))
            results.append(check("  P(better)", [x[~np.isnan(x)][:, None], y[~np.isnan(y)][:, None]],
                                 lambda a, b: np.array([metrics.probability_of_improvement(a, b)]),
                                 (ours["probability_of_improvement"], ours["probability_low"], ours["probability_high"])))
    print(f"{sum(results)} of {len(results)} agree")
    return 0 if results and all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
