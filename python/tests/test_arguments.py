"""Every argument that is wrong is named, with its value, in one line."""

from __future__ import annotations

import copy
import pathlib
import pickle
import re
import subprocess
import sys
from typing import Any, Callable

import gymnasium
import numpy as np
import pytest
from gymnasium.vector import VectorEnv

import bellman

Q = np.zeros((2, 3), np.float32)
Q64 = np.zeros((2, 3))
loose: Any = bellman  # what the types forbid is what is tried
ops = loose.ops


def network() -> Any:
    return loose.Network("dense 3", 3)


def replay() -> Any:
    return loose.ReplayBuffer(8, [3])


WRONG: list[tuple[Callable[[], Any], str]] = [
    # Whole numbers are not narrowed.
    (lambda: ops.softmax_cross_entropy(Q, np.array([0, 2**32 + 1])), "softmax_cross_entropy: label has 4294967297 at [1], must be from -2147483648"),
    (lambda: ops.softmax_cross_entropy(Q, np.array([0.9, 1])), "softmax_cross_entropy: label has 0.9 at [0], must be a whole number"),
    (lambda: ops.softmax_cross_entropy(Q, np.array([np.nan, 1])), "softmax_cross_entropy: label has nan at [0], must be a whole number"),
    (lambda: ops.td_loss(Q, np.array([1, -2**31 - 1]), [0, 0]), "td_loss: action has -2147483649 at [1]"),
    (lambda: ops.td_loss(Q64, [1, 0.5], [0.0, 0.0]), "td_loss: action has 0.5 at [1]"),
    (lambda: loose.SumTree(4).set_many([0, 1.5], [1, 1]), "SumTree.set_many: indices has 1.5 at [1]"),
    (lambda: loose.SumTree(4).set_many(np.array([2**63], np.uint64), [1]), "SumTree.set_many: indices has 9223372036854775808 at [0]"),
    (lambda: replay().add(0, 0.5, 1.0, False, False, Q[0]), "ReplayBuffer.add: action is 0.5, must be a whole number"),
    (lambda: replay().add(0, 2**40, 1.0, False, False, Q[0]), "ReplayBuffer.add: out of range: action is 1099511627776"),
    # Values of a wrong kind.
    (lambda: ops.dense_forward(None, Q, [0, 0]), "dense_forward: x is None, must be an array of numbers"),
    (lambda: ops.dense_forward("abc", Q, [0, 0]), "dense_forward: x is 'abc', must be an array of numbers"),
    (lambda: ops.dense_forward(Q.astype(complex), Q, [0, 0]), "dense_forward: x is an array of complex128, shape (2, 3), must be an array of numbers"),
    (lambda: ops.dense_forward([[1, 2], [3]], Q, [0, 0]), "dense_forward: x is [[1, 2], [3]], which is no array"),
    (lambda: ops.dense_forward(Q, Q64, [0, 0]), "dense_forward: arrays are of two types: x is float32, w is float64"),
    (lambda: ops.layer_norm_forward(Q, Q[0], Q[0], "1e-5"), "layer_norm_forward: epsilon is '1e-5', must be a number"),
    (lambda: ops.td_loss(Q, [0, 1], [0, 0], kind=None), "td_loss: kind is None, must be a text"),
    (lambda: ops.td_loss(Q, [0, 1]), "td_loss: missing a required argument: 'y'"),
    (lambda: ops.td_loss(Q, [0, 1], [0, 0], delt=1), "td_loss: got an unexpected keyword argument 'delt'"),
    (lambda: ops.max_pool2d_forward(np.zeros((1, 1, 4, 4)), 2), "max_pool2d_forward: kernel is 2, must be a sequence of 2 whole numbers"),
    (lambda: ops.max_pool2d_forward(np.zeros((1, 1, 4, 4)), (2, 2, 2)), "max_pool2d_forward: kernel is (2, 2, 2), must be 2 whole numbers"),
    (lambda: ops.adam_step(Q64.astype(int), Q, Q, Q, 1e-3, 1), "adam_step: p is an array of int64, shape (2, 3): it is written in place"),
    (lambda: ops.adam_step(Q[:, ::2], Q, Q, Q, 1e-3, 1), "adam_step: p is an array of float32, shape (2, 2), not contiguous: it is written"),
    (lambda: ops.adam_step(Q, Q, Q, Q, 1e-3, 1.5), "adam_step: step is 1.5, must be a whole number"),
    (lambda: loose.ReplayBuffer(8, None), "ReplayBuffer: observation_shape is None, must be a sequence of whole numbers"),
    (lambda: loose.ReplayBuffer(8.5, [3]), "ReplayBuffer: capacity is 8.5, must be a whole number"),
    (lambda: loose.ReplayBuffer(8, [3], seed=-1), "ReplayBuffer: out of range: seed is -1"),
    (lambda: replay().add(0, 1, None, False, False, Q[0]), "ReplayBuffer.add: reward is None, must be a number"),
    (lambda: replay().add(0, 1, 1.0, "no", False, Q[0]), "ReplayBuffer.add: terminated is 'no', must be a bool"),
    (lambda: replay().sample(1.5), "ReplayBuffer.sample: learn_step is 1.5"),
    (lambda: loose.SumTree("8"), "SumTree: capacity is '8', must be a whole number"),
    (lambda: loose.SumTree(4)[1.5], "SumTree.__getitem__: index is 1.5"),
    (lambda: loose.Network(None, 3), "Network: text is None, must be a text"),
    (lambda: loose.Network("dense 3", 3.5), "Network: input_shape is 3.5, must be a sequence of whole numbers"),
    (lambda: loose.Network("dense 3", 3, dtype=int), "Network: dtype is <class 'int'>, must be \"float32\" or \"float64\""),
    (lambda: loose.Network("dense 3", 3, dtype=None), "Network: dtype is None"),
    (lambda: loose.Network("dense 3", 3, seed=0.5), "Network: seed is 0.5"),
    (lambda: network().forward(None), "Network.forward: x is None"),
    (lambda: loose.Optimizer(None), "Optimizer: network is None, must be a bellman.Network"),
    (lambda: loose.Optimizer(network(), beta1="x"), "Optimizer: beta1 is 'x', must be a number"),
    (lambda: loose.Optimizer(network()).step(None), "Optimizer.step: learning_rate is None"),
    (lambda: loose.make_vec("CartPole-v1", 1.5), "num_envs is 1.5, must be a whole number"),
    (lambda: loose.make_vec("CartPole-v1", 0), "num_envs is 0, must be"),
    (lambda: loose.make("CartPole-v1").step(0.5), "action is 0.5, must be a whole number"),
    (lambda: loose.make("gymnasum:CartPole-v1"), 'unknown environment "gymnasum:CartPole-v1" (did you mean "gymnasium:CartPole-v1"?)'),
    (lambda: loose.DQN(3), "env is 3, must be an environment's id, a gymnasium.Env"),
    (lambda: loose.DQN("CartPole-v1", device="cuda"), 'device is "cuda", must be cpu, auto or reference'),
    (lambda: pickle.dumps(loose.DQN("CartPole-v1")), "save(path) writes its network, DQN.load(path) reads it"),
    (lambda: copy.deepcopy(loose.DQN("CartPole-v1")), "save(path) writes its network"),
    (lambda: pickle.dumps(loose.make("CartPole-v1")), "state() and set_state() save and restore it"),
]


@pytest.mark.parametrize("number", range(len(WRONG)))
def test_what_is_wrong_is_named(number: int) -> None:
    act, message = WRONG[number]
    with pytest.raises((TypeError, ValueError)) as caught:
        act()
    assert message in str(caught.value), caught.value
    assert "\n" not in str(caught.value) and "incompatible function arguments" not in str(caught.value)


def test_what_is_right_passes_in_every_form() -> None:
    """Lists, NumPy's scalars, whole numbers in arrays of floats, bools of NumPy."""
    for label in ([0, 1], np.array([0, 1], np.uint8), np.array([0.0, 1.0]), (np.int64(0), 1)):
        assert ops.softmax_cross_entropy(Q, label)[1] == pytest.approx(np.log(3))
    assert ops.softmax_cross_entropy(Q64, [0, 1])[0].dtype == np.float64
    assert ops.softmax_cross_entropy(Q64.tolist(), [0, 1])[0].dtype == np.float32
    buffer = loose.ReplayBuffer(np.int64(8), (np.int32(3),))
    buffer.begin_episode(0, [0, 0, 0])
    buffer.add(np.int64(0), np.int8(1), np.float32(1), np.bool_(False), 0, Q64[0])
    assert len(buffer) == 1
    assert loose.Network("dense 3", np.int64(3), dtype=np.float64).forward(Q).dtype == np.float64


# ---- environments of Python's


class Odd(gymnasium.Env[Any, Any]):
    observation_space = gymnasium.spaces.Box(-1, 1, (2,), np.float32)
    action_space = gymnasium.spaces.Discrete(2)

    def __init__(self, result: Any = None, first: Any = (np.zeros(2, np.float32), {})):
        self.result, self.first = result, first

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        return self.first

    def step(self, action: Any) -> Any:
        return self.result


SEEN = np.zeros(2, np.float32)


@pytest.mark.parametrize("result, message", [
    (None, "step() returned None, must be 5: observation, reward, terminated, truncated, info"),
    ((SEEN, 1.0, False, {}), "step() returned 4 values, must be 5: observation, reward, terminated, truncated, info"),
    ((SEEN, None, False, False, {}), "the reward is None, no number"),
    ((None, 1.0, False, False, {}), "an observation is None, no numbers"),
    ((SEEN, 1.0, None, False, {}), "terminated is None, must be a bool"),
    ((SEEN, 1.0, "no", False, {}), "terminated is 'no', must be a bool"),
    ((SEEN, 1.0, False, 0.5, {}), "truncated is 0.5, must be a bool"),
    ((np.zeros(3), 1.0, False, False, {}), "an observation has shape (3,), the space says (2,)"),
])
def test_what_an_environment_does_wrong_is_named(result: Any, message: str) -> None:
    with pytest.raises((TypeError, ValueError), match=re.escape(message)):
        loose.DQN(Odd(result)).learn(10)


def test_what_a_reset_does_wrong_is_named() -> None:
    with pytest.raises(ValueError, match=re.escape("reset() returned None, must be 2 values: observation, info")):
        loose.DQN(Odd(first=None)).learn(10)


def test_the_ends_that_pass_for_bools() -> None:
    for ends in (np.bool_(False), 0, np.int8(0)):
        loose.DQN(Odd((SEEN, np.float32(1), ends, ends, {})), learning_starts=20, total_timesteps=10).learn()


class OddVector(VectorEnv[Any, Any, Any]):
    def __init__(self, **wrong: Any):
        self.num_envs = 2
        self.single_observation_space = gymnasium.spaces.Box(-1, 1, (2,), np.float32)
        self.single_action_space = gymnasium.spaces.Discrete(2)
        self.observation_space = gymnasium.vector.utils.batch_space(self.single_observation_space, 2)
        self.action_space = gymnasium.vector.utils.batch_space(self.single_action_space, 2)
        self.wrong = wrong

    def reset(self, **_: Any) -> Any:
        return np.zeros((2, 2), np.float32), {}

    def step(self, actions: Any) -> Any:
        right = {"observation": np.zeros((2, 2)), "reward": np.zeros(2), "terminated": np.zeros(2, bool), "truncated": np.zeros(2, bool)}
        return (*{**right, **self.wrong}.values(), {})


@pytest.mark.parametrize("wrong, message", [
    ({"terminated": [None, False]}, "terminated is [None, False], must be 2 bools"),
    ({"truncated": np.array([0, 2])}, "must be 2 bools"),
    ({"terminated": np.zeros(3, bool)}, "terminated is an array of bool, shape (3,), must be 2 bools"),
    ({"reward": [None, 1]}, "reward is [None, 1], must be 2 numbers"),
    ({"observation": None}, "observations are None, no numbers"),
])
def test_what_a_vector_environment_does_wrong_is_named(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        loose.DQN(OddVector(**wrong)).learn(10)


# ---- at once, not when it is too late


QUICK: dict[str, Any] = {"learning_starts": 50, "buffer_size": 200, "batch_size": 8, "preset": "none"}


def test_a_model_that_does_not_fit_is_refused_when_it_is_loaded(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "model.safetensors"
    loose.DQN("CartPole-v1", network="dense 8, relu", **QUICK).learn(100).save(path)
    with pytest.raises(ValueError, match='network is "dense 8, relu, dense 2", not "dense 9, relu, dense 2"'):
        bellman.DQN.load(path, network="dense 9, relu")
    with pytest.raises(ValueError, match='network is "dense 8, relu, dense 2", not "dueling 2 hidden 8"'):
        bellman.DQN.load(path, dueling=True)
    with pytest.raises(ValueError, match=r"observations \(4,\) and 2 actions, the environment has \(2,\) and 3"):
        bellman.DQN.load(path, env="MountainCar-v0")
    with pytest.raises(ValueError, match='device is "cuda"'):
        bellman.DQN.load(path, device="cuda")
    assert bellman.DQN.load(path, network="dense  8,relu").predict(np.zeros(4))[0] in (0, 1)


def test_without_gymnasium_a_number_is_no_environment() -> None:
    program = ("import sys; sys.modules['gymnasium'] = None\nimport bellman\n"
               "for env in (3, lambda: None):\n"
               "    try: bellman.DQN(env)\n"
               "    except Exception as error: print(type(error).__name__, error)\n")
    printed = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.splitlines()
    assert printed[0].startswith("TypeError env is 3, must be an environment's id")
    assert printed[1].startswith("ImportError an environment of Python's needs Gymnasium 1.1 or newer: pip install")
