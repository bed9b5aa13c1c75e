"""What a peer can be measured in several ways with: one that fails does not take the others with it."""

import math
import sys
import time


def attempts(variants, measure, budget=math.inf):
    """{variant: what measure(variant) gave}, {variant: why it gave nothing}. One that would not end within `budget`
    seconds of the start, if it took as long as the longest before it, is left out; the first never is."""
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
    """Ends the program when nothing was done."""
    if not done:
        sys.exit(f"{program}: " + "; ".join(f"{variant}: {why}" for variant, why in failed.items()))
