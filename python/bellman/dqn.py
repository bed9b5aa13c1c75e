"""DQN in the shape that users of Stable-Baselines3 know."""

from __future__ import annotations

import os
import signal
import sys
import threading
import warnings
from types import FrameType
from typing import TYPE_CHECKING, Any, Callable

import numpy as np
import numpy.typing as npt

from . import _bellman
from ._arguments import real, shown, whole
from ._settings import resolve

if TYPE_CHECKING:
    from ._bridge import Bridge

Row = dict[str, Any]
DEVICES = ("cpu", "auto", "reference")


class DQN:
    """A deep Q-learning agent: `DQN(env, **settings)`, `learn`, `predict`, `evaluate`, `save`, `load`.

    `env` is the id of a built-in environment; a gymnasium.Env; a gymnasium.vector.VectorEnv; or a function that makes
    Envs. Only a built-in environment and a function can be evaluated during training, because evaluations play
    environments of their own.

    Settings have the command's names (CleanRL's where it has one; Stable-Baselines3's are accepted): bellman.settings()
    lists them. `preset` is as the command's --preset: "auto" for a built-in environment, else "none". A built-in
    environment trains to the same bits as `bellman train` with the same settings and the same build.
    """

    def __init__(self, env: Any, *, preset: str | None = None, **settings: Any):
        self._given = dict(settings)
        self._bridge: Bridge | None = None
        self._env = env
        self._policy: _bellman.Policy | None = None
        self.result: Row | None = None
        if isinstance(env, str):
            self._preset = "auto" if preset is None else preset
            if "env_id" in settings:
                raise TypeError(f"env is {env!r}, and env_id is {settings['env_id']!r}: give one of them")
            self._given["env_id"] = env
            if env.startswith(("gymnasium:", "envpool:")):  # as this interpreter has the packages
                self._given.setdefault("python", sys.executable)
        else:
            self._preset = "none" if preset is None else preset
            self._adapt(env)
        self._config = resolve(self._given, self._preset)
        if self.settings["device"] not in DEVICES:
            raise ValueError(f'device is "{self.settings["device"]}", must be cpu, auto or reference: the Python package runs on '
                             "the CPU")
        self._random = np.random.default_rng(self.settings["seed"])

    def _adapt(self, env: Any) -> None:
        """Settings of an environment of Python's."""
        no_env = TypeError(f"env is {shown(env)}, must be an environment's id, a gymnasium.Env, a VectorEnv, or a function that "
                           "makes Envs")
        try:
            import gymnasium
        except ImportError:
            if not callable(env):  # without the package there is no environment of it
                raise no_env from None
            raise ImportError("an environment of Python's needs Gymnasium 1.1 or newer: pip install 'bellman-dqn[gymnasium]'"
                              ) from None

        from ._bridge import bridge_of

        is_vector, is_env = isinstance(env, gymnasium.vector.VectorEnv), isinstance(env, gymnasium.Env)
        if not (is_vector or is_env or callable(env)):
            raise no_env
        for row in _bellman.settings():
            for name in (row["name"], *row["aliases"]):
                if row["section"] == "Environment" and name in self._given:
                    raise TypeError(f'"{name}" is a setting of built-in environments; this one has its own')
        given = int(resolve(self._given, self._preset).values()["num_envs"])
        self._bridge = bridge_of(env, given)
        if is_vector or is_env:
            if given not in (1, self._bridge.num_envs):
                raise ValueError(f"num_envs is {given}, but the environment is {self._bridge.num_envs}")
            self._given.pop("n_envs", None)
            self._given["num_envs"] = self._bridge.num_envs
            if int(self._given.get("eval_frequency", 0)) != 0:
                raise ValueError("eval_frequency needs environments of its own: pass a function that makes them as env")
            self._given.update(eval_frequency=0, final_eval_episodes=1)

    @property
    def settings(self) -> Row:
        """Every setting of the run, by its name."""
        return self._config.values()

    @property
    def parameters(self) -> dict[str, npt.NDArray[np.float32]]:
        """A copy of each parameter of the network, named as torch.nn.Sequential names them."""
        return self._trained().parameters()

    @property
    def network(self) -> str:
        """The trained network's text, head included."""
        return self._trained().network

    def learn(self, total_timesteps: int | None = None, callback: Callable[[Row], Any] | None = None,
              progress_bar: bool = False) -> DQN:
        """Trains, and keeps the best evaluated network or, without evaluations, the last one.

        `callback` gets every row of progress.csv as a dictionary, every log_frequency steps; False ends the run.
        Ctrl-C ends it, too: the network so far is kept, and KeyboardInterrupt is raised. An exception in the
        environment or the callback is raised as it is; the agent is then what it was before. `result` says how the run
        went. A second call, or one after load(), goes on from the network's parameters, with a new replay, optimiser and
        schedule.
        """
        given = dict(self._given)
        if total_timesteps is not None:
            given.pop("n_timesteps", None)
            given["total_timesteps"] = total_timesteps
        config = resolve(given, self._preset)
        if self._policy is not None and self._policy.normalizes:
            raise ValueError("normalize_observation is true: the running statistics cannot be taken over, make a new DQN")
        run = _bellman.Learning(config, self._bridge, self._policy)
        if self._bridge is None:
            for note in run.notes():
                warnings.warn(note, stacklevel=2)
        bar = _ProgressBar() if progress_bar else None
        with _Interrupt(run) as interrupt:
            try:
                result = run.run(callback, bar)
            finally:
                if bar is not None:
                    bar.finish()
        self._config = config
        self._policy = run.policy()
        if self._bridge is not None and not self._bridge.can_evaluate:
            result["eval"] = None
        self.result = result
        if interrupt.raised:
            raise KeyboardInterrupt
        return self

    def predict(self, observation: Any, state: Any = None, episode_start: Any = None,
                deterministic: bool = True) -> tuple[Any, None]:
        """(action, None) for one observation, (actions, None) for a batch of them.

        Greedy; with deterministic=False a share `end_e` of the actions is random.
        """
        rows, single = self._rows(observation)
        actions = self._trained().q_values(rows).argmax(axis=1)
        if not deterministic:
            drawn = self._random.random(len(actions)) < self.settings["end_e"]
            actions = np.where(drawn, self._random.integers(self._trained().num_actions, size=len(actions)), actions)
        if self._bridge is not None:
            actions = actions + self._bridge.first_action
        return (actions[0] if single else actions), None

    def q_values(self, observation: Any) -> npt.NDArray[np.float32]:
        """The Q-value of each action: (A) for one observation, (n, A) for a batch."""
        rows, single = self._rows(observation)
        values = self._trained().q_values(rows)
        return values[0] if single else values

    def evaluate(self, episodes: int = 100, seed: int = 1, epsilon: float = 0.0, env: Any = None) -> Row:
        """Mean, standard deviation, minimum and maximum of the returns of whole episodes, and their mean length.

        A built-in environment plays them as `bellman eval --seed` does. Otherwise `env`, or the agent's own, plays them
        one after the other; the first has the seed.
        """
        episodes, seed = whole("episodes", episodes, 1, 2**31 - 1), whole("seed", seed, 0, 2**64 - 1)
        if not 0 <= real("epsilon", epsilon) <= 1:
            raise ValueError(f"epsilon is {epsilon}, must be from 0 to 1")
        if env is None and self._bridge is None:
            return self._trained().evaluate(self._config, episodes, seed, epsilon)
        import gymnasium

        player = env if env is not None else self._env
        player = player if isinstance(player, gymnasium.Env) or not callable(player) else player()
        if not isinstance(player, gymnasium.Env):
            raise TypeError(f"evaluate needs a gymnasium.Env, not {type(player).__name__}: pass one as env")
        random = np.random.default_rng(seed)
        returns, steps = [], 0
        for episode in range(episodes):
            observation, _info = player.reset(seed=seed if episode == 0 else None)
            total, over = 0.0, False
            while not over:
                action, _ = self.predict(observation)
                if epsilon > 0 and random.random() < epsilon:
                    action = player.action_space.sample()
                observation, reward, terminated, truncated, _info = player.step(action)
                total, over, steps = total + float(reward), terminated or truncated, steps + 1
            returns.append(total)
        return {"mean": float(np.mean(returns)), "std": float(np.std(returns, ddof=1)) if episodes > 1 else 0.0,
                "min": min(returns), "max": max(returns), "mean_length": steps / episodes, "episodes": episodes}

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes model.safetensors as `bellman train` does: the command and PyTorch read it."""
        self._trained().save(os.fspath(path))

    @classmethod
    def load(cls, path: str | os.PathLike[str], env: Any = None, **settings: Any) -> DQN:
        """The agent of a model.safetensors, of this package or of `bellman train`.

        `env` is needed for a model of an environment of Python's. Settings are for learn() alone: the file holds none.
        """
        policy = _bellman.load_policy(os.fspath(path))
        config = policy.env_config()
        if env is None:
            if config is None:
                raise ValueError(f"{os.fspath(path)}: the model does not say which environment it is for: pass env")
            values, defaults = config.values(), {row["name"]: row for row in _bellman.settings()}
            changed = {name: value for name, value in values.items()
                       if defaults[name]["section"] == "Environment" and value != defaults[name]["default"]}
            env = changed.pop("env_id", values["env_id"])
            if env.count(":") > 1:  # a model file comes from anywhere
                raise ValueError(f"{os.fspath(path)}: the model was trained in {env!r}, which runs the Python module before "
                                 "the last colon: pass env to allow it")
            settings = {**changed, **settings}
        layers = policy.network.split(", ")
        if layers[-1] == f"dense {policy.num_actions}":
            layers.pop()
        settings.setdefault("network", ", ".join(layers))
        model = cls(env, preset=settings.pop("preset", "none"), **settings)
        model._require_fit(policy, os.fspath(path))
        model._policy = policy
        return model

    def _require_fit(self, policy: _bellman.Policy, path: str) -> None:
        """Before a learn() finds out that the environment or the settings are not the model's."""
        if self._bridge is not None:
            shape, num_actions = tuple(self._bridge.seen.shape), self._bridge.num_actions
        elif ":" in self.settings["env_id"]:  # another process would have to be asked
            shape, num_actions = policy.input_shape, policy.num_actions
        else:
            spec = _bellman.Env(self._config).spec()
            shape, num_actions = spec["observation_shape"], spec["num_actions"]
        if (shape, num_actions) != (policy.input_shape, policy.num_actions):
            raise ValueError(f"{path}: the model is for observations {policy.input_shape} and {policy.num_actions} actions, the "
                             f"environment has {shape} and {num_actions}")
        network = _bellman.network_text(self._config, shape, num_actions)
        if network != policy.network:
            raise ValueError(f'{path}: the model\'s network is "{policy.network}", not "{network}"')

    def __reduce__(self) -> Any:
        raise TypeError("a DQN can be neither pickled nor copied: save(path) writes its network, DQN.load(path) reads it")

    def _trained(self) -> _bellman.Policy:
        if self._policy is None:
            raise ValueError("this agent has no network yet: call learn(), or DQN.load()")
        return self._policy

    def _rows(self, observation: Any) -> tuple[npt.NDArray[np.float32], bool]:
        """Observations (n, I), and whether there was just one."""
        if self._bridge is not None:
            values, single = self._bridge.seen.batch(observation)
        else:
            values = np.ascontiguousarray(observation, np.float32)
            shape = self._trained().input_shape
            single = values.shape == shape
            if not single and values.shape[1:] != shape:
                raise ValueError(f"an observation has shape {values.shape}, must have {shape}, or one more dimension")
            values = values[None] if single else values
        if not np.isfinite(values).all():  # relu would make 0 of NaN, and hide it
            raise ValueError("an observation has a number that is NaN or infinite")
        return values, single


class _Interrupt:
    """Makes the first Ctrl-C end a run in order, and the second one at once. Only where Python's own handler is in place."""

    def __init__(self, run: _bellman.Learning):
        self.run = run
        self.raised = False

    def __enter__(self) -> _Interrupt:
        in_main = threading.current_thread() is threading.main_thread()
        self.is_set = in_main and signal.getsignal(signal.SIGINT) is signal.default_int_handler
        if self.is_set:
            signal.signal(signal.SIGINT, self.handle)
        return self

    def handle(self, _number: int, _frame: FrameType | None) -> None:
        if self.raised:
            raise KeyboardInterrupt
        self.raised = True
        self.run.stop()

    def __exit__(self, *_exception: object) -> None:
        if self.is_set:
            signal.signal(signal.SIGINT, signal.default_int_handler)


class _ProgressBar:
    """One line on stderr."""

    def __call__(self, now: Row) -> None:
        share = now["timestep"] / max(1, now["total_timesteps"])
        filled = "#" * int(30 * share)
        text = f"\r[{filled:30}] {100 * share:3.0f} %  {now['timestep']:,} steps"
        if now["steps_per_second"] > 0:
            text += f", {now['steps_per_second']:,.0f} a second"
        if not np.isnan(now["mean_return"]):
            text += f", return {now['mean_return']:.4g}"
        if not np.isnan(now["eval_mean"]):
            text += f", evaluated {now['eval_mean']:.4g}"
        sys.stderr.write(text + "\x1b[K")
        sys.stderr.flush()

    def finish(self) -> None:
        sys.stderr.write("\n")
