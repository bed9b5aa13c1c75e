"""Whether a peer computes the same: its losses on one batch beside ours."""

import math

# Relative, of ten Adam steps in float32 that sum in another order. Rounding, 1e-7, grows from step to step: Adam divides by
# the root of what may be a tiny square. Another formula shows in the first or the second loss, by 1e-2 and more.
LOSS_TOLERANCE = 1e-4


def largest(differences):
    """The maximum; NaN when one of them is NaN, or when there is none."""
    differences = list(differences)
    return next((d for d in differences if d != d), max(differences, default=math.nan))


def loss_difference(ours, theirs):
    """The largest relative difference of two lists of losses; NaN when they cannot be compared."""
    if len(ours) != len(theirs):
        return math.nan
    return largest(abs(a - b) / abs(b) for a, b in zip(ours, theirs))


def agree(difference):
    return difference <= LOSS_TOLERANCE  # false for NaN
