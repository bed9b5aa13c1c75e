"""Medians, spreads, and whether two sets of measurements differ. Python's standard library alone.

The test is Mann and Whitney's (1947): it asks nothing of the distribution, which for timings is skewed. Its p is
exact: the share of all ways to deal the pooled ranks out to the two sets that lie at least as far from the middle.
"""

import math
import random
import statistics

ALPHA = 0.01          # a difference by chance alone is called one in at most one of 100 rows
LEAST_CHANGE = 0.03   # a smaller change of the median is "same", however certain
FEWEST = 5            # with 5 against 5 the least possible p is 2 / 252 = 0.008; with 4 no p is below ALPHA


def quartiles(samples):
    """(first quartile, median, third quartile), linear between neighbours."""
    if len(samples) == 1:
        return samples[0], samples[0], samples[0]
    first, _, third = statistics.quantiles(samples, n=4, method="inclusive")
    return first, statistics.median(samples), third


def spread(samples):
    """Half the distance of the quartiles, relative to the median."""
    first, middle, third = quartiles(samples)
    return (third - first) / 2 / abs(middle) if middle else 0.0


def doubled_ranks(pooled):
    """Twice the rank of each value, from 2; equal values share the mean of theirs, so these are whole numbers."""
    order = sorted(range(len(pooled)), key=pooled.__getitem__)
    ranks, at = [0] * len(pooled), 0
    while at < len(order):
        end = at
        while end < len(order) and pooled[order[end]] == pooled[order[at]]:
            end += 1
        for i in order[at:end]:
            ranks[i] = at + end + 1
        at = end
    return ranks


def rank_sum_counts(ranks, size):
    """{sum: number of subsets of `size` of the ranks that have this sum}."""
    counts = [{} for _ in range(size + 1)]
    counts[0][0] = 1
    for rank in ranks:
        for k in range(size, 0, -1):  # from above: each rank is taken once
            for total, ways in counts[k - 1].items():
                counts[k][total + rank] = counts[k].get(total + rank, 0) + ways
    return counts[size]


def rank_sum_p(a, b):
    """Mann and Whitney's two-sided p for two lists of numbers."""
    if any(math.isnan(x) for x in (*a, *b)):
        raise ValueError("a measurement is not a number")
    ranks = doubled_ranks([*a, *b])
    counts = rank_sum_counts(ranks, len(a))
    middle = len(a) * (len(ranks) + 1)  # of the doubled sums
    observed = abs(sum(ranks[:len(a)]) - middle)
    extreme = sum(ways for total, ways in counts.items() if abs(total - middle) >= observed)
    return extreme / math.comb(len(ranks), len(a))


def ratio_interval(new, old, confidence=0.95, resamples=2000, seed=1):
    """The interval of median(new) / median(old), by the bootstrap (Efron 1979, percentiles); the same at every call."""
    draw = random.Random(seed)
    ratios = sorted(statistics.median(draw.choices(new, k=len(new))) / statistics.median(draw.choices(old, k=len(old)))
                    for _ in range(resamples))
    tail = (1 - confidence) / 2
    return ratios[int(tail * resamples)], ratios[min(resamples - 1, math.ceil((1 - tail) * resamples) - 1)]


def verdict(old, new, lower_is_better=True):
    """The verdict on a row: {"verdict": faster, slower or same, "change": of the median, "p", "interval"}."""
    change = statistics.median(new) / statistics.median(old) - 1
    low, high = ratio_interval(new, old)
    p = rank_sum_p(new, old)
    word = "same"
    if p < ALPHA and abs(change) >= LEAST_CHANGE:
        word = "faster" if (change < 0) == lower_is_better else "slower"
    return {"verdict": word, "change": change, "p": p, "interval": [low - 1, high - 1]}
