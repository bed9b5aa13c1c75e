#!/usr/bin/env python3
"""Statistics of scores as rliable computes them (Agarwal et al. 2021), with the resamples that its bootstrap
drew, so that intervals can be compared to the last digits. Areas under learning curves are NumPy's trapezia.
Needs rliable and NumPy; 1.2.0 (with arch 7.2.0, which needs pandas before 3) made the file in the repository.

    python scripts/golden/rliable_scores.py tests/data/golden_rliable.json
"""
import json
import sys

import numpy as np
from rliable import library, metrics

REPS = 100
CASES = {
    # x and y have the seeds in the same order where they have as many; returns like CartPole's, with ties at 500
    "ties": ([500, 500, 487.25, 500, 312.5, 500, 499.75, 500], [500, 455.5, 500, 120.125, 480, 500, 233, 499.75]),
    "two_seeds": ([-98.5, -103.25], [-110, -101.75]),
    "equal": ([3, 1, 2], [3, 1, 2]),
    "no_ties": (np.random.RandomState(1).normal(0.3, 1, 20), np.random.RandomState(2).normal(0, 2, 20)),
    "unequal_numbers": (np.random.RandomState(3).normal(5, 1, 9), np.random.RandomState(4).normal(4, 1, 13)),
}


class Recorder:
    """Stands in for numpy.random.choice, from which rliable draws, and keeps what it returned."""

    def __init__(self, seed):
        self.random, self.drawn = np.random.RandomState(seed), []

    def __call__(self, runs, shape, replace):
        assert replace
        self.drawn.append(self.random.choice(runs, shape, replace=True))
        return self.drawn[-1]


def tensor(values):
    values = np.asarray(values)
    return {"shape": list(values.shape), "data": values.flatten().tolist()}


def interval(scores, function, seed):
    """The bounds, (2) or (2,T), and the places drawn: (REPS,n), of two score arrays one for each."""
    recorder = Recorder(seed)
    original, np.random.choice = np.random.choice, recorder
    try:
        _, bounds = library.get_interval_estimates({"case": scores}, function, reps=REPS)
    finally:
        np.random.choice = original
    arrays = 1 if isinstance(scores, np.ndarray) else len(scores)
    assert len(recorder.drawn) == arrays * REPS
    places = [tensor(np.stack(recorder.drawn[k::arrays])[:, :, 0]) for k in range(arrays)]
    return tensor(np.squeeze(bounds["case"])), places


def estimates(x, y):
    x, y = (np.asarray(values, float)[:, None] for values in (x, y))  # (runs, tasks)
    bounds, places = interval([x, y], lambda a, b: np.array([metrics.probability_of_improvement(a, b)]), 5)
    case = {
        "x": tensor(x[:, 0]),
        "y": tensor(y[:, 0]),
        "iqm": float(metrics.aggregate_iqm(x)),
        "improvement": {"value": float(metrics.probability_of_improvement(x, y)), "interval": bounds,
                        "places_x": places[0], "places_y": places[1]},
    }
    bounds, places = interval(x, lambda a: np.array([metrics.aggregate_iqm(a)]), 6)
    case["iqm_interval"], case["iqm_places"] = bounds, places[0]
    taus = np.unique(np.concatenate([x[:, 0], y[:, 0], [x.min() - 1, np.mean(x)]]))
    bounds, places = interval(x, lambda a: library.score_distributions(a, taus), 7)
    case["profile"] = {"taus": tensor(taus), "shares": tensor(library.score_distributions(x, taus)),
                       "interval": bounds, "places": places[0]}
    if x.shape == y.shape:  # a difference for each seed is one more score
        bounds, places = interval(x - y, lambda a: np.array([metrics.aggregate_mean(a)]), 8)
        case["paired"] = {"mean": float(metrics.aggregate_mean(x - y)), "interval": bounds, "places": places[0]}
    return case


def area(timesteps, returns, end):
    """Of the curve that keeps its last value to the end, divided by the time that it lasts."""
    whole, kept = np.append(timesteps, end), np.append(returns, returns[-1])
    return {"timesteps": tensor(timesteps), "returns": tensor(returns), "end": end,
            "value": float(np.trapezoid(kept, whole) / (end - timesteps[0]))}


def main():
    golden = {"scores": {name: estimates(*case) for name, case in CASES.items()},
              "areas": {"to_the_end": area([500, 1000, 1750, 4000], [9.5, 22, 180.25, 500], 4000),
                        "ended_early": area([500, 1000, 1750], [9.5, 22, 500], 4000),
                        "evaluated_once": area([1000], [-7.5], 4000)}}
    with open(sys.argv[1], "w") as out:
        out.write(json.dumps(golden) + "\n")


if __name__ == "__main__":
    main()
