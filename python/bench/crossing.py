"""What a vector step of an environment in another process takes, without other processes beside it.

    PYTHONPATH=bench/process_envs python python/bench/crossing.py [--env-id gymnasium:idle_envs:Idle-v0] [--num-envs 1] [--env-workers 1]

Prints the microseconds of each of eight rounds, and their median. bench/process_envs/process_envs_bench.cpp compares with
Gymnasium's vectors.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time

import numpy as np

from bellman import _bellman
from bellman._settings import resolve

STEPS = 20_000  # of single environments in a round


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--env-id", default="gymnasium:idle_envs:Idle-v0")
    parser.add_argument("--num-envs", type=int, default=1)
    parser.add_argument("--env-workers", type=int, default=1)
    arguments = parser.parse_args()
    n = arguments.num_envs
    settings = {"env_id": arguments.env_id, "python": sys.executable, "env_workers": arguments.env_workers}
    envs = _bellman.EnvBatch(resolve(settings, "none"), n, 0)
    observations = np.zeros((n, *envs.spec()["observation_shape"]), np.float32)
    envs.reset(observations, np.ones(n, np.bool_))
    actions, rewards, terminated, truncated = np.zeros(n, np.int32), np.zeros(n), np.zeros(n, np.bool_), np.zeros(n, np.bool_)
    rounds = []
    for _ in range(8):
        start = time.perf_counter()
        for _ in range(STEPS // n):
            envs.step(actions, observations, rewards, terminated, truncated, observations)
        rounds.append(1e6 * (time.perf_counter() - start) / (STEPS // n))
    print(*(f"{took:.1f}" for took in rounds), f"median {statistics.median(rounds):.1f} us")


if __name__ == "__main__":
    main()
