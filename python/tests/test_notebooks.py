"""Each page of docs/backprop has a notebook, and every notebook runs from its first cell to its last."""

from __future__ import annotations

import json
import pathlib
from typing import Any

import pytest

DOCS = pathlib.Path(__file__).resolve().parents[2] / "docs"
NOTEBOOKS = sorted((DOCS / "notebooks").glob("*.ipynb"))


def test_each_page_has_one() -> None:
    pages = {page.stem for page in (DOCS / "backprop").glob("*.md")} - {"README"}
    assert {notebook.stem for notebook in NOTEBOOKS} == pages


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_runs(notebook: pathlib.Path) -> None:
    names: dict[str, Any] = {}
    for cell in json.loads(notebook.read_text(encoding="utf-8"))["cells"]:
        if cell["cell_type"] == "code":
            assert not cell["outputs"], "a notebook is committed without outputs"
            exec(compile("".join(cell["source"]), notebook.name, "exec"), names)
