"""The README's snippet does what it says."""

from __future__ import annotations

import contextlib
import io
import pathlib
import re


def test_the_snippet_trains_cart_pole() -> None:
    readme = (pathlib.Path(__file__).resolve().parents[2] / "README.md").read_text(encoding="utf-8")
    [snippet] = re.findall(r"```python\n(.*?)```", readme, re.DOTALL)
    assert len(snippet.splitlines()) == 4
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(snippet, {})
    assert float(printed.getvalue()) >= 475
