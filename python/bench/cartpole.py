"""How fast Python steps CartPole: bellman.make_vec against Gymnasium's two vector environments, in turn.

    python python/bench/cartpole.py [--num-envs 1024] [--rounds 7]

Every round steps each of them with the same random actions; the medians over the rounds are printed, and first that all
three play by the same rules.
"""

from __future__ import annotations

import argparse
import statistics
import time
from typing import Any

import gymnasium
import numpy as np

import bellman


def check(num_envs: int) -> None:
    """From one state, one step of each leads to the same observation."""
    single, ours = gymnasium.make("CartPole-v1").unwrapped, bellman.make("CartPole-v1")
    for seed in range(min(num_envs, 20)):
        single.reset(seed=seed)
        ours.reset(seed=0, options={"state": list(single.get_wrapper_attr("state"))})
        np.testing.assert_allclose(ours.step(seed % 2)[0], single.step(seed % 2)[0], rtol=1e-6, atol=1e-6)


def seconds_a_step(envs: Any, actions: Any) -> float:
    start = time.perf_counter()
    for action in actions:
        envs.step(action)
    return (time.perf_counter() - start) / len(actions)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--num-envs", type=int, default=1024)
    parser.add_argument("--rounds", type=int, default=7)
    arguments = parser.parse_args()
    num_envs = arguments.num_envs
    check(num_envs)
    players = {
        "bellman.make_vec": (bellman.make_vec("CartPole-v1", num_envs), 400),
        "bellman.make_vec, same step": (bellman.make_vec("CartPole-v1", num_envs, autoreset_mode="SameStep"), 400),
        "Gymnasium, vectorised in NumPy": (
            gymnasium.make_vec("CartPole-v1", num_envs=num_envs, vectorization_mode="vector_entry_point"), 100),
        "Gymnasium, SyncVectorEnv": (
            gymnasium.make_vec("CartPole-v1", num_envs=num_envs, vectorization_mode="sync"), 10),
    }
    random = np.random.default_rng(0)
    actions = random.integers(0, 2, (400, num_envs))
    times: dict[str, list[float]] = {name: [] for name in players}
    for _ in range(arguments.rounds):
        for name, (envs, steps) in players.items():
            envs.reset(seed=1)
            times[name].append(seconds_a_step(envs, actions[:steps]))
    first = statistics.median(times["bellman.make_vec"])
    print(f"{num_envs} CartPoles, one vector step, median of {arguments.rounds} rounds")
    for name, found in times.items():
        median = statistics.median(found)
        print(f"{name:32} {1e6 * median:10.1f} us   {num_envs / median / 1e6:8.2f} M steps/s   {median / first:7.1f} x")


if __name__ == "__main__":
    main()
