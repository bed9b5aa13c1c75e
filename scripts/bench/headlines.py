"""The few rows that answer "how fast is DQN on this machine?", found by name among all rows.

What a bench does not offer (yet, or here) is said to be missing: the list knows what is wanted, not what there is.
"""

import re
import statistics

import figures
from records import median

SEEDS = 20  # of the row of whole trainings

# title; program and name (or label) of our rows (the fastest counts); the name of a peer's row.
WANTED = [
    ("Learn step 4-64-64-2, batch 64, sampling through Adam",
     {"name": r"^sampled_step/4-64-64-2/[^/]+$"}, "sampled_step/4-64-64-2"),
    ("Learn step 8-256-256-4, batch 128, sampling through Adam",
     {"name": r"^sampled_step/8-256-256-4/[^/]+$"}, "sampled_step/8-256-256-4"),
    ("Gradient step of Nature-DQN, batch 32",
     {"name": r"learn_step/", "label": r"^conv 32 8x8 .*batch 32"}, "learn_step/nature_dqn"),
    ("Whole loop: textbook DQN on CartPole-v1, every step learns",
     {"program": r"^bellman$", "name": r"^loop/textbook$"}, "loop/textbook"),
    ("Whole loop with Stable-Baselines3's loss and clipping",
     {"program": r"^bellman$", "name": r"^loop/sb3$"}, "loop/sb3"),
    ("Prioritised replay, 2^20 leaves: sample 64, update 64",
     {"name": r"^prioritized_sample_and_update/1048576$"}, None),
    ("CartPole-v1, 1024 environments side by side, one step of all",
     {"name": r"CartPole.*1024"}, None),
    (f"CartPole-v1, preset: start to solved, median of {SEEDS} seeds",
     {"name": rf"^solve/CartPole-v1/seeds:{SEEDS}$"}, None),
]
ONLY_WITH_PEER = {"loop/sb3"}  # ours is measured for the comparison alone
PEERS = ("PyTorch", "LibTorch", "JAX", "stable-baselines3")
CALLS = {"allocations": "allocations of memory", "locks": "locks (pthread_mutex_lock)", "system_calls": "system calls"}


def matches(row, wanted):
    return all(re.search(pattern, row[field]) for field, pattern in wanted.items())


def fastest(rows, wanted):
    found = [row for row in rows if row["program"] not in PEERS and matches(row, wanted)]
    if not found:
        return None
    best = min if found[0]["unit"] == "us" else max
    return best(found, key=median)


def times_as_fast(ours, peer):
    """(median, least, most) of the ratios over the rounds; in each round both ran one after the other."""
    pairs = zip(ours["samples"], peer["samples"])
    ratios = [b / a if ours["unit"] == "us" else a / b for a, b in pairs]
    return statistics.median(ratios), min(ratios), max(ratios)


def headlines(rows):
    """[{title, row: ours or None, peers: {program: (row, (median, least, most) times as fast)}}]."""
    result = []
    for title, wanted, peer_name in WANTED:
        ours = fastest(rows, wanted)
        if ours is None and peer_name in ONLY_WITH_PEER:
            continue
        peers = {}
        for row in rows:
            if ours and peer_name and row["program"] in PEERS and row["name"] == peer_name:
                peers[row["program"]] = (row, times_as_fast(ours, row))
        result.append({"title": title, "row": ours, "peers": peers, "compared": peer_name is not None})
    return result


def calls_per_step(rows):
    """Describes the calls of one step of the fastest learner in the first headline."""
    ours = fastest(rows, WANTED[0][1])
    counted = {name: median(ours, counter) if ours else None for counter, name in CALLS.items()}
    return ", ".join(f"{name} {'not counted' if calls is None else figures.digits(calls)}" for name, calls in counted.items())
