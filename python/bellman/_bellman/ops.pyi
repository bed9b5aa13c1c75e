"""
Each op's forward and backward pass on NumPy arrays. backend is "cpu" (float32) or "reference" (float32 and float64);
by default the first that has the type.
"""

from typing import Any

import numpy
from numpy.typing import NDArray

def dense_forward(x: NDArray[Any], w: NDArray[Any], b: NDArray[Any], *, backend: str | None = None) -> NDArray[Any]: ...

def dense_backward(dy: NDArray[Any], x: NDArray[Any], w: NDArray[Any], *,
                   backend: str | None = None) -> tuple[Any, ...]: ...

def layer_norm_forward(x: NDArray[Any], gamma: NDArray[Any], beta: NDArray[Any], epsilon: float = 1e-05, *,
                       backend: str | None = None) -> tuple[Any, ...]: ...

def layer_norm_backward(dy: NDArray[Any], x: NDArray[Any], gamma: NDArray[Any], mean: NDArray[Any], rstd: NDArray[Any],
                        *, backend: str | None = None) -> tuple[Any, ...]: ...

def dueling_forward(v: NDArray[Any], a: NDArray[Any], *, backend: str | None = None) -> NDArray[Any]: ...

def dueling_backward(dq: NDArray[Any], *, backend: str | None = None) -> tuple[Any, ...]: ...

def activation_forward(x: NDArray[Any], name: str, parameter: float | None = None, *,
                       backend: str | None = None) -> NDArray[Any]: ...

def activation_backward(dy: NDArray[Any], x: NDArray[Any], name: str, parameter: float | None = None, *,
                        backend: str | None = None) -> NDArray[Any]: ...

def conv2d_forward(x: NDArray[Any], w: NDArray[Any], b: NDArray[Any], stride: tuple[int, int] = (1, 1),
                   padding: tuple[int, int] = (0, 0), *, backend: str | None = None) -> NDArray[Any]: ...

def conv2d_backward(dy: NDArray[Any], x: NDArray[Any], w: NDArray[Any], stride: tuple[int, int] = (1, 1),
                    padding: tuple[int, int] = (0, 0), *, backend: str | None = None) -> tuple[Any, ...]: ...

def max_pool2d_forward(x: NDArray[Any], kernel: tuple[int, int], stride: tuple[int, int] | None = None,
                       padding: tuple[int, int] = (0, 0), *, backend: str | None = None) -> NDArray[Any]: ...

def max_pool2d_backward(dy: NDArray[Any], x: NDArray[Any], kernel: tuple[int, int],
                        stride: tuple[int, int] | None = None, padding: tuple[int, int] = (0, 0), *,
                        backend: str | None = None) -> NDArray[Any]: ...

def argmax(q: NDArray[Any], *, backend: str | None = None) -> NDArray[numpy.int32]: ...

def td_target(q_target: NDArray[Any], reward: NDArray[Any], discount: NDArray[Any], terminated: NDArray[Any],
              q_online: NDArray[Any] | None = None, *, backend: str | None = None) -> NDArray[Any]: ...

def td_loss(q: NDArray[Any], action: NDArray[Any], y: NDArray[Any], weight: NDArray[Any] | None = None,
            kind: str = 'mse', delta: float = 1.0, *, backend: str | None = None) -> tuple[Any, ...]: ...

def softmax_cross_entropy(logits: NDArray[Any], label: NDArray[Any], *,
                          backend: str | None = None) -> tuple[Any, ...]: ...

def global_norm(g: NDArray[Any], *, backend: str | None = None) -> float: ...

def clip_by_global_norm(g: NDArray[Any], max_norm: float, *, backend: str | None = None) -> float: ...

def adam_step(p: NDArray[Any], m: NDArray[Any], v: NDArray[Any], g: NDArray[Any], learning_rate: float, step: int, *,
              beta1: float = 0.9, beta2: float = 0.999, epsilon: float = 1e-08, weight_decay: float = 0.0,
              decoupled: bool = False, backend: str | None = None) -> None: ...

def rmsprop_step(p: NDArray[Any], square: NDArray[Any], g: NDArray[Any], learning_rate: float, *,
                 mean: NDArray[Any] | None = None, velocity: NDArray[Any] | None = None, alpha: float = 0.99,
                 epsilon: float = 1e-08, epsilon_in_root: bool = False, momentum: float = 0.0,
                 weight_decay: float = 0.0, backend: str | None = None) -> None: ...

def sgd_step(p: NDArray[Any], g: NDArray[Any], learning_rate: float, step: int = 1, *,
             velocity: NDArray[Any] | None = None, momentum: float = 0.0, dampening: float = 0.0,
             weight_decay: float = 0.0, nesterov: bool = False, backend: str | None = None) -> None: ...

def polyak_update(target: NDArray[Any], online: NDArray[Any], tau: float, *, backend: str | None = None) -> None: ...

