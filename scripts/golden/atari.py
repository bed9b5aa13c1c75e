#!/usr/bin/env python3
"""What gymnasium.wrappers.AtariPreprocessing shows of two games, for tests/envs/process/test_atari.py. Needs gymnasium, ale-py and
opencv-python-headless.

    python scripts/golden/atari.py

writes tests/data/golden_atari.npz: for each case the seed, the actions, and what reset() and step() returned until the episode
ended. Observations are differences from the one before, modulo 256, which take less space.
"""
import pathlib

import ale_py
import cv2
import gymnasium
import numpy as np

DATA = pathlib.Path(__file__).resolve().parents[2] / "tests" / "data"
# game, frame skip, screen size, whether a lost life ends an episode, steps at most
CASES = [("Pong", 4, 84, 0, 80), ("Breakout", 4, 84, 0, 80), ("Breakout", 4, 84, 1, 80), ("Pong", 3, 60, 0, 40), ("Breakout", 1, 84, 0, 40)]


def main():
    gymnasium.register_envs(ale_py)
    arrays = {"versions": np.array([f"ale_py {ale_py.__version__}", f"cv2 {cv2.__version__}", f"gymnasium {gymnasium.__version__}"])}
    for number, (game, skip, size, life, most) in enumerate(CASES):
        env = gymnasium.wrappers.AtariPreprocessing(
            gymnasium.make(f"ALE/{game}-v5", frameskip=1, repeat_action_probability=0.0), frame_skip=skip, screen_size=size, terminal_on_life_loss=bool(life)
        )
        seed = 100 + number
        actions = np.random.default_rng(seed).integers(env.action_space.n, size=most)
        seen, _ = env.reset(seed=seed)
        observations, results = [seen], []
        for action in actions:
            seen, reward, terminated, truncated, _ = env.step(int(action))
            results.append([reward, terminated, truncated])
            if terminated or truncated:
                break  # what is shown now is not what is held against ours
            observations.append(seen)
        stack = np.stack(observations)
        arrays[f"{number}.case"] = np.array([game, skip, size, life, seed])
        arrays[f"{number}.actions"] = actions[: len(results)].astype(np.uint8)
        arrays[f"{number}.results"] = np.array(results, dtype=np.float64)
        arrays[f"{number}.observations"] = np.diff(stack, axis=0, prepend=np.zeros_like(stack[:1]))
    np.savez_compressed(DATA / "golden_atari.npz", **arrays)


if __name__ == "__main__":
    main()
