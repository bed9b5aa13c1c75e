"""What Python hands to the engine is checked here, every argument by its name.

The extension module by itself would narrow whole numbers silently where it converts arrays, and its refusals list C++ signatures.
check_module() puts a function in front of each of its functions and methods; the signatures that nanobind wrote say what each
argument must be. Refusals are one line with the function, the argument and its value: TypeError for a value of a wrong kind,
ValueError for one out of range.
"""

from __future__ import annotations

import functools
import inspect
import operator
import re
from typing import Any, Callable, Iterable

import numpy as np

# The thin layer makes these arguments itself, at every step.
UNCHECKED = {"EnvBatch.step", "EnvBatch.reset", "Env.step", "Env.reset", "Env.observation"}


def shown(value: Any) -> str:
    """A value in a message: one line, not long."""
    if isinstance(value, np.ndarray) and value.ndim > 0:
        return f"an array of {value.dtype}, shape {value.shape}"
    text = " ".join(repr(value).split())
    return text if len(text) <= 60 else text[:57] + "..."


def whole(name: str, value: Any, least: int = -2**63, most: int = 2**64 - 1) -> int:
    """A whole number. Raises TypeError or ValueError that names it."""
    try:
        number = operator.index(value)
    except TypeError:
        raise TypeError(f"{name} is {shown(value)}, must be a whole number") from None
    if not least <= number <= most:
        limits = f"at least {least}" if number < least and least >= 0 else f"from {least} to {most}"
        raise ValueError(f"{name} is {number}, must be {limits}")
    return number


def real(name: str, value: Any) -> float:
    """A number."""
    try:
        if isinstance(value, (str, bytes)):
            raise TypeError
        return float(value)
    except (TypeError, ValueError):
        raise TypeError(f"{name} is {shown(value)}, must be a number") from None


def flag(name: str, value: Any) -> bool:
    """A bool, of Python or NumPy; the whole numbers 0 and 1 are taken for one."""
    if isinstance(value, (bool, np.bool_)) or (isinstance(value, (int, np.integer)) and value in (0, 1)):
        return bool(value)
    raise TypeError(f"{name} is {shown(value)}, must be a bool")


def text(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{name} is {shown(value)}, must be a text")
    return value


def wholes(name: str, value: Any, count: int | None = None) -> list[int]:
    """A sequence of whole numbers."""
    what = "whole numbers" if count is None else f"{count} whole numbers"
    if isinstance(value, (str, bytes)) or not isinstance(value, Iterable):
        raise TypeError(f"{name} is {shown(value)}, must be a sequence of {what}")
    numbers = [whole(name, number) for number in value]
    if count is not None and len(numbers) != count:
        raise ValueError(f"{name} is {shown(value)}, must be {what}")
    return numbers


def array(name: str, value: Any, dtype: Any) -> np.ndarray[Any, Any]:
    """An array that is read: of `dtype`, in rows. Nothing of a whole number is lost; numbers with digits are rounded to dtype."""
    dtype = np.dtype(dtype)
    try:
        found = np.asarray(value)
    except ValueError:
        raise TypeError(f"{name} is {shown(value)}, which is no array: its rows differ in length") from None
    if found.dtype.kind not in ("b" if dtype.kind == "b" else "biuf"):
        raise TypeError(f"{name} is {shown(value)}, must be an array of {'bools' if dtype.kind == 'b' else 'numbers'}")
    if dtype.kind == "i" and found.dtype != dtype and found.size > 0:
        limits = np.iinfo(dtype)
        wrong = found != np.trunc(found) if found.dtype.kind == "f" else np.zeros(found.shape, np.bool_)
        what = "a whole number"
        if not wrong.any():
            wrong = (found < limits.min) | (found > limits.max)
            what = f"from {limits.min} to {limits.max}"
        if wrong.any():
            place = tuple(int(i) for i in np.argwhere(wrong)[0])
            at = f" at {list(place)}" if place else ""
            raise ValueError(f"{name} has {found[place]}{at}, must be {what}")
    return np.ascontiguousarray(found, dtype).reshape(found.shape)


def written(name: str, value: Any, dtypes: list[Any]) -> np.ndarray[Any, Any]:
    """An array that is written where it lies."""
    kinds = " or ".join(str(np.dtype(dtype)) for dtype in dtypes)
    if not isinstance(value, np.ndarray) or value.dtype not in dtypes or not value.flags.c_contiguous or not value.flags.writeable:
        found = shown(value)
        if isinstance(value, np.ndarray) and value.dtype in dtypes:
            found += ", not contiguous" if not value.flags.c_contiguous else ", read-only"
        raise TypeError(f"{name} is {found}: it is written in place and must be a contiguous, writable array of {kinds}")
    return value


class Parameter:
    """What a parameter must be, over all overloads."""

    def __init__(self, name: str):
        self.name = name
        self.annotations: list[str] = []

    def convert(self, value: Any, floats: Any) -> Any:
        """`floats` is the type of all arrays of numbers with digits."""
        kinds = [annotation.removesuffix(" | None") for annotation in self.annotations]
        if value is None and self.annotations[0].endswith(" | None"):
            return None
        kind = kinds[0]
        if kind.startswith("ndarray["):
            dtypes = [re.findall(r"dtype=(\w+)", kind)[0] for kind in kinds]
            if "writable=False" not in kind:
                return written(self.name, value, [np.dtype(dtype) for dtype in dtypes])
            return array(self.name, value, dtypes[0] if len(set(dtypes)) == 1 else floats)
        if kind == "tuple[int, int]":
            return tuple(wholes(self.name, value, 2))
        if kind == "collections.abc.Sequence[int]":
            return wholes(self.name, value)
        convert = {"int": whole, "float": real, "bool": flag, "str": text}.get(kind)
        return convert(self.name, value) if convert is not None else value

    @property
    def follows_floats(self) -> bool:
        return len({*self.annotations}) > 1


def parameters_of(function: Any) -> tuple[inspect.Signature, dict[str, Parameter]]:
    """From nanobind's own description, which has a line for each overload."""
    found: dict[str, Parameter] = {}
    order: list[inspect.Parameter] = []
    for number, (signature, _doc, defaults) in enumerate(function.__nb_signature__):
        body = signature[signature.index("(") + 1 : signature.rindex(")")] if "->" not in signature else (
            signature[signature.index("(") + 1 : signature.rindex(") ->")])
        kind: Any = inspect.Parameter.POSITIONAL_OR_KEYWORD
        for piece in re.split(r", (?![^\[]*\])", body):
            if piece == "*":
                kind = inspect.Parameter.KEYWORD_ONLY
                continue
            name, _, rest = piece.partition(": ")
            annotation, _, default = rest.partition(" = ")
            found.setdefault(name, Parameter(name)).annotations.append(annotation)
            if number == 0 and name:
                usual = defaults[int(default[1:])] if default else inspect.Parameter.empty  # "\\3": the fourth
                order.append(inspect.Parameter(name, kind, default=usual))
    return inspect.Signature(order), found


def checked(function: Any, title: str) -> Callable[..., Any]:
    """`function` behind its checks; `title` names it in messages."""
    signature, parameters = parameters_of(function)

    def convert(arguments: inspect.BoundArguments) -> None:
        given = arguments.arguments
        floats = {name: value.dtype for name, value in given.items()
                  if parameters[name].follows_floats and isinstance(value, np.ndarray) and value.dtype.kind == "f"}
        if len({*floats.values()} & {np.dtype(np.float32), np.dtype(np.float64)}) > 1:
            raise TypeError("arrays are of two types: " + ", ".join(f"{name} is {dtype}" for name, dtype in floats.items()))
        dtype = np.float64 if np.dtype(np.float64) in floats.values() else np.float32
        for name, value in given.items():
            if name != "self":
                given[name] = parameters[name].convert(value, dtype)

    @functools.wraps(function, assigned=("__name__", "__qualname__", "__doc__", "__module__"), updated=())
    def call(*values: Any, **named: Any) -> Any:
        try:
            arguments = signature.bind(*values, **named)
            convert(arguments)
        except (TypeError, ValueError) as error:
            raise type(error)(f"{title}: {error}") from None
        try:
            return function(*arguments.args, **arguments.kwargs)
        except TypeError as error:
            if not str(error).startswith(("__init__(): incompatible", f"{function.__name__}(): incompatible")):
                raise
        given = {name: value for name, value in arguments.arguments.items() if name != "self"}
        odd = {name: value for name, value in given.items() if isinstance(value, int) and not 0 <= value < 2**31} or given
        raise ValueError(f"{title}: out of range: " + ", ".join(f"{name} is {shown(value)}" for name, value in odd.items()))

    call.__signature__ = signature  # type: ignore[attr-defined]
    call.__nb_signature__ = function.__nb_signature__  # type: ignore[attr-defined]
    return call


def construct(cls: Any, title: str, **values: Any) -> Any:
    """cls(**values), checked."""
    return checked(lambda_of(cls), title)(**values)


def lambda_of(cls: Any) -> Any:
    """The class as a function that has its __init__'s signature."""

    def make(*values: Any, **named: Any) -> Any:
        return cls(*values, **named)

    make.__name__ = "__init__"
    make.__nb_signature__ = tuple((line.replace("(self, ", "("), *rest)  # type: ignore[attr-defined]
                                  for line, *rest in cls.__init__.__nb_signature__)
    return make


def checked_class(cls: Any) -> Any:
    """A subclass that checks what it is made from."""
    init = checked(cls.__init__, cls.__name__)
    return type(cls.__name__, (cls,), {"__init__": init, "__doc__": cls.__doc__, "__module__": "bellman", "__slots__": ()})


def check_module(module: Any) -> None:
    """Puts the checks in front of all functions, and of all methods but constructors: checked_class() and construct() do those."""
    for holder in (module, module.ops):
        for name, function in list(vars(holder).items()):
            if hasattr(function, "__nb_signature__"):
                setattr(holder, name, checked(function, name))
    for cls in [value for value in vars(module).values() if isinstance(value, type)]:
        for name, method in list(vars(cls).items()):
            title = f"{cls.__name__}.{name}"
            if hasattr(method, "__nb_signature__") and name != "__init__" and title not in UNCHECKED:
                setattr(cls, name, checked(method, re.sub("(32|64)\\.", ".", title)))
