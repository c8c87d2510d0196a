r"""Name a value by everything that it would do.

Two runs are the same if whatever decides their numbers is the same. Numbers, words
and arrays are what they are. A function is its code, its defaults, the values it
closes over and the plain globals it names; a module is its structure, its weights
and the code of its classes. What functions of a library call is known by name.
"""

from __future__ import annotations

import functools
import hashlib
import types
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

__all__ = ["digest", "identity"]

LIBRARIES = {"torch", "numpy", "coursekit", "builtins", "math", "functools"}
SIMPLE = (type(None), bool, int, float, complex, str, bytes, range)


def digest(value: Any) -> str:
    """Hash a value by what it would do.

    Args:
        value: Anything.

    Returns:
        A hexadecimal digest.

    Example:
        >>> digest({"lr": 0.1, "k": 2}) == digest({"k": 2, "lr": 0.1})
        True
        >>> digest(lambda x: x + 1) == digest(lambda x: x + 2)
        False
    """
    return hashlib.sha256(identity(value).encode()).hexdigest()


def identity(value: Any, seen: tuple[int, ...] = ()) -> str:
    """Write down what a value is.

    Args:
        value: Anything.
        seen: What is being written already.

    Returns:
        A text, equal for values that do the same.
    """
    if isinstance(value, Enum):
        return f"{_name(type(value))}.{value.name}"
    if isinstance(value, SIMPLE):
        return f"{type(value).__name__} {value!r}"
    if id(value) in seen:
        return "itself"
    parts = _parts(value)
    inside = "; ".join(
        f"{name} = {identity(part, (*seen, id(value)))}" for name, part in parts
    )
    return f"{_name(type(value))}({inside})"


def _parts(value: Any) -> list[tuple[str, Any]]:
    if isinstance(value, Tensor | np.ndarray | np.generic):
        return _array(value)
    if isinstance(value, Mapping):
        pairs = [(identity(key), each) for key, each in value.items()]
        return sorted(pairs, key=lambda pair: pair[0])
    if isinstance(value, AbstractSet):
        return [("", each) for each in sorted(identity(each) for each in value)]
    if isinstance(value, Sequence):
        return [("", each) for each in value]
    if isinstance(value, functools.partial):
        pairs = {"args": value.args, "words": value.keywords, "of": value.func}
        return [*pairs.items()]
    if isinstance(value, types.MethodType):
        return [("of", value.__self__), ("code", value.__func__)]
    if isinstance(value, types.FunctionType):
        return _function(value)
    if isinstance(value, type):
        return [("name", _name(value)), *_class(value)]
    return _object(value)


def _object(value: Any) -> list[tuple[str, Any]]:
    if isinstance(value, nn.Module):
        kinds = {type(layer) for layer in value.modules()}
        code = [(_name(kind), part) for kind in kinds for part in _class(kind)]
        tensors = [*value.state_dict().items()]
        return [("repr", repr(value)), *sorted(code, key=str), *tensors]
    if is_dataclass(value):
        return [(each.name, getattr(value, each.name)) for each in fields(value)]
    if callable(value) and hasattr(value, "__qualname__"):  # of a library, in C
        return [("name", f"{value.__module__}.{value.__qualname__}")]
    if isinstance(value, torch.dtype | torch.device):
        return [("", str(value))]
    return [*sorted(getattr(value, "__dict__", {}).items()), *_class(type(value))]


def _array(value: Any) -> list[tuple[str, Any]]:
    if isinstance(value, Tensor):
        tensor = value.detach().cpu().contiguous()
        raw = tensor.reshape(-1).view(torch.uint8).numpy().tobytes()
    else:
        tensor = np.ascontiguousarray(value)
        raw = tensor.tobytes()
    sha = hashlib.sha256(raw).hexdigest()
    return [("type", str(tensor.dtype)), ("shape", tuple(tensor.shape)), ("sha", sha)]


def _class(kind: type) -> list[tuple[str, Any]]:
    # its own functions and plain values; those of libraries are known by name
    return [
        (f"{base.__name__}.{name}", part)
        for base in kind.__mro__
        if base.__module__.partition(".")[0] not in LIBRARIES
        for name, part in sorted(vars(base).items())
        if isinstance(part, types.FunctionType)
        or (isinstance(part, SIMPLE) and name[:2] != "__")
    ]


def _function(value: types.FunctionType) -> list[tuple[str, Any]]:
    cells = [_content(cell) for cell in value.__closure__ or ()]
    held = [("defaults", value.__defaults__), ("words", value.__kwdefaults__)]
    held += [("closure", cells)]
    if value.__module__.partition(".")[0] in LIBRARIES:
        name = f"{value.__module__}.{value.__qualname__}"
        return [("name", name), *_code(value.__code__), *held]
    known = value.__globals__
    named = [
        (n, known[n])
        for n in sorted(set(_names(value.__code__)))
        if n in known
        and isinstance(known[n], (types.FunctionType, type, Tensor, *SIMPLE))
    ]
    return [*_code(value.__code__), *held, *named]


def _code(code: types.CodeType) -> list[tuple[str, Any]]:
    inner = [c for c in code.co_consts if isinstance(c, types.CodeType)]
    plain = [c for c in code.co_consts if not isinstance(c, types.CodeType)]
    mine = [("code", code.co_code), ("constants", plain), ("names", code.co_names)]
    return mine + [part for each in inner for part in _code(each)]


def _names(code: types.CodeType) -> Iterator[str]:
    yield from code.co_names
    for const in code.co_consts:
        if isinstance(const, types.CodeType):
            yield from _names(const)


def _content(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # not filled yet: a function that calls itself
        return None


def _name(kind: type) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"
