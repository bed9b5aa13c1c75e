"""The stubs of the extension module name what it has: every class and function, and their parameters."""

from __future__ import annotations

import ast
import pathlib
import re
from typing import Any

import pytest

import bellman
from bellman import _bellman

FOLDER = pathlib.Path(__file__).resolve().parents[1] / "bellman" / "_bellman"


def parameters_of(function: Any) -> list[str]:
    """Of the first overload, as nanobind writes its signature."""
    signature = function.__nb_signature__[0][0]
    return re.findall(r"(?:\(|, )(\w+)(?=[:,)])", re.sub(r"\[[^\[\]]*\]", "", re.sub(r"\[[^\[\]]*\]", "", signature)))


def check(stub: list[ast.stmt], runtime: Any, where: str) -> int:
    named = {node.name: node for node in stub if isinstance(node, (ast.ClassDef, ast.FunctionDef))}
    has = {name for name in vars(runtime)
           if not name.startswith("_") or name in ("__init__", "__len__", "__getitem__", "__setitem__")}
    assert named.keys() - {"__init__"} == has - {"__init__", "ops"}, where
    count = 0
    for name, node in named.items():
        value = vars(runtime)[name]
        if isinstance(node, ast.ClassDef):
            if name != "Error":
                count += check(node.body, value, name)
        elif hasattr(value, "__nb_signature__"):
            arguments = [argument.arg for argument in (*node.args.args, *node.args.kwonlyargs)]
            unnamed = [argument for argument in arguments if not argument.startswith("arg")]
            found = [argument for argument in parameters_of(value) if not argument.startswith("arg")]
            assert unnamed == found, f"{where}.{name}"
            count += 1
    return count


@pytest.mark.parametrize("file, module", [("__init__.pyi", _bellman), ("ops.pyi", _bellman.ops)])
def test_the_stub_is_of_this_module(file: str, module: Any) -> None:
    assert check(ast.parse((FOLDER / file).read_text()).body, module, file) > 15


def test_everything_says_what_it_is() -> None:
    for name in bellman.__all__:
        if name == "Error":  # nanobind's exceptions have no text of their own
            continue
        assert getattr(bellman, name).__doc__, name
    for name, function in vars(_bellman.ops).items():
        assert name.startswith("__") or function.__doc__, name
