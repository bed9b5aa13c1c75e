"""Networks and optimisers that can be looked into."""

from __future__ import annotations

from typing import Any, Literal, Sequence, overload

from . import _bellman


@overload
def Network(text: str, input_shape: int | Sequence[int], *, seed: int = 1, initialiser: str = "pytorch",
            backend: str | None = None, dtype: Literal["float32"] = "float32") -> _bellman.Network32: ...
@overload
def Network(text: str, input_shape: int | Sequence[int], *, seed: int = 1, initialiser: str = "pytorch",
            backend: str | None = None, dtype: Literal["float64"]) -> _bellman.Network64: ...
def Network(text: str, input_shape: int | Sequence[int], *, seed: int = 1, initialiser: str = "pytorch",
            backend: str | None = None,
            dtype: Literal["float32", "float64"] = "float32") -> _bellman.Network32 | _bellman.Network64:
    """A network from its text, "dense 64, relu, dense 2", for samples of `input_shape`, (I) or (C, H, W).

    Its `parameters`, `gradients` and `activations` are dictionaries of NumPy views: what is written there counts.
    `forward(x)` and `backward(dy)` are the passes; `zero_gradients()` comes between two backward passes that are not to add
    up. With float64 the plain definitions compute, with float32 the CPU's ops unless backend is "reference".
    """
    shape = [input_shape] if isinstance(input_shape, int) else list(input_shape)
    if dtype == "float64":
        return _bellman.Network64(text, shape, seed, initialiser, backend or "reference")
    if dtype != "float32":
        raise ValueError(f'dtype is "{dtype}", must be "float32" or "float64"')
    return _bellman.Network32(text, shape, seed, initialiser, backend or "cpu")


def Optimizer(network: Any, kind: str = "adam", **options: float) -> _bellman.Optimizer32 | _bellman.Optimizer64:
    """An optimiser of a network's parameters: "adam", "adamw", "rmsprop" or "sgd".

    `step(learning_rate)` makes a step from the network's gradients; `moments` are views. Options of Adam: beta1, beta2,
    epsilon, weight_decay; of RMSprop: alpha, epsilon, epsilon_in_root, momentum, weight_decay, centered; of SGD: momentum,
    dampening, weight_decay, nesterov.
    """
    numbers = {name: float(value) for name, value in options.items()}
    if isinstance(network, _bellman.Network64):
        return _bellman.Optimizer64(network, kind, numbers)
    return _bellman.Optimizer32(network, kind, numbers)
