"""bellman.ops against formulas in NumPy, in float64 by the definitions and in float32 by both backends."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from bellman import ops

CASES = [("float64", "reference"), ("float32", "reference"), ("float32", "cpu")]
RNG = np.random.default_rng(1)


@pytest.fixture(params=CASES, ids=lambda case: f"{case[1]}-{case[0]}")
def case(request: pytest.FixtureRequest) -> Any:
    """(draw, close, backend): arrays of the case's type, and a comparison as strict as the type allows."""
    dtype, backend = request.param
    tolerance = 1e-11 if dtype == "float64" else 2e-5

    def draw(*shape: int) -> Any:
        return RNG.normal(size=shape).astype(dtype)

    def close(found: Any, expected: Any) -> None:
        if isinstance(found, np.ndarray):
            assert found.dtype == dtype
        np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance)

    return draw, close, backend


def test_dense(case: Any) -> None:
    draw, close, backend = case
    for B, I, O in [(1, 1, 1), (3, 5, 2), (33, 65, 31)]:
        x, w, b, dy = draw(B, I), draw(O, I), draw(O), draw(B, O)
        close(ops.dense_forward(x, w, b, backend=backend), x @ w.T + b)
        dx, dw, db = ops.dense_backward(dy, x, w, backend=backend)
        close(dx, dy @ w)
        close(dw, dy.T @ x)
        close(db, dy.sum(0))


def test_conv2d_and_max_pool(case: Any) -> None:
    draw, close, backend = case
    x, w, b = draw(2, 3, 6, 5), draw(4, 3, 3, 2), draw(4)
    stride, padding = (2, 1), (1, 1)
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 2), axis=(2, 3))[:, :, ::2]
    close(ops.conv2d_forward(x, w, b, stride, padding, backend=backend),
          np.einsum("nchwpq,ocpq->nohw", windows, w) + b[:, None, None])
    dy = draw(*ops.conv2d_forward(x, w, b, stride, padding).shape)
    dx, dw, db = ops.conv2d_backward(dy, x, w, stride, padding, backend=backend)
    close(dw, np.einsum("nchwpq,nohw->ocpq", windows, dy))
    close(db, dy.sum((0, 2, 3)))
    expected = np.zeros_like(padded)
    for i in range(dy.shape[2]):
        for j in range(dy.shape[3]):
            expected[:, :, 2 * i:2 * i + 3, j:j + 2] += np.einsum("no,ocpq->ncpq", dy[:, :, i, j], w)
    close(dx, expected[:, :, 1:-1, 1:-1])

    image = draw(2, 3, 4, 6)
    tiles = image.reshape(2, 3, 2, 2, 3, 2).swapaxes(3, 4).reshape(2, 3, 2, 3, 4)
    close(ops.max_pool2d_forward(image, (2, 2), backend=backend), tiles.max(-1))
    pooled = draw(2, 3, 2, 3)
    one_hot = (np.arange(4) == tiles.argmax(-1)[..., None]) * pooled[..., None]
    close(ops.max_pool2d_backward(pooled, image, (2, 2), backend=backend),
          one_hot.reshape(2, 3, 2, 3, 2, 2).swapaxes(3, 4).reshape(image.shape))


def erf(x: Any) -> Any:
    from math import erf as scalar

    return np.vectorize(scalar)(x)


ACTIVATIONS: dict[str, Any] = {
    "relu": lambda x: np.maximum(x, 0),
    "leaky_relu": lambda x: np.where(x > 0, x, 0.01 * x),
    "tanh": np.tanh,
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "gelu": lambda x: x * 0.5 * (1 + erf(x / np.sqrt(2))),
    "gelu_tanh": lambda x: 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3))),
    "silu": lambda x: x / (1 + np.exp(-x)),
}


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations(case: Any, name: str) -> None:
    draw, close, backend = case
    x, dy = draw(5, 13), draw(5, 13)
    f, wide = ACTIVATIONS[name], x.astype(np.float64)
    close(ops.activation_forward(x, name, backend=backend), f(wide))
    slope = (f(wide + 1e-6) - f(wide - 1e-6)) / 2e-6
    np.testing.assert_allclose(ops.activation_backward(dy, x, name, backend=backend), dy * slope, rtol=1e-4, atol=1e-5)


def test_layer_norm_and_dueling(case: Any) -> None:
    draw, close, backend = case
    x, gamma, beta, dy = draw(4, 9), draw(9), draw(9), draw(4, 9)
    y, mean, rstd = ops.layer_norm_forward(x, gamma, beta, 1e-5, backend=backend)
    close(mean, x.mean(1))
    close(rstd, 1 / np.sqrt(x.var(1) + 1e-5))
    normal = (x - x.mean(1, keepdims=True)) * rstd[:, None]
    close(y, gamma * normal + beta)
    dx, dgamma, dbeta = ops.layer_norm_backward(dy, x, gamma, mean, rstd, backend=backend)
    close(dgamma, (dy * normal).sum(0))
    close(dbeta, dy.sum(0))
    g = dy * gamma
    close(dx, rstd[:, None] * (g - g.mean(1, keepdims=True) - normal * (g * normal).mean(1, keepdims=True)))

    v, a, dq = draw(4, 1), draw(4, 3), draw(4, 3)
    close(ops.dueling_forward(v, a, backend=backend), v + a - a.mean(1, keepdims=True))
    dv, da = ops.dueling_backward(dq, backend=backend)
    close(dv, dq.sum(1, keepdims=True))
    close(da, dq - dq.mean(1, keepdims=True))


def test_q_learning(case: Any) -> None:
    draw, close, backend = case
    q_target, q_online, q = draw(6, 3), draw(6, 3), draw(6, 3)
    reward, discount = draw(6), np.full(6, 0.9, q.dtype)
    terminated = np.array([0, 1, 0, 0, 1, 0], q.dtype)
    np.testing.assert_array_equal(ops.argmax(q, backend=backend), q.argmax(1))
    rows = np.arange(6)
    y = ops.td_target(q_target, reward, discount, terminated, backend=backend)
    close(y, reward + 0.9 * (1 - terminated) * q_target.max(1))
    close(ops.td_target(q_target, reward, discount, terminated, q_online, backend=backend),
          reward + 0.9 * (1 - terminated) * q_target[rows, q_online.argmax(1)])
    action = np.array([0, 1, 2, 0, 1, 2], np.int32)
    weight = np.abs(draw(6))
    td_error = y - q[rows, action]
    dq, found, loss = ops.td_loss(q, action, y, weight, backend=backend)
    close(found, td_error)
    close(loss, (weight * td_error**2).mean())
    expected = np.zeros_like(q)
    expected[rows, action] = -2 * weight * td_error / 6
    close(dq, expected)
    dq, _, loss = ops.td_loss(q, action, y, kind="huber", delta=0.5, backend=backend)
    size = np.abs(td_error)
    close(loss, np.where(size <= 0.5, td_error**2 / 2, 0.5 * (size - 0.25)).mean())
    expected[rows, action] = -np.clip(td_error, -0.5, 0.5) / 6
    close(dq, expected)
    dlogits, loss = ops.softmax_cross_entropy(q, action, backend=backend)
    softmax = np.exp(q) / np.exp(q).sum(1, keepdims=True)
    close(loss, -np.log(softmax[rows, action]).mean())
    close(dlogits, (softmax - (np.arange(3) == action[:, None])) / 6)


def test_steps_in_place(case: Any) -> None:
    draw, close, backend = case
    p, g, target = draw(40), draw(40), draw(40)
    close(ops.global_norm(g, backend=backend), np.linalg.norm(g))
    clipped = g.copy()
    close(ops.clip_by_global_norm(clipped, 0.5, backend=backend), np.linalg.norm(g))
    close(clipped, g * 0.5 / (np.linalg.norm(g) + 1e-6))

    mine, m, v = p.copy(), np.zeros_like(p), np.zeros_like(p)
    ops.adam_step(mine, m, v, g, 0.1, 1, epsilon=1e-3, backend=backend)
    close(mine, p - 0.1 * g / (np.abs(g) + 1e-3))
    close(m, 0.1 * g)
    mine, square = p.copy(), np.zeros_like(p)
    ops.rmsprop_step(mine, square, g, 0.1, alpha=0.75, epsilon=1e-3, backend=backend)
    close(mine, p - 0.1 * g / (0.5 * np.abs(g) + 1e-3))
    mine, velocity = p.copy(), np.ones_like(p)
    ops.sgd_step(mine, g, 0.1, 2, velocity=velocity, momentum=0.5, backend=backend)
    close(velocity, 0.5 + g)
    close(mine, p - 0.1 * (0.5 + g))
    mine = target.copy()
    ops.polyak_update(mine, p, 0.25, backend=backend)
    close(mine, 0.25 * p + 0.75 * target)


def test_memory_of_any_alignment(case: Any) -> None:
    draw, close, backend = case
    for offset in range(1, 5):
        x = draw(offset + 7 * 33)[offset:].reshape(7, 33)
        w = draw(offset + 16 * 33)[offset:].reshape(16, 33)
        close(ops.dense_forward(x, w, draw(16) * 0, backend=backend), x @ w.T)
        p, g = draw(offset + 100)[offset:], draw(offset + 100)[offset:]
        expected = p - 0.1 * g
        ops.sgd_step(p, g, 0.1, backend=backend)
        close(p, expected)


def test_what_is_wrong_is_named() -> None:
    x, w, b = np.zeros((2, 5)), np.zeros((3, 4)), np.zeros(3)
    with pytest.raises(ValueError, match=r"dense_forward: .*\(2,5\).*\(3,4\)"):
        ops.dense_forward(x, w, b)
    with pytest.raises(ValueError, match="must be reference for float64"):
        ops.dense_forward(x, w, b, backend="cpu")
    with pytest.raises(ValueError, match='unknown backend "cup"'):
        ops.dense_forward(x.astype("f"), w.astype("f"), b.astype("f"), backend="cup")
    with pytest.raises(ValueError, match='did you mean "relu"'):
        ops.activation_forward(x, "rely")
    with pytest.raises(TypeError):  # a copy would be written, not this array
        ops.sgd_step(np.zeros(3, np.int64), np.zeros(3), 0.1)
