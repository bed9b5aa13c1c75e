"""A training of Gymnasium's CartPole through the bridge, beside what the environment alone allows.

    python bench/process_envs/training.py --bellman build/release/bin/bellman [--rounds 5] [TRAIN_ARGUMENT...]

Every round trains once for each number of environments, and steps as many of them in this process with random actions, nothing else.
Steps a second, medians over the rounds.
"""

from __future__ import annotations

import argparse
import re
import statistics
import subprocess
import sys
import tempfile
import time
from typing import Any

import gymnasium
import numpy as np

STEPS = 40_000


def alone(num_envs: int) -> float:
    envs: list[Any] = [gymnasium.make("CartPole-v1", disable_env_checker=True) for _ in range(num_envs)]
    for seed, env in enumerate(envs):
        env.reset(seed=seed)
    rows = np.random.default_rng(0).integers(0, 2, (STEPS // num_envs, num_envs)).tolist()
    start = time.perf_counter()
    for row in rows:
        for env, action in zip(envs, row):
            _seen, _reward, terminated, truncated, _info = env.step(action)
            if terminated or truncated:
                env.reset()
    return len(rows) * num_envs / (time.perf_counter() - start)


def trained(command: str, num_envs: int, more: list[str]) -> float:
    with tempfile.TemporaryDirectory() as folder:
        printed = subprocess.run(
            [command, "train", "--env-id", "gymnasium:CartPole-v1", "--python", sys.executable, "--num-envs", str(num_envs), "--run-dir", f"{folder}/run",
             "--total-timesteps", str(STEPS), "--eval-frequency", "0", "--final-eval-episodes", "1", "--no-report", "--env-workers", "1", *more],
            capture_output=True, text=True, check=True)
    found = re.search(r"\(([\d,]+) and", printed.stdout + printed.stderr)
    assert found, printed
    return float(found.group(1).replace(",", ""))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--bellman", required=True)
    parser.add_argument("--rounds", type=int, default=5)
    arguments, more = parser.parse_known_args()
    found: dict[int, list[tuple[float, float]]] = {1: [], 8: [], 64: []}
    for _ in range(arguments.rounds):
        for num_envs, pairs in found.items():
            pairs.append((trained(arguments.bellman, num_envs, more), alone(num_envs)))
    print(f"{'envs':>5} {'training':>22} {'environment alone':>22} {'share':>18}")
    for num_envs, pairs in found.items():
        columns = [[a for a, _ in pairs], [b for _, b in pairs]]
        texts = [f"{statistics.median(column):,.0f} ({min(column):,.0f}-{max(column):,.0f})" for column in columns]
        shares = [a / b for a, b in pairs]
        share = f"{statistics.median(shares):.2f} ({min(shares):.2f}-{max(shares):.2f})"
        print(f"{num_envs:>5} {texts[0]:>22} {texts[1]:>22} {share:>18}")


if __name__ == "__main__":
    main()
