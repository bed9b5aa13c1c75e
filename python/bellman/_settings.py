"""From Python's values to the texts that the engine reads settings from."""

from __future__ import annotations

from typing import Any, Mapping

import numpy as np

from . import _bellman


def text_of(value: Any) -> str:
    """As the command line would have it: True is "true", 1e5 is "100000"."""
    if isinstance(value, (bool, np.bool_)):
        return "true" if value else "false"
    if isinstance(value, (int, np.integer)):
        return str(int(value))
    if isinstance(value, (float, np.floating)):
        number = float(value)
        return str(int(number)) if number.is_integer() and abs(number) < 2**53 else repr(number)
    return str(value)


def resolve(given: Mapping[str, Any], preset: str) -> _bellman.Config:
    """All settings of a run. Raises TypeError for an unknown name, ValueError for a value that cannot be."""
    return _bellman.resolve({name: text_of(value) for name, value in given.items()}, preset)


def env_config(env_id: str, options: Mapping[str, Any]) -> _bellman.Config:
    """The settings of a built-in environment."""
    known = {row["name"] for row in _bellman.settings() if row["section"] == "Environment"}
    known |= {alias for row in _bellman.settings() if row["section"] == "Environment" for alias in row["aliases"]}
    config = resolve({"env_id": env_id, **options}, "none")  # an unknown name is refused with the nearest
    for name in options:
        if name not in known:
            raise TypeError(f'"{name}" is a setting of a training run, not of an environment')
    return config
