"""Networks, optimisers, replay and sum-tree from inside, against NumPy."""

from __future__ import annotations

import gc
from typing import Any

import numpy as np
import pytest

import bellman

RNG = np.random.default_rng(0)


def test_forward_is_what_numpy_computes() -> None:
    net = bellman.Network("dense 5, tanh, dense 3", 4, dtype="float64")
    p = net.parameters
    x = RNG.normal(size=(7, 4))
    expected = np.tanh(x @ p["0.weight"].T + p["0.bias"]) @ p["2.weight"].T + p["2.bias"]
    np.testing.assert_allclose(net.forward(x), expected, rtol=1e-12)
    np.testing.assert_allclose(net.activations["a2"], np.tanh(net.activations["a1"]), rtol=1e-12)


@pytest.mark.parametrize("text, shape", [
    ("dense 6, gelu, dense 3", (4,)),
    ("dense 6, layer_norm, tanh, dueling 3 hidden 5", (4,)),
    ("conv 3 2x2 padding 1, sigmoid, max_pool 2x2, flatten, dense 2", (2, 4, 4)),
    ("conv 2 3x3 stride 2, silu, flatten, dense 2", (1, 5, 5)),
])
def test_gradients_are_finite_differences(text: str, shape: tuple[int, ...]) -> None:
    net = bellman.Network(text, shape, dtype="float64", seed=3)
    x = RNG.normal(size=(3, *shape))
    weights = RNG.normal(size=net.forward(x).shape)  # the loss is sum(weights * y)

    def loss() -> float:
        return float((weights * net.forward(x)).sum())

    def differences(array: Any) -> Any:
        found, step = np.zeros_like(array), 1e-6
        for i in np.ndindex(array.shape):
            kept = array[i]
            array[i] = kept + step
            above = loss()
            array[i] = kept - step
            found[i] = (above - loss()) / (2 * step)
            array[i] = kept
        return found

    net.forward(x)
    dx = net.backward(weights)
    computed = {name: array.copy() for name, array in net.gradients.items()}
    np.testing.assert_allclose(dx, differences(x), rtol=1e-5, atol=1e-8)
    for name, array in net.parameters.items():
        np.testing.assert_allclose(computed[name], differences(array), rtol=1e-5, atol=1e-8, err_msg=name)
    net.forward(x)
    net.backward(weights)  # gradients add up
    for name, array in net.gradients.items():
        np.testing.assert_allclose(array, 2 * computed[name], rtol=1e-12)
    net.zero_gradients()
    assert all((array == 0).all() for array in net.gradients.values())


def test_both_backends_agree() -> None:
    nets = [bellman.Network("dense 33, relu, dense 2", 5, backend=backend) for backend in ("cpu", "reference")]
    x, dy = RNG.normal(size=(31, 5)).astype(np.float32), RNG.normal(size=(31, 2)).astype(np.float32)
    np.testing.assert_allclose(nets[0].forward(x), nets[1].forward(x), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(nets[0].backward(dy), nets[1].backward(dy), rtol=1e-5, atol=1e-6)
    for name in nets[0].gradients:
        np.testing.assert_allclose(nets[0].gradients[name], nets[1].gradients[name], rtol=1e-5, atol=1e-5)


def test_views_are_no_copies_and_outlive_the_network() -> None:
    net = bellman.Network("dense 2", 3)
    weight, bias = net.parameters["0.weight"], net.parameters["0.bias"]
    weight[:], bias[:] = 0, [1, 2]
    np.testing.assert_array_equal(net.forward(np.ones((1, 3))), [[1, 2]])
    small = net.activations["a1"]
    assert not small.flags.owndata
    net.forward(np.ones((1000, 3)))  # needs a larger workspace
    del net
    gc.collect()
    np.testing.assert_array_equal(small, [[1, 2]])
    np.testing.assert_array_equal(weight, np.zeros((2, 3)))


def test_initial_parameters_are_those_of_a_run() -> None:
    model = bellman.DQN("CartPole-v1", preset="none", seed=4, learning_starts=99, train_frequency=1000,
                        network="dense 8, relu")
    with pytest.warns(UserWarning, match="learning never starts"):
        model.learn(100)
    net = bellman.Network("dense 8, relu, dense 2", 4, seed=4)
    assert model.parameters.keys() == net.parameters.keys()
    for name, values in model.parameters.items():
        np.testing.assert_array_equal(values, net.parameters[name])


@pytest.mark.parametrize("kind, options", [("adam", {"beta1": 0.8, "weight_decay": 0.1}), ("adamw", {"weight_decay": 0.1}),
                                           ("sgd", {"momentum": 0.9}), ("rmsprop", {"alpha": 0.9, "centered": True})])
def test_optimizers(kind: str, options: dict[str, float]) -> None:
    net = bellman.Network("dense 2", 3, dtype="float64")
    optimizer = bellman.Optimizer(net, kind, **options)
    w = net.parameters["0.weight"]
    mine = w.copy()
    m, v = np.zeros_like(w), np.zeros_like(w)
    for t in range(1, 6):
        g = RNG.normal(size=w.shape)
        net.zero_gradients()
        net.gradients["0.weight"][:] = g
        optimizer.step(0.01)
        if kind == "adam":
            g = g + 0.1 * mine
        if kind == "adamw":
            mine -= 0.01 * 0.1 * mine
        if kind.startswith("adam"):
            beta1 = options.get("beta1", 0.9)
            m, v = beta1 * m + (1 - beta1) * g, 0.999 * v + 0.001 * g * g
            mine -= 0.01 * (m / (1 - beta1**t)) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8)
        elif kind == "sgd":
            m = g if t == 1 else 0.9 * m + g
            mine -= 0.01 * m
        else:
            v, m = 0.9 * v + 0.1 * g * g, 0.9 * m + 0.1 * g
            mine -= 0.01 * g / (np.sqrt(np.maximum(v - m * m, 0)) + 1e-8)
        np.testing.assert_allclose(w, mine, rtol=1e-9)
    assert optimizer.steps == 5
    assert all(moment.keys() == net.parameters.keys() for moment in optimizer.moments.values())


def test_a_replay_gives_n_step_returns() -> None:
    replay = bellman.ReplayBuffer(20, [2], n_step=3, gamma=0.5, batch_size=64)
    replay.begin_episode(0, np.array([0, 0], np.float32))
    for t in range(1, 6):
        replay.add(0, t % 2, t, t == 5, False, np.array([t, t], np.float32))
    assert len(replay) == 5
    batch = replay.sample(learn_step=0)
    assert batch["observations"].shape == (64, 2)
    for i in range(64):
        t = int(batch["observations"][i, 0])
        k = min(3, 5 - t)
        assert batch["rewards"][i] == sum(0.5**j * (t + 1 + j) for j in range(k))
        assert batch["discounts"][i] == 0.5**k and batch["terminated"][i] == (t + k == 5)
        assert batch["next_observations"][i, 0] == t + k and batch["actions"][i] == (t + 1) % 2
    np.testing.assert_array_equal(batch["weights"], 1)
    np.testing.assert_array_equal(replay.sample(learn_step=0)["slots"], batch["slots"])


def test_priorities_decide_what_is_drawn() -> None:
    replay = bellman.ReplayBuffer(8, [1], prioritized=True, alpha=1, epsilon=1e-6, batch_size=400)
    replay.begin_episode(0, np.zeros(1, np.float32))
    for t in range(4):
        replay.add(0, 0, 0, False, False, np.array([t + 1], np.float32))
    batch = replay.sample(0)
    replay.update_priorities(batch["observations"][:, 0])  # |td_error| is the observation's number
    drawn = np.bincount(replay.sample(1)["observations"][:, 0].astype(int), minlength=4)
    np.testing.assert_allclose(drawn / 400, np.array([0, 1, 2, 3]) / 6, atol=0.01)
    with pytest.raises(ValueError, match="td_errors has 3 elements, must have 400"):
        replay.update_priorities(np.zeros(3, np.float32))


def test_a_sum_tree() -> None:
    tree = bellman.SumTree(5)
    tree.set_many(np.arange(5), np.array([1.0, 0, 2, 3, 4]))
    tree[4] = 0.5
    assert (len(tree), tree[3], tree.total) == (5, 3, 6.5)
    np.testing.assert_array_equal(tree.find_many(np.array([0, 0.99, 1, 2.99, 3, 5.99, 6, 99])), [0, 0, 2, 2, 3, 3, 4, 4])
    with pytest.raises(ValueError):
        tree[5] = 1


def test_what_is_wrong_is_named() -> None:
    with pytest.raises(ValueError, match="dens"):
        bellman.Network("dens 3", 2)
    with pytest.raises(ValueError, match=r"x has shape \(2,3\), must be a batch of \(2\)"):
        bellman.Network("dense 3", 2).forward(np.zeros((2, 3)))
    with pytest.raises(ValueError, match="no forward pass"):
        bellman.Network("dense 3", 2).backward(np.zeros((2, 3)))
    with pytest.raises(ValueError, match="float16"):
        bellman.Network("dense 3", 2, dtype="float16")  # type: ignore[call-overload]
    with pytest.raises(ValueError, match='no option "beta" .did you mean "beta1"'):
        bellman.Optimizer(bellman.Network("dense 3", 2), "adam", beta=0.9)
