"""Breakout is learnt: a part of `scripts/test.sh --long`, four minutes of processor time.

    python tests/envs/process/atari_learning.py --bellman build/release/bin/bellman [--seed 1]

A small network sees pictures of 42x42 for 80,000 steps (320,000 frames). At an epsilon of 0.05, as Mnih et al. 2015 evaluate, it must then
return at least twice as much a game as the random policy that filled the replay before it learnt, and at least 3. Without
BELLMAN_LONG_TESTS this is skipped.
"""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile

SKIPPED = 77
LEARNING_STARTS, LIVES = 4000, 5
SETTINGS = ["--env-id", "gymnasium:ALE/Breakout-v5", "--atari", "--screen-size", "42", "--terminal-on-life-loss", "--env-kwargs", "repeat_action_probability=0",
            "--network", "conv 16 6x6 stride 3, relu, conv 32 3x3 stride 2, relu, flatten, dense 128, relu", "--num-envs", "16", "--env-workers", "1",
            "--total-timesteps", "80000", "--learning-starts", str(LEARNING_STARTS), "--buffer-size", "200000", "--exploration-fraction", "0.25",
            "--end-e", "0.02", "--learning-rate", "5e-4", "--double", "--n-step", "3", "--loss", "huber", "--target-network-frequency", "1000",
            "--eval-frequency", "0", "--eval-epsilon", "0.05", "--final-eval-episodes", "30", "--checkpoint-seconds", "0", "--no-report", "--quiet", "--json"]


def random_return(monitor: pathlib.Path) -> float:
    """Of a game: the mean of the lives before the first gradient step, when epsilon was near 1, times five."""
    steps, returns = 0, []
    for row in monitor.read_text().splitlines()[2:]:
        reward, length = row.split(",")[:2]
        steps += int(length)
        if steps > LEARNING_STARTS:
            break
        returns.append(float(reward))
    return LIVES * sum(returns) / len(returns)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--bellman", required=True)
    parser.add_argument("--seed", default="1")
    options = parser.parse_args()
    if "BELLMAN_LONG_TESTS" not in os.environ:
        print("SKIPPED: BELLMAN_LONG_TESTS is not set")
        sys.exit(SKIPPED)
    with tempfile.TemporaryDirectory() as folder:
        run = pathlib.Path(folder, "run")
        done = subprocess.run([options.bellman, "train", "--python", sys.executable, "--seed", options.seed, "--run-dir", str(run), *SETTINGS],
                              stdout=subprocess.PIPE, text=True, check=True)
        result, random = json.loads(done.stdout), random_return(run / "monitor.csv")
    learnt = result["eval"]["mean"]
    print(f"{learnt:.2f} a game over {result['eval']['episodes']} games; random: {random:.2f}")
    if not (learnt >= max(3, 2 * random)):
        sys.exit("Breakout was not learnt")


if __name__ == "__main__":
    main()
