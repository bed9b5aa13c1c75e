"""The fragments of docs/python.md run, one after the other in one interpreter, with shorter trainings."""

from __future__ import annotations

import pathlib
import re
from typing import Any

import pytest

PAGE = pathlib.Path(__file__).resolve().parents[2] / "docs" / "python.md"


def test_the_fragments_run_in_their_order(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fragments = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert len(fragments) >= 3
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    for fragment in fragments:
        exec(fragment.replace("50_000", "2_000").replace("episodes=100", "episodes=5"), names)
    assert (tmp_path / "model.safetensors").is_file()
    assert names["action"] in (0, 1)
    assert names["observations"].shape == (1024, 4)
    assert names["dx"].shape == (32, 4)
