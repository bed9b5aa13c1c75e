"""Networks and optimisers that can be looked into."""

from __future__ import annotations

from typing import Any, Literal, Sequence, overload

import numpy as np

from . import _bellman
from ._arguments import construct, real, shown


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
    kinds: dict[str, tuple[Any, str]] = {"float32": (_bellman.Network32, "cpu"), "float64": (_bellman.Network64, "reference")}
    try:
        kind = np.dtype(dtype).name if dtype is not None else ""
    except TypeError:
        kind = ""
    if kind not in kinds:
        raise ValueError(f'Network: dtype is {shown(dtype)}, must be "float32" or "float64"')
    network, usual_backend = kinds[kind]
    shape = [input_shape] if isinstance(input_shape, (int, np.integer)) else input_shape
    made: _bellman.Network32 | _bellman.Network64 = construct(
        network, "Network", text=text, input_shape=shape, seed=seed, initialiser=initialiser,
        backend=usual_backend if backend is None else backend)
    return made


def Optimizer(network: Any, kind: str = "adam", **options: float) -> _bellman.Optimizer32 | _bellman.Optimizer64:
    """An optimiser of a network's parameters: "adam", "adamw", "rmsprop" or "sgd".

    `step(learning_rate)` makes a step from the network's gradients; `moments` are views. Options of Adam: beta1, beta2,
    epsilon, weight_decay; of RMSprop: alpha, epsilon, epsilon_in_root, momentum, weight_decay, centered; of SGD: momentum,
    dampening, weight_decay, nesterov.
    """
    if not isinstance(network, (_bellman.Network32, _bellman.Network64)):
        raise TypeError(f"Optimizer: network is {shown(network)}, must be a bellman.Network")
    numbers = {name: real(f"Optimizer: {name}", value) for name, value in options.items()}
    optimizer = _bellman.Optimizer64 if isinstance(network, _bellman.Network64) else _bellman.Optimizer32
    made: _bellman.Optimizer32 | _bellman.Optimizer64 = construct(optimizer, "Optimizer", network=network, kind=kind, options=numbers)
    return made
