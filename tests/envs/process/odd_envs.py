"""Environments for the tests of the command: one that tells what it was given, and some that misbehave."""

from __future__ import annotations

import fractions
import os
import signal
import time
from typing import Any

import gymnasium
import numpy as np


class Echo(gymnasium.Env[Any, Any]):
    """Observes its last seed (modulo 2^20), the steps of the episode and the last action; actions are 5 and 6. Terminated after
    `end` steps, truncated after `limit`. Rewards are float32, fractions and bools in turn, as the issue of step and action."""

    observation_space = gymnasium.spaces.Box(-1e7, 1e7, (3,), np.float64)
    action_space = gymnasium.spaces.Discrete(2, start=5)

    def __init__(self, end: int = 6, limit: int = 1000, how: str = "", at: int = 20) -> None:
        self.end, self.limit, self.how, self.at = end, limit, how, at
        self.seen = [0, 0, 0]

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        super().reset(seed=seed)
        assert seed is not None
        self.seen = [seed % 2**20, 0, 0]
        return np.array(self.seen, np.float64), {}

    def step(self, action: int) -> tuple[Any, Any, Any, Any, dict[str, Any]]:
        assert action in (5, 6), action
        self.seen[1] += 1
        self.seen[2] = action
        observation = np.array(self.seen, np.float64)
        reward: Any = (np.float32(0.5), fractions.Fraction(1, 4), True)[self.seen[1] % 3]
        if self.seen[1] >= self.at:
            if self.how == "raises":
                raise ValueError("the motor \x1b[31m\nis off")
            if self.how == "exits":
                os._exit(3)
            if self.how == "leaves":
                raise SystemExit(4)
            if self.how == "killed":
                os.kill(os.getpid(), signal.SIGKILL)
            if self.how == "hangs":
                time.sleep(1000)
            if self.how == "prints":
                print("hello from the environment")
            if self.how == "nan":
                observation[1] = np.nan
            if self.how == "shape":
                observation = np.zeros(4)
            if self.how == "old":
                return observation, reward, False, {}  # type: ignore[return-value]
            if self.how == "nothing":
                return None  # type: ignore[return-value]
            if self.how == "reward":
                reward = None
            if self.how == "ends":
                return observation, reward, None, False, {}  # type: ignore[return-value]
        return observation, reward, self.seen[1] >= self.end, self.seen[1] >= self.limit, {}


class Unsaved(Echo):
    """It cannot be pickled."""

    def __init__(self, **keywords: Any) -> None:
        super().__init__(**keywords)
        self.handle = open(os.devnull)  # noqa: SIM115


class OwnState(Unsaved):
    """It cannot be pickled either, but gives its state."""

    def get_state(self) -> list[int]:
        return list(self.seen)

    def set_state(self, state: list[int]) -> None:
        self.seen = list(state)


class Changing(Echo):
    """Each copy has one action more than the copy before."""

    made = 0

    def __init__(self, **keywords: Any) -> None:
        super().__init__(**keywords)
        Changing.made += 1
        self.action_space = gymnasium.spaces.Discrete(1 + Changing.made, start=5)


class Drawing(Echo):
    """It draws a column for each step of the episode, or what it should not."""

    metadata = {"render_modes": ["rgb_array"]}

    def __init__(self, render_mode: str | None = None, draws: str = "", **keywords: Any) -> None:
        super().__init__(**keywords)
        self.render_mode, self.draws = render_mode, draws

    def render(self) -> Any:
        if self.draws == "raises":
            raise gymnasium.error.DependencyNotInstalled("pygame is not installed")
        if self.draws == "noise":
            return np.random.default_rng(self.seen[1]).integers(0, 256, (600, 900, 3), np.uint8)
        picture = np.zeros((100, 150, 3), np.uint8)
        picture[:, : self.seen[1]] = (255, 128, 0)
        return picture if self.draws == "" else picture.astype(np.float32)


class BoxActions(Echo):
    action_space = gymnasium.spaces.Box(-1, 1, (2,))


class DictObservations(Echo):
    observation_space = gymnasium.spaces.Dict({"a": gymnasium.spaces.Discrete(2)})


class FourExtents(Echo):
    observation_space = gymnasium.spaces.Box(0, 1, (2, 2, 2, 2))


for name, kind in dict(Echo=Echo, Unsaved=Unsaved, OwnState=OwnState, Changing=Changing, Drawing=Drawing, BoxActions=BoxActions, DictObservations=DictObservations,
                       FourExtents=FourExtents).items():
    gymnasium.register(f"{name}-v0", entry_point=kind)
