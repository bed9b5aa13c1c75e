"""What the tests share."""

import os
import pathlib

import pytest


@pytest.fixture(scope="session")
def command() -> pathlib.Path:
    """The command of the build that is tested: ctest sets BELLMAN_COMMAND."""
    path = pathlib.Path(os.environ["BELLMAN_COMMAND"])
    assert path.is_file(), path
    return path
