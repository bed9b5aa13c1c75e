"""The engine of the package bellman."""

from collections.abc import Mapping, Sequence
import os
from typing import Any

import numpy
from numpy.typing import NDArray

from bellman._bellman import ops as ops


class Error(ValueError):
    pass

class Config:
    """Every setting of a run."""

    def values(self) -> dict[str, Any]:
        """Each setting's value."""

    def origins(self) -> dict[str, Any]:
        """Where each value comes from: "argument", "preset CartPole", "default"."""

def resolve(given: Mapping[str, str], preset: str) -> Config:
    """The settings of a run from texts, as the command's flags."""

def settings() -> list[dict[str, Any]]:
    """
    All settings as dictionaries: name, section, help, default and aliases, in the order of the command's --help.
    """

def env_entries() -> list[tuple[str, str]]:
    """The built-in environments: (id, summary)."""

class Env:
    """One built-in environment."""

    def __init__(self, config: Config) -> None: ...

    def spec(self) -> dict[str, Any]:
        """Its id, shapes, limits and actions."""

    def seed(self, seed: int) -> None:
        """Begins the random stream of this seed."""

    def reset(self) -> NDArray[numpy.float32]:
        """Starts an episode; the first observation."""

    def step(self, action: int) -> tuple[Any, ...]:
        """(observation, reward, terminated, truncated)."""

    def observation(self) -> NDArray[numpy.float32]:
        """The present observation."""

    def state(self) -> list[float]:
        """All that changes, as numbers."""

    def set_state(self, state: Sequence[float]) -> None:
        """Continues from a state()."""

    def set_physical_state(self, values: Sequence[float]) -> None:
        """Starts an episode in this physical state."""

    def text(self, columns: int, rows: int) -> str:
        """A picture as lines of text."""

    def picture(self, width: int, height: int) -> NDArray[numpy.uint8]:
        """A picture (height, width, 3) of bytes."""

class EnvBatch:
    """Copies of a built-in environment that step together."""

    def __init__(self, config: Config, copies: int, autoreset: int) -> None: ...

    def spec(self) -> dict[str, Any]:
        """Its id, shapes, limits and actions."""

    def seed(self, seed: int) -> None:
        """Makes the copies anew, with the random streams of this seed."""

    def seed_each(self, seeds: Sequence[int], indices: Sequence[int], mask: NDArray[Any]) -> None:
        """Marked copies begin these seeds' random streams of these indices; the others go on."""

    def reset(self, observations: NDArray[Any], mask: NDArray[Any]) -> None:
        """Resets the marked copies and writes their observations."""

    def step(self, actions: NDArray[Any], observations: NDArray[Any], rewards: NDArray[Any], terminated: NDArray[Any],
             truncated: NDArray[Any], final_observations: NDArray[Any]) -> int:
        """Steps all copies; how many episodes ended."""

    def state(self, e: int) -> list[float]:
        """All that changes of copy e, as numbers."""

    def set_state(self, e: int, state: Sequence[float]) -> None:
        """Continues copy e from a state(e)."""

class Policy:
    """A trained network."""

    @property
    def network(self) -> str:
        """The network's text, head included."""

    @property
    def input_shape(self) -> tuple[Any, ...]:
        """The shape of an observation."""

    @property
    def num_actions(self) -> int:
        """The number of Q-values."""

    @property
    def timestep(self) -> int:
        """When these parameters were the run's present ones."""

    @property
    def normalizes(self) -> bool:
        """Whether observations are normalised."""

    def q_values(self, observations: NDArray[Any]) -> NDArray[numpy.float32]:
        """Q-values (n, A) of observations (n, ...)."""

    def evaluate(self, config: Config, episodes: int, seed: int, epsilon: float) -> dict[str, Any]:
        """Returns of whole episodes, as `bellman eval` plays them."""

    def parameters(self) -> dict[str, Any]:
        """A copy of each parameter by its name."""

    def env_config(self) -> Config | None:
        """Settings with the environment that it was trained on, or None."""

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes model.safetensors, as `bellman train` does."""

def network_text(config: Config, observation_shape: Sequence[int], num_actions: int) -> str:
    """The text of a run's network, head included."""

def load_policy(path: str | os.PathLike[str]) -> Policy:
    """Reads a model.safetensors."""

class Learning:
    """One training run."""

    def __init__(self, config: Config, bridge: object | None, initial: Policy | None) -> None: ...

    def notes(self) -> list[str]:
        """What will go wrong as far as it is known, a sentence each."""

    def stop(self) -> None:
        """Ends the run early."""

    def run(self, on_row: object | None, on_progress: object | None) -> dict[str, Any]:
        """Trains; how the run went."""

    def policy(self) -> Policy:
        """The network that the run kept."""

class Network32:
    """A network with its parameters, gradients and activations."""

    def __init__(self, text: str, input_shape: Sequence[int], seed: int, initialiser: str, backend: str) -> None: ...

    @property
    def text(self) -> str:
        """The layers, as the network reads them."""

    @property
    def input_shape(self) -> tuple[Any, ...]:
        """The shape of one sample."""

    @property
    def output_shape(self) -> tuple[Any, ...]:
        """The shape of what one sample becomes."""

    @property
    def backend(self) -> str:
        """What computes: "cpu" or "reference"."""

    @property
    def parameters(self) -> dict[str, Any]:
        """
        Views of the parameters by their names in torch.nn.Sequential: what is written there counts.
        """

    @property
    def gradients(self) -> dict[str, Any]:
        """Views of the parameters' gradients: backward() adds to them."""

    @property
    def activations(self) -> dict[str, Any]:
        """
        Views of the last pass's activations and their gradients: "a0" (the input) .. "aL", "da0" .. "daL",
        and the layers' inner tensors. Empty before the first forward().
        """

    def zero_gradients(self) -> None:
        """Sets all gradients to 0."""

    def forward(self, x: NDArray[Any]) -> NDArray[numpy.float32]:
        """y (B, ...) of x (B, input_shape). Keeps the activations."""

    def backward(self, dy: NDArray[Any]) -> NDArray[numpy.float32]:
        """
        From dL/dy of the last forward() to dL/dx, which it returns. Adds dL/dparameters to the gradients.
        """

class Optimizer32:
    """An optimiser of a network's parameters."""

    def __init__(self, network: Network32, kind: str, options: Mapping[str, float]) -> None: ...

    def step(self, learning_rate: float) -> None:
        """One step from the network's gradients."""

    @property
    def steps(self) -> int:
        """Steps so far."""

    @property
    def moments(self) -> dict[str, Any]:
        """
        Views of the moments by their names, and in each by the parameters' names.
        """

class Network64:
    """A network with its parameters, gradients and activations."""

    def __init__(self, text: str, input_shape: Sequence[int], seed: int, initialiser: str, backend: str) -> None: ...

    @property
    def text(self) -> str:
        """The layers, as the network reads them."""

    @property
    def input_shape(self) -> tuple[Any, ...]:
        """The shape of one sample."""

    @property
    def output_shape(self) -> tuple[Any, ...]:
        """The shape of what one sample becomes."""

    @property
    def backend(self) -> str:
        """What computes: "cpu" or "reference"."""

    @property
    def parameters(self) -> dict[str, Any]:
        """
        Views of the parameters by their names in torch.nn.Sequential: what is written there counts.
        """

    @property
    def gradients(self) -> dict[str, Any]:
        """Views of the parameters' gradients: backward() adds to them."""

    @property
    def activations(self) -> dict[str, Any]:
        """
        Views of the last pass's activations and their gradients: "a0" (the input) .. "aL", "da0" .. "daL",
        and the layers' inner tensors. Empty before the first forward().
        """

    def zero_gradients(self) -> None:
        """Sets all gradients to 0."""

    def forward(self, x: NDArray[Any]) -> NDArray[numpy.float64]:
        """y (B, ...) of x (B, input_shape). Keeps the activations."""

    def backward(self, dy: NDArray[Any]) -> NDArray[numpy.float64]:
        """
        From dL/dy of the last forward() to dL/dx, which it returns. Adds dL/dparameters to the gradients.
        """

class Optimizer64:
    """An optimiser of a network's parameters."""

    def __init__(self, network: Network64, kind: str, options: Mapping[str, float]) -> None: ...

    def step(self, learning_rate: float) -> None:
        """One step from the network's gradients."""

    @property
    def steps(self) -> int:
        """Steps so far."""

    @property
    def moments(self) -> dict[str, Any]:
        """
        Views of the moments by their names, and in each by the parameters' names.
        """

class ReplayBuffer:
    """
    A replay that keeps each observation once; n-step returns are made when a batch is drawn.
    """

    def __init__(self, capacity: int, observation_shape: Sequence[int], num_envs: int = 1, n_step: int = 1,
                 gamma: float = 0.99, prioritized: bool = False, alpha: float = 0.6, epsilon: float = 1e-06,
                 seed: int = 1, batch_size: int = 32) -> None: ...

    def begin_episode(self, env: int, observation: NDArray[Any]) -> None:
        """Environment env starts an episode with this observation."""

    def add(self, env: int, action: int, reward: float, terminated: bool, truncated: bool,
            next_observation: NDArray[Any]) -> None:
        """
        Environment env made a step; at an episode's end next_observation is the real last one.
        """

    def __len__(self) -> int:
        """How many transitions can be sampled."""

    def sample(self, learn_step: int, beta: float = 1.0) -> dict[str, Any]:
        """
        The batch of the learn step of that number: slots, observations, next_observations, actions, rewards
        (of n steps), discounts (gamma^k), terminated, weights.
        """

    def update_priorities(self, td_errors: NDArray[Any]) -> None:
        """The TD errors of the last sample."""

class SumTree:
    """Weights with their sums: draws an index in proportion to its weight."""

    def __init__(self, capacity: int) -> None: ...

    def __len__(self) -> int:
        """The number of weights."""

    def __getitem__(self, index: int) -> float:
        """A weight."""

    def __setitem__(self, index: int, weight: float) -> None:
        """Sets a weight."""

    def set_many(self, indices: NDArray[Any], weights: NDArray[Any]) -> None:
        """Sets weights, one after the other."""

    def find(self, mass: float) -> int:
        """The index i with w_0 + .. + w_(i-1) <= mass < w_0 + .. + w_i."""

    def find_many(self, masses: NDArray[Any]) -> NDArray[numpy.int64]:
        """find() of each mass."""

    @property
    def total(self) -> float:
        """The sum of all weights."""
