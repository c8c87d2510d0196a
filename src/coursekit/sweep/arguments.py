r"""Read the arguments of ``sweep``: how long, how often, how far."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from .._validate import check_count, check_number, check_positive
from .setting import Setting

__all__ = ["read_every", "read_steps", "read_until", "when"]


def read_steps(
    settings: Sequence[Setting], n: int, steps: int | None, epochs: float | None
) -> list[int]:
    """Count the updates of each setting.

    Args:
        settings: All settings.
        n: Number of training examples.
        steps: Updates of each run.
        epochs: In place of steps, passes over the training set of each run.

    Returns:
        One number a setting.

    Raises:
        ValueError: If there is no setting, both or none of the lengths, or a
            training subset that is larger than the set.
    """
    if not settings:
        raise ValueError("settings: expected at least one, got none; try grid(lr=0.1)")
    if (steps is None) == (epochs is None):
        raise ValueError(
            f"steps: expected either steps or epochs, got steps={steps} and "
            f"epochs={epochs}"
        )
    for setting in settings:
        if setting.n_train is not None and setting.n_train > n:
            raise ValueError(
                f"n_train: expected at most {n}, the examples there are, got "
                f"{setting.n_train}"
            )
    if steps is not None:
        return [check_count("steps", steps)] * len(settings)
    passes = check_positive("epochs", epochs)
    sizes = [setting.n_train or n for setting in settings]
    return [
        math.ceil(passes * size / min(setting.batch_size or size, size))
        for setting, size in zip(settings, sizes, strict=True)
    ]


def read_every(every: int | None) -> int | None:
    """Check how often to measure.

    Args:
        every: Updates between measurements; None for the end alone.

    Returns:
        The same.
    """
    return None if every is None else check_count("every", every)


def when(steps: int, every: int | None) -> tuple[int, ...]:
    """List the numbers of updates at which a run is measured.

    Args:
        steps: Its number of updates.
        every: Updates between measurements; None for the end alone.

    Returns:
        In rising order; the end is always there, the beginning if ``every`` is.

    Example:
        >>> when(10, 4), when(8, 4), when(10, None)
        ((0, 4, 8, 10), (0, 4, 8), (10,))
    """
    if every is None:
        return (steps,)
    return (*range(0, steps, every), steps)


def read_until(
    until: Mapping[str, float] | None, probes: Mapping[str, Any], every: int | None
) -> dict[str, float]:
    """Check when runs stop early.

    Args:
        until: Name of a probe to the value at or below which a run stops.
        probes: What is measured.
        every: How often.

    Returns:
        The same as a dictionary.

    Raises:
        ValueError: If it would never be looked at.
    """
    found = dict(until or {})
    for name, value in found.items():
        check_number(f"until[{name!r}]", value)
        if name not in probes:
            raise ValueError(
                f"until: expected the name of a probe, got {name!r}; add it to probes="
            )
        if every is None:
            raise ValueError(
                "until: expected every=, the updates between measurements, got None; "
                "without it a run is measured at its end alone"
            )
    return found
