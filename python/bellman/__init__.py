"""A deep Q-learning engine that hides nothing, from Python.

    import bellman
    model = bellman.DQN("CartPole-v1")
    model.learn(50_000)
    print(model.evaluate(episodes=100))

`bellman.make` and `bellman.make_vec` give the built-in environments to any program that knows Gymnasium. To look inside:
`bellman.Network`, `bellman.Optimizer`, `bellman.ops`, `bellman.ReplayBuffer`, `bellman.SumTree`. docs/python.md describes all
of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import _arguments, _bellman

_arguments.check_module(_bellman)  # before anything takes a function out of it

from ._bellman import Error, env_entries, ops, settings  # noqa: E402
from .dqn import DQN  # noqa: E402
from .nn import Network, Optimizer  # noqa: E402

if TYPE_CHECKING:
    from ._bellman import ReplayBuffer, SumTree
    from .envs import BuiltinEnv, BuiltinVectorEnv
else:
    ReplayBuffer, SumTree = _arguments.checked_class(_bellman.ReplayBuffer), _arguments.checked_class(_bellman.SumTree)

__all__ = ["DQN", "Error", "Network", "Optimizer", "ReplayBuffer", "SumTree", "env_entries", "make", "make_vec", "ops",
           "register_envs", "settings"]


def make(id: str, render_mode: str | None = None, **options: Any) -> BuiltinEnv:
    """The built-in environment `id` as a gymnasium.Env.

    `options` are the environment's settings: map, observation, slippery, success_rate, slip, sutton_barto_reward,
    max_episode_steps, frame_stack.
    """
    from .envs import BuiltinEnv

    return BuiltinEnv(id, render_mode=render_mode, **options)


def make_vec(id: str, num_envs: int, render_mode: str | None = None, autoreset_mode: Any = "NextStep",
             **options: Any) -> BuiltinVectorEnv:
    """`num_envs` copies of the built-in environment `id` as a gymnasium.vector.VectorEnv.

    `autoreset_mode` is one of gymnasium.vector.AutoresetMode, or its value.
    """
    from .envs import BuiltinVectorEnv

    return BuiltinVectorEnv(num_envs, env_id=id, render_mode=render_mode, autoreset_mode=autoreset_mode, **options)


def register_envs() -> None:
    """Registers the built-in environments with Gymnasium, as "bellman/CartPole-v1" and so on."""
    from .envs import register_envs as register

    register()
