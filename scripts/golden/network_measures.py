#!/usr/bin/env python3
"""Measures of a network (rl/train/network_measures.h) by NumPy, in float64: writes tests/data/golden_network_measures.json.

Each array comes from a formula whose values are multiples of 1/64, exact in float32, so that the test builds the same
ones. Singular values come from numpy.linalg.svd of the features themselves.

    python3 scripts/golden/network_measures.py tests/data/golden_network_measures.json
"""
import json
import sys

import numpy as np

TAU, DELTA = 0.025, 0.01


def array(count, k, zeros=0):
    """Multiples of 1/64 in [-50, 50]/64; every `zeros`-th is 0."""
    i = np.arange(count)
    x = ((i * 37 + k * 61 + (i * i) % 17) % 101 - 50) / 64
    return np.where(i % zeros == 0, 0.0, x) if zeros else x


def dormant(h):
    """h (B,U) or (B,U,H,W)."""
    activity = np.abs(h).mean(axis=(0, *range(2, h.ndim)))
    return float((activity / activity.mean() <= TAU).mean())


def srank(f):
    values = np.linalg.svd(f, compute_uv=False)
    return int(np.searchsorted(np.cumsum(values) / values.sum(), 1 - DELTA) + 1)


def layer(shape, k):
    """Units 1, 4, 7, .. all but silent, unit 2 silent."""
    h = array(int(np.prod(shape)), k).reshape(shape)
    h[:, 1::3] /= 128
    h[:, 2] = 0
    return h


def features(rows, columns, rank, k):
    """A product of (rows,rank) and (rank,columns), exact in float32; each inner number weighs half the one before."""
    left, right = array(rows * rank, k).reshape(rows, rank), array(rank * columns, k + 1).reshape(rank, columns)
    return left / 2.0 ** np.minimum(np.arange(rank), 6) @ right


def main():
    a, b = array(40, 1), array(40, 2)
    q = array(60, 3).reshape(20, 3)
    after = q + array(60, 13).reshape(20, 3)
    weights = np.abs(array(32, 5)) + 1 / 64
    errors = np.sort(np.abs(array(37, 6)))
    ranks = {f"{r}x{c} of rank {k}": {"rows": r, "columns": c, "inner": k, "srank": srank(features(r, c, k, 9))}
             for r, c, k in [(32, 8, 8), (32, 8, 3), (8, 32, 8), (8, 32, 2), (24, 24, 24), (24, 24, 1)]}
    golden = {
        "made_by": f"scripts/golden/network_measures.py, NumPy {np.__version__}",
        "norm": float(np.linalg.norm(a)),
        "distance": float(np.linalg.norm(a - b)),
        "mean_distance": float(np.abs(a - b).mean()),
        "quantiles": {"p10": float(np.quantile(errors, 0.1, method="lower")),
                      "p50": float(np.quantile(errors, 0.5, method="lower")),
                      "p90": float(np.quantile(errors, 0.9, method="lower")), "max": float(errors.max())},
        "churn": float((q.argmax(axis=1) != after.argmax(axis=1)).mean()),
        "sample_size": float(weights.sum() ** 2 / (weights**2).sum()),
        "dead": float((np.maximum(array(96, 7, 3).reshape(8, 12), 0) <= 0).all(axis=0).mean()),
        "dormant": {"dense": dormant(layer((8, 12), 7)), "conv": dormant(layer((4, 6, 3, 2), 8))},
        "srank": ranks,
    }
    with open(sys.argv[1], "w") as file:
        json.dump(golden, file, indent=1)
        file.write("\n")


main()
