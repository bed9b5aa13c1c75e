"""What the tests share."""

from __future__ import annotations

import os
import pathlib

import pytest


@pytest.fixture(scope="session")
def command() -> pathlib.Path:
    """The command of the same build: scripts/python.sh sets BELLMAN_COMMAND."""
    path = pathlib.Path(os.environ["BELLMAN_COMMAND"])
    assert path.is_file(), path
    return path


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """A wheel is compiled for all machines, the command for this one: their bits differ, and these tests are not for it."""
    if "BELLMAN_COMMAND" in os.environ:
        return
    of_command = [item for item in items if "command" in getattr(item, "fixturenames", [])]
    if of_command:
        config.hook.pytest_deselected(items=of_command)
        items[:] = [item for item in items if item not in of_command]
