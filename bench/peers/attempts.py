"""Measures several variants of a peer; one that fails does not stop the others."""

import math
import sys
import time


def attempts(variants, measure, budget=math.inf):
    """{variant: result of measure(variant)}, {variant: why it has none}. A variant is skipped if, at the time of the
    longest one so far, it would end after `budget` seconds from the start; the first is never skipped."""
    done, failed, longest, start = {}, {}, -math.inf, time.monotonic()
    for variant in variants:
        begin = time.monotonic()
        if begin - start + longest > budget:
            failed[variant] = f"not tried: no time left of {budget:g} s"
            continue
        try:
            done[variant] = measure(variant)
        except Exception as error:  # of many kinds: no Triton, no compiler, no memory, a graph that cannot be captured
            lines = str(error).strip().splitlines()
            failed[variant] = f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
        longest = max(longest, time.monotonic() - begin)
    return done, failed


def stop_without(done, failed, program):
    """Ends the program if no variant succeeded."""
    if not done:
        sys.exit(f"{program}: " + "; ".join(f"{variant}: {why}" for variant, why in failed.items()))
