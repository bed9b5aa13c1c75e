"""The built-in environments as Gymnasium's.

Their randomness is a function of (seed, environment, count of resets and steps). `reset(seed=s)` begins the random
stream that environment 0 of `bellman train --seed s` has; environment e of a vector has the stream of environment e.
Resets without a seed continue it. Without any seed one is drawn from the system's randomness.
"""

from __future__ import annotations

from typing import Any, Iterable, Sequence

import numpy as np
import numpy.typing as npt

from . import _bellman
from ._arguments import shown, whole
from ._settings import env_config

try:
    import gymnasium
    from gymnasium.envs.registration import EnvSpec
    from gymnasium.error import ClosedEnvironmentError
    from gymnasium.vector import AutoresetMode, VectorEnv
    from gymnasium.vector.utils import batch_space
except ImportError as missing:
    raise ImportError("bellman.make and bellman.make_vec need Gymnasium 1.1 or newer: "
                      "pip install 'bellman-dqn[gymnasium]'") from missing

Floats = npt.NDArray[np.float32]

PICTURE_WIDTH, PICTURE_HEIGHT = 600, 400  # pixels
TEXT_COLUMNS, TEXT_ROWS = 60, 20

RENDER_MODES = ["ansi", "rgb_array"]


def _check_render_mode(render_mode: str | None) -> None:
    if render_mode is not None and render_mode not in RENDER_MODES:
        raise ValueError(f'render_mode is "{render_mode}", must be None, "ansi" or "rgb_array"')


def _observation_space(spec: dict[str, Any]) -> Any:
    """Gridworlds show numbers from 0 to 1. The others do not say how large theirs become."""
    low, high = (0.0, 1.0) if spec["is_gridworld"] else (-np.inf, np.inf)
    return gymnasium.spaces.Box(low, high, spec["observation_shape"], np.float32)


def _fresh_seed() -> int:
    return int(np.random.SeedSequence().generate_state(1)[0])


def _require_open(is_closed: bool) -> None:
    if is_closed:
        raise ClosedEnvironmentError("the environment was closed: make another one")


def _render(env: _bellman.Env, render_mode: str) -> Any:
    if render_mode == "ansi":
        return env.text(TEXT_COLUMNS, TEXT_ROWS)
    return env.picture(PICTURE_WIDTH, PICTURE_HEIGHT)


class BuiltinEnv(gymnasium.Env[Floats, np.int64]):
    """A built-in environment. `action_names` says what its actions are."""

    metadata = {"render_modes": RENDER_MODES, "render_fps": 30}

    def __init__(self, env_id: str, render_mode: str | None = None, **options: Any):
        _check_render_mode(render_mode)
        self._env = _bellman.Env(env_config(env_id, options))
        self._seeded = self._closed = False
        spec = self._env.spec()
        self.render_mode = render_mode
        self.action_names: list[str] = spec["action_names"]
        self.observation_space = _observation_space(spec)
        self.action_space = gymnasium.spaces.Discrete(spec["num_actions"])
        self.spec = gymnasium_spec(env_id, spec, options, render_mode)

    def reset(self, *, seed: int | None = None,
              options: dict[str, Any] | None = None) -> tuple[Floats, dict[str, Any]]:
        """Starts an episode. options["state"] is the physical state to start in: CartPole's x, x', theta, theta'."""
        _require_open(self._closed)
        super().reset(seed=seed)
        if seed is not None or not self._seeded:
            self._env.seed(seed if seed is not None else _fresh_seed())
            self._seeded = True
        observation = self._env.reset()
        if options and "state" in options:
            self._env.set_physical_state([float(number) for number in options["state"]])
            observation = self._env.observation()
        return observation, {}

    def step(self, action: np.int64 | int) -> tuple[Floats, float, bool, bool, dict[str, Any]]:
        """One step. Raises ValueError for an action that is none, and without a running episode."""
        _require_open(self._closed)
        observation, reward, terminated, truncated = self._env.step(whole("action", action, -2**31, 2**31 - 1))
        return observation, reward, terminated, truncated, {}

    def render(self) -> Any:
        """A text ("ansi") or a picture (400, 600, 3) ("rgb_array") of the present state."""
        _require_open(self._closed)
        if self.render_mode is None:
            return None
        return _render(self._env, self.render_mode)

    def close(self) -> None:
        """No reset(), step() or render() after it; again does nothing."""
        self._closed = True

    def __reduce__(self) -> Any:
        raise TypeError("a built-in environment can be neither pickled nor copied: state() and set_state() save and restore it")

    def state(self) -> list[float]:
        """All that changes, as numbers: set_state(state()) continues to the same bits."""
        return self._env.state()

    def set_state(self, state: list[float]) -> None:
        """Continues from a state()."""
        self._env.set_state(state)


class BuiltinVectorEnv(VectorEnv[Floats, npt.NDArray[np.int64], npt.NDArray[Any]]):
    """Copies of a built-in environment that step together: one call into the engine a vector step.

    AutoresetMode.NEXT_STEP (the default), SAME_STEP and DISABLED are Gymnasium's. With SAME_STEP, infos["final_obs"]
    (E, ...) holds the last observations of the episodes that infos["_final_obs"] (E) marks.
    """

    def __init__(self, num_envs: int, *, env_id: str, render_mode: str | None = None,
                 autoreset_mode: AutoresetMode | str = AutoresetMode.NEXT_STEP, **options: Any):
        _check_render_mode(render_mode)
        num_envs = whole("num_envs", num_envs, 1, 2**24 - 1)
        try:
            self.autoreset_mode = AutoresetMode(autoreset_mode)
        except ValueError:
            known = ", ".join(f'"{mode.value}"' for mode in AutoresetMode)
            raise ValueError(f"autoreset_mode is {shown(autoreset_mode)}, must be one of {known}") from None
        config = env_config(env_id, options)
        order = [AutoresetMode.NEXT_STEP, AutoresetMode.SAME_STEP, AutoresetMode.DISABLED]
        self._envs = _bellman.EnvBatch(config, num_envs, order.index(self.autoreset_mode))
        self._painter = _bellman.Env(config)
        self._seeded = False
        spec = self._envs.spec()
        self.num_envs = num_envs
        self.render_mode = render_mode
        self.metadata = {"render_modes": RENDER_MODES, "render_fps": 30, "autoreset_mode": self.autoreset_mode}
        self.action_names: list[str] = spec["action_names"]
        self.single_observation_space = _observation_space(spec)
        self._num_actions = int(spec["num_actions"])
        self.single_action_space = gymnasium.spaces.Discrete(self._num_actions)
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self.spec = gymnasium_spec(env_id, spec, options, render_mode)
        self._shape = (num_envs, *spec["observation_shape"])
        self._observations = np.zeros(self._shape, np.float32)
        self._no_observations = np.zeros(0, np.float32)

    def reset(self, *, seed: int | Sequence[int | None] | None = None,  # type: ignore[override]
              options: dict[str, Any] | None = None) -> tuple[Floats, dict[str, Any]]:
        """Resets all environments, or those that options["reset_mask"] (E) marks.

        `seed` is one for all, or a sequence with one for each: environment e then plays as BuiltinEnv does with seed[e], and one
        whose seed is None draws one.
        """
        _require_open(self.closed)
        mask = np.ones(self.num_envs, np.bool_)
        if options and "reset_mask" in options:
            mask = np.asarray(options["reset_mask"])
            if mask.shape != (self.num_envs,) or mask.dtype != np.bool_:
                raise ValueError(f'options["reset_mask"] has shape {mask.shape} and type {mask.dtype}, '
                                 f"must be ({self.num_envs},) of bool")
            if not mask.any():
                raise ValueError('options["reset_mask"] marks no environment')
            if not self._seeded and not mask.all():
                raise ValueError('options["reset_mask"] leaves environments out, but none was reset before')
        self._begin_streams(seed, mask)
        self._observations = self._observations.copy()
        self._envs.reset(self._observations, mask)
        return self._observations.copy(), {}

    def _begin_streams(self, seed: Any, mask: npt.NDArray[np.bool_]) -> None:
        """Of the environments that are reset."""
        is_one = seed is None or isinstance(seed, (int, np.integer))
        super().reset(seed=None if seed is None or not is_one else whole("seed", seed, 0))
        if seed is None and self._seeded:
            return
        if seed is None:
            seed = _fresh_seed()
        if is_one and (mask.all() or not self._seeded):
            self._envs.seed(int(seed))
        else:
            seeds = [seed] * self.num_envs if is_one else seed
            if isinstance(seeds, (str, bytes)) or not isinstance(seeds, Iterable):
                raise TypeError(f"seed is {shown(seed)}, must be a whole number or a sequence of them")
            seeds = [_fresh_seed() if one is None else whole(f"seed[{e}]", one, 0) for e, one in enumerate(seeds)]
            if len(seeds) != self.num_envs:
                raise ValueError(f"seed has {len(seeds)} numbers for {self.num_envs} environments, must have as many")
            self._envs.seed_each(seeds, range(self.num_envs) if is_one else [0] * self.num_envs, mask)
        self._seeded = True

    def __reduce__(self) -> Any:
        raise TypeError("a vector of built-in environments can be neither pickled nor copied")

    def step(self, actions: npt.NDArray[Any]) -> tuple[
            Floats, npt.NDArray[np.float64], npt.NDArray[np.bool_], npt.NDArray[np.bool_], dict[str, Any]]:
        """One step of all environments. The arrays belong to the caller."""
        _require_open(self.closed)
        actions = np.asarray(actions)
        if actions.shape != (self.num_envs,) or actions.dtype.kind not in "iu":
            raise ValueError(f"actions have shape {actions.shape} and type {actions.dtype}, "
                             f"must be {self.num_envs} whole numbers")
        narrow = actions.astype(np.int32)
        if not np.array_equal(narrow, actions):
            raise ValueError(f"actions are {actions}, must be from 0 to {self._num_actions - 1}")
        observations = np.empty(self._shape, np.float32)
        rewards = np.empty(self.num_envs, np.float64)
        terminated = np.empty(self.num_envs, np.bool_)
        truncated = np.empty(self.num_envs, np.bool_)
        same_step = self.autoreset_mode is AutoresetMode.SAME_STEP
        final = np.zeros(self._shape, np.float32) if same_step else self._no_observations
        ended = self._envs.step(narrow, observations, rewards, terminated, truncated, final)
        infos: dict[str, Any] = {}
        if same_step and ended:
            over = terminated | truncated
            infos = {"final_obs": final, "_final_obs": over, "final_info": {}, "_final_info": over}
        self._observations = observations
        return observations, rewards, terminated, truncated, infos

    def render(self) -> tuple[Any, ...] | None:
        """A picture of every environment, as BuiltinEnv.render."""
        _require_open(self.closed)
        if self.render_mode is None:
            return None
        pictures = []
        for e in range(self.num_envs):
            self._painter.set_state(self._envs.state(e))
            pictures.append(_render(self._painter, self.render_mode))
        return tuple(pictures)


def gymnasium_spec(env_id: str, spec: dict[str, Any], options: dict[str, Any], render_mode: str | None) -> EnvSpec:
    """The environment as Gymnasium registers it."""
    threshold = spec["reward_threshold"]
    kwargs = {"env_id": env_id, **options}
    if render_mode is not None:
        kwargs["render_mode"] = render_mode
    return EnvSpec(id=f"bellman/{env_id}", entry_point="bellman.envs:BuiltinEnv",
                   vector_entry_point="bellman.envs:BuiltinVectorEnv", kwargs=kwargs,
                   reward_threshold=None if np.isnan(threshold) else threshold)


def register_envs() -> None:
    """Registers all built-in environments with Gymnasium; again does nothing."""
    for env_id, _summary in _bellman.env_entries():
        if f"bellman/{env_id}" not in gymnasium.registry:
            gymnasium.registry[f"bellman/{env_id}"] = gymnasium_spec(
                env_id, _bellman.Env(env_config(env_id, {})).spec(), {}, None)
