r"""Check the words of a setting that the run itself reads."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .._validate import check_count, check_positive, check_range

__all__ = ["READERS", "Schedule"]

Schedule = Callable[[int], float]
FULL = "full"


def _seed(name: str, value: Any) -> int:
    return check_count(name, value, least=0)


def _same(name: str, value: Any) -> Any:
    return value


def _schedule(name: str, value: Any) -> Any:
    if value is not None and not callable(value):
        raise TypeError(
            f"{name}: expected a function of the number of updates made, got "
            f"{value!r}; try functools.partial(coursekit.schedules.cosine, total=100)"
        )
    return value


def _size(name: str, value: Any) -> int | None:
    return None if value in (None, FULL) else check_count(name, value)


def _share(name: str, value: Any) -> float:
    return check_range(name, value, 0, 1)


def _bound(name: str, value: Any) -> float | None:
    return None if value is None else check_positive(name, value)


def _pair(name: str, value: Any) -> tuple[Any, Any] | None:
    if value is None:
        return None
    if not isinstance(value, tuple | list) or len(value) != 2:
        raise TypeError(f"{name}: expected a pair of numbers, got {value!r}")
    return value[0], value[1]


def _noise(name: str, value: Any) -> tuple[float, float] | None:
    pair = _pair(name, value)
    if pair is None:
        return None
    eta, gamma = (check_positive(name, number, zero=True) for number in pair)
    return eta, gamma


def _ahead(name: str, value: Any) -> tuple[int, float] | None:
    pair = _pair(name, value)
    if pair is None:
        return None
    return check_count(f"{name}[0]", pair[0]), check_range(f"{name}[1]", pair[1], 0, 1)


READERS: dict[str, Callable[[str, Any], Any]] = {
    "seed": _seed,
    "schedule": _schedule,
    "init": _same,
    "gain": check_positive,
    "batch_size": _size,
    "n_train": _size,
    "label_noise": _share,
    "clip_norm": _bound,
    "clip_value": _bound,
    "gradient_noise": _noise,
    "lookahead": _ahead,
}
