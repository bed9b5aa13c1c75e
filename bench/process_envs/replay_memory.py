"""The resident memory of a run whose replay is full of a million frames of 84x84.

    python bench/process_envs/replay_memory.py --bellman build/release/bin/bellman [TRAIN_ARGUMENT...]

An environment that does nothing but show random frames takes the game's place: what fills the replay is the same, in minutes. The
settings are the preset `nature-atari`'s, actions random, and gradient steps begin when all but a hundredth of the replay is full.
"""

from __future__ import annotations

import argparse
import os
import pathlib
import subprocess
import sys
import tempfile

FRAMES = 1_000_000
NATURE = ["--frame-stack", "4", "--observation-scale", "0.00392156862745098", "--reward-clip", "1", "--optimizer", "rmsprop", "--batch-size", "32",
          "--network", "conv 32 8x8 stride 4, relu, conv 64 4x4 stride 2, relu, conv 64 3x3, relu, flatten, dense 512, relu"]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--bellman", required=True)
    arguments, more = parser.parse_known_args()
    with tempfile.TemporaryDirectory() as folder:
        run = subprocess.Popen(
            [os.path.abspath(arguments.bellman), "train", "--env-id", "gymnasium:idle_envs:Frames-v0", "--python", sys.executable, "--run-dir", f"{folder}/run",
             "--num-envs", "8", "--env-workers", "1", *NATURE, "--buffer-size", str(FRAMES), "--total-timesteps", str(FRAMES + 4_000), "--start-e", "1",
             "--end-e", "1", "--learning-starts", str(FRAMES * 99 // 100), "--train-frequency", "100", "--eval-frequency", "0", "--final-eval-episodes", "1",
             "--no-report", *more],
            cwd=pathlib.Path(__file__).parent, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
        assert run.stderr is not None
        printed = run.stderr.read()
        _, status, used = os.wait4(run.pid, 0)
        assert status == 0, printed
        print(f"{used.ru_maxrss * 1024 / 1e9:.2f} GB resident at most")


if __name__ == "__main__":
    main()
