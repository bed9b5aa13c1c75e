"""Environments of Gymnasium, as the engine steps them: one call a vector step, through arrays that both sides see.

The engine calls begin(seed) once, then reset(e) for every environment; then step(), and reset(e) for each environment
whose episode ended. After an episode's end the row of `observations` is the real last one until reset(e).
"""

from __future__ import annotations

from typing import Any, Callable

import numpy as np
import numpy.typing as npt

import gymnasium
from gymnasium.spaces import Box, Discrete
from gymnasium.vector import AutoresetMode, VectorEnv

from ._arguments import flag, shown


def _refused(what: str, space: Any) -> ValueError:
    return ValueError(f"the {what} space is {space}: a Q-network needs "
                      + ("Discrete actions" if what == "action" else "Box or Discrete observations"))


def _number(reward: Any) -> float:
    try:
        return float(reward)
    except (TypeError, ValueError):
        raise ValueError(f"the reward is {shown(reward)}, no number") from None


def _five(result: Any) -> Any:
    """What step() returned, if it is five values."""
    if isinstance(result, (tuple, list)) and len(result) == 5:
        return result
    found = f"{len(result)} values" if isinstance(result, (tuple, list)) else shown(result)
    raise ValueError(f"step() returned {found}, must be 5: observation, reward, terminated, truncated, info")


def _two(result: Any) -> Any:
    """What reset() returned, if it is two values."""
    if isinstance(result, (tuple, list)) and len(result) == 2:
        return result
    raise ValueError(f"reset() returned {shown(result)}, must be 2 values: observation, info")


def _column(name: str, values: Any, count: int, dtype: Any) -> npt.NDArray[Any]:
    """A vector environment's rewards or flags (E)."""
    found = np.asarray(values)
    kinds = "biu" if dtype == np.bool_ else "biuf"
    if found.shape != (count,) or found.dtype.kind not in kinds:
        raise ValueError(f"{name} is {shown(values)}, must be {count} {'bools' if dtype == np.bool_ else 'numbers'}")
    if dtype == np.bool_ and found.dtype.kind != "b" and not np.isin(found, (0, 1)).all():
        raise ValueError(f"{name} is {shown(values)}, must be {count} bools")
    return found.astype(dtype)


class Observations:
    """How an observation becomes floats: a Box as it is, a Discrete as one-hot."""

    def __init__(self, space: Any):
        self.one_hot = isinstance(space, Discrete)
        if isinstance(space, Discrete):
            self.shape: tuple[int, ...] = (int(space.n),)
            self.start = int(space.start)
            self.own_shape: tuple[int, ...] = ()
            self.has_bytes = True
        elif isinstance(space, Box) and len(space.shape) <= 3 and space.dtype is not None and space.dtype.kind in "biuf":
            self.shape = tuple(int(extent) for extent in space.shape) or (1,)
            self.own_shape = space.shape
            self.has_bytes = space.dtype == np.uint8
        else:
            raise _refused("observation", space)
        self.size = int(np.prod(self.shape))

    def write(self, row: npt.NDArray[np.float32], observation: Any) -> None:
        """One observation to its row (I)."""
        values = np.asarray(observation)
        if values.dtype.kind not in "biuf":
            raise ValueError(f"an observation is {shown(observation)}, no numbers")
        if self.one_hot:
            row[:] = 0
            row[int(observation) - self.start] = 1
            return
        if values.shape != self.own_shape:
            raise ValueError(f"an observation has shape {values.shape}, the space says {self.own_shape}")
        row[:] = values.reshape(-1)

    def write_all(self, rows: npt.NDArray[np.float32], observations: Any) -> None:
        """Those of all environments (E, ...) to rows (E,I)."""
        if self.one_hot:
            for row, observation in zip(rows, observations, strict=True):
                self.write(row, observation)
            return
        values = np.asarray(observations)
        if values.dtype.kind not in "biuf":
            raise ValueError(f"observations are {shown(observations)}, no numbers")
        if values.shape != (len(rows), *self.own_shape):
            raise ValueError(f"observations have shape {values.shape}, must have {(len(rows), *self.own_shape)}")
        rows[:] = values.reshape(len(rows), -1)

    def batch(self, observation: Any) -> tuple[npt.NDArray[np.float32], bool]:
        """(n, I) of one observation or of n; whether it was one."""
        values = np.asarray(observation)
        single = values.ndim == len(self.own_shape)
        if values.shape[values.ndim - len(self.own_shape):] != self.own_shape or values.ndim > len(self.own_shape) + 1:
            raise ValueError(f"an observation has shape {values.shape}, must have {self.own_shape}, or one more dimension")
        many = values[None] if single else values
        rows = np.zeros((len(many), self.size), np.float32)
        self.write_all(rows, many)
        return rows, single


class Bridge:
    """What all kinds of environments have in common. C++ reads the attributes once and the arrays at every step."""

    def __init__(self, env: Any, num_envs: int, observation_space: Any, action_space: Any):
        if not isinstance(action_space, Discrete):
            raise _refused("action", action_space)
        self.seen = Observations(observation_space)
        self.first_action = int(action_space.start)
        self.num_actions = int(action_space.n)
        self.num_envs = num_envs
        self.shape = list(self.seen.shape)
        self.has_bytes = self.seen.has_bytes
        self.can_evaluate = False
        spec = env.spec
        self.id = spec.id if spec is not None else type(env.unwrapped).__name__
        threshold = spec.reward_threshold if spec is not None else None
        self.reward_threshold = float("nan") if threshold is None else float(threshold)
        self.observations = np.zeros((num_envs, self.seen.size), np.float32)
        self.rewards = np.zeros(num_envs, np.float64)
        self.terminated = np.zeros(num_envs, np.bool_)
        self.truncated = np.zeros(num_envs, np.bool_)
        self.began = np.zeros(num_envs, np.bool_)  # the step began an episode instead
        self.actions = np.zeros(num_envs, np.int32)
        self.seed = 0

    def begin(self, seed: int) -> None:
        """Before the first reset."""
        self.seed = seed % 2**31

    def new_env(self) -> Bridge:
        """Another environment, for evaluation. Called only where can_evaluate says so."""
        raise NotImplementedError


class EnvBridge(Bridge):
    """Single environments, one after the other. The first reset of environment e has the seed seed + e."""

    def __init__(self, envs: list[Any], make: Callable[[], Any] | None = None):
        super().__init__(envs[0], len(envs), envs[0].observation_space, envs[0].action_space)
        for e, env in enumerate(envs):
            spaces, first = (env.observation_space, env.action_space), (envs[0].observation_space, envs[0].action_space)
            if spaces != first:
                raise ValueError(f"environment {e} has the spaces {spaces}, the first has {first}")
        self.envs = envs
        self.make = make
        self.can_evaluate = make is not None
        self.seeds: list[int | None] = [None] * len(envs)

    def begin(self, seed: int) -> None:
        super().begin(seed)
        self.seeds = [self.seed + e for e in range(self.num_envs)]

    def reset(self, e: int) -> None:
        observation, _info = _two(self.envs[e].reset(seed=self.seeds[e]))
        self.seeds[e] = None
        self.seen.write(self.observations[e], observation)

    def step(self) -> None:
        for e, env in enumerate(self.envs):
            observation, reward, terminated, truncated, _info = _five(env.step(self.first_action + int(self.actions[e])))
            self.seen.write(self.observations[e], observation)
            self.rewards[e] = _number(reward)
            self.terminated[e], self.truncated[e] = flag("terminated", terminated), flag("truncated", truncated)

    def step_one(self, action: int) -> tuple[float, bool, bool]:
        self.actions[0] = action
        self.step()
        return float(self.rewards[0]), bool(self.terminated[0]), bool(self.truncated[0])

    def new_env(self) -> Bridge:
        assert self.make is not None
        return EnvBridge([self.make()])


class VectorBridge(Bridge):
    """A vector environment, in each of its ways to reset environments whose episodes ended."""

    def __init__(self, envs: VectorEnv[Any, Any, Any]):
        super().__init__(envs, envs.num_envs, envs.single_observation_space, envs.single_action_space)
        self.envs = envs
        self.mode = AutoresetMode(envs.metadata.get("autoreset_mode", AutoresetMode.NEXT_STEP))
        self.is_first = True  # until the first step all environments show the first observations of their episodes
        self.waiting = np.zeros(self.num_envs, np.bool_)  # NEXT_STEP: the next step begins an episode
        self.next_observations = np.zeros_like(self.observations)  # SAME_STEP: what the next episodes begin with
        self.over = np.zeros(self.num_envs, np.bool_)

    def begin(self, seed: int) -> None:
        super().begin(seed)
        observations, _infos = _two(self.envs.reset(seed=self.seed))
        self.seen.write_all(self.observations, observations)
        self.is_first = True
        self.over[:] = False

    def reset(self, e: int) -> None:
        if self.is_first:
            return
        if self.mode is not AutoresetMode.DISABLED and not self.over[e]:
            raise RuntimeError(f"{self.id} resets its environments itself: environment {e} cannot be reset within an episode")
        self.over[e] = False
        if self.mode is AutoresetMode.SAME_STEP:
            self.observations[e] = self.next_observations[e]
        elif self.mode is AutoresetMode.NEXT_STEP:
            self.waiting[e] = True  # what it shows is replaced when the next step begins its episode
        else:
            mask = np.zeros(self.num_envs, np.bool_)
            mask[e] = True
            observations, _infos = self.envs.reset(options={"reset_mask": mask})
            row = np.zeros_like(self.observations)
            self.seen.write_all(row, observations)
            self.observations[e] = row[e]

    def step(self) -> None:
        self.is_first = False
        observations, rewards, terminated, truncated, infos = _five(
            self.envs.step(self.first_action + self.actions.astype(np.int64)))
        self.seen.write_all(self.observations, observations)
        self.rewards[:] = _column("reward", rewards, self.num_envs, np.float64)
        self.terminated[:] = _column("terminated", terminated, self.num_envs, np.bool_)
        self.truncated[:] = _column("truncated", truncated, self.num_envs, np.bool_)
        self.began[:] = self.waiting
        self.waiting[:] = False
        np.logical_or(self.terminated, self.truncated, out=self.over)
        if self.mode is not AutoresetMode.SAME_STEP or not self.over.any():
            return
        final = infos.get("final_obs", infos.get("final_observation"))
        if final is None:
            raise ValueError(f'{self.id} says SAME_STEP, but its infos have no "final_obs" at an episode\'s end')
        self.next_observations[:] = self.observations
        for e in np.flatnonzero(self.over):
            self.seen.write(self.observations[e], final[e])


def bridge_of(env: Any, num_envs: int) -> Bridge:
    """Of a gymnasium.Env, a gymnasium.vector.VectorEnv, or a function that makes Envs."""
    if isinstance(env, VectorEnv):
        return VectorBridge(env)
    if isinstance(env, gymnasium.Env):
        return EnvBridge([env])
    envs = [env() for _ in range(num_envs)]
    for made in envs:
        if not isinstance(made, gymnasium.Env):
            raise TypeError(f"the function made {type(made).__name__}, not a gymnasium.Env")
    return EnvBridge(envs, env)
