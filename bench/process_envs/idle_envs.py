"""An environment that does nothing: what a step of it takes is the way to it and back."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np


class Idle(gymnasium.Env[Any, Any]):
    """One observation, one reward, no end."""

    observation_space = gymnasium.spaces.Box(-1, 1, (4,), np.float32)
    action_space = gymnasium.spaces.Discrete(2)
    seen = np.array([0.5, -0.5, 0.25, -0.25], np.float32)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        return self.seen, {}

    def step(self, action: int) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        return self.seen, 1.0, False, False, {}


class Frames(Idle):
    """Random frames, as large as those of Atari's games; an episode has a thousand."""

    observation_space = gymnasium.spaces.Box(0, 255, (1, 84, 84), np.uint8)
    frames = np.random.default_rng(0).integers(0, 256, (64, 1, 84, 84), np.uint8)
    steps = 0

    def step(self, action: int) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        self.steps += 1
        return self.frames[self.steps % 64], 1.0, self.steps % 1000 == 0, False, {}

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        return self.frames[self.steps % 64], {}


gymnasium.register("Frames-v0", entry_point=Frames)
gymnasium.register("Idle-v0", entry_point=Idle)
