r"""Arrange the runs of a sweep for the eye: in time, over words, in words.

In what is drawn infinite means diverged and NaN not measured. A run that was
stopped early keeps the value that it had; one that diverged has none from there
on. Batch losses are means over windows, because a curve of every batch is noise
and weighs megabytes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from .result import Sweep

__all__ = [
    "calm",
    "course",
    "ends",
    "is_log",
    "is_numeric",
    "label_of",
    "names_of",
    "one_number",
    "thin",
]

LABELS = {
    "lr": "learning rate η",
    "batch_size": "batch size B",
    "n_train": "training examples N",
    "gain": "gain of the init",
    "loss": "loss of the batch",
    "train_acc": "training accuracy",
    "train_loss": "training loss",
    "test_acc": "test accuracy",
    "test_loss": "test loss",
    "step": "updates",
    "updates": "updates made",
}
DECADE = 10.0


def label_of(name: str) -> str:
    """Write a word of a setting or the name of a probe for a reader.

    Args:
        name: The word.

    Returns:
        Its label.

    Example:
        >>> label_of("lr"), label_of("label_noise")
        ('learning rate η', 'label noise')
    """
    return LABELS.get(name, name.replace("_", " "))


def names_of(values: list[Any]) -> list[str]:
    """Write values of a word.

    Args:
        values: The values.

    Returns:
        A text each.

    Example:
        >>> names_of([0.1, 10000.0, None, (0.9, 0.99), "adam"])
        ['0.1', '10000', 'none', '(0.9, 0.99)', 'adam']
    """
    short = [f"{v:.6g}" if isinstance(v, float) else str(v) for v in values]
    return ["none" if v is None else n for v, n in zip(values, short, strict=True)]


def is_numeric(values: list[Any]) -> bool:
    """Tell whether values can lie on an axis.

    Args:
        values: Values of a word.

    Returns:
        True if all are finite numbers.
    """
    kinds = all(isinstance(v, int | float) and not isinstance(v, bool) for v in values)
    return kinds and bool(np.isfinite(np.array(values, float)).all())


def is_log(values: list[Any]) -> bool:
    """Tell whether an axis of these values should be logarithmic.

    Args:
        values: Values of a word.

    Returns:
        True for positive numbers over a decade or more.
    """
    return (
        is_numeric(values) and min(values) > 0 and max(values) >= DECADE * min(values)
    )


def course(sweep: Sweep, name: str) -> np.ndarray:
    """Follow one quantity through time.

    Args:
        sweep: The runs.
        name: A probe, or ``"loss"``.

    Returns:
        ``[setting, time]``; infinite from where a run has diverged.
    """
    values = one_number(sweep, name).copy()
    times = sweep.times(name)
    for row, status in enumerate(sweep.status):
        after = times > sweep.updates[row]
        if status == "diverged":
            values[row, after] = np.inf
            values[row, ~np.isfinite(values[row]) & ~np.isnan(values[row])] = np.inf
        elif status == "stopped" and after.any() and not after.all():
            values[row, after] = values[row, ~after][-1]
    return values


def ends(sweep: Sweep, name: str) -> np.ndarray:
    """Return final values for the eye.

    Args:
        sweep: The runs.
        name: A probe, ``"loss"`` or ``"updates"``.

    Returns:
        ``[setting]``; infinite if a run has diverged.
    """
    one_number(sweep, name)
    diverged = np.array([status == "diverged" for status in sweep.status])
    return np.where(diverged, np.inf, sweep.final(name))


def one_number(sweep: Sweep, name: str) -> np.ndarray:
    """Return values that are one number a run and time.

    Args:
        sweep: The runs.
        name: What was measured.

    Returns:
        ``[setting, time]``.

    Raises:
        ValueError: If there are several.
    """
    values = sweep.values(name)
    if values.ndim > 2:
        raise ValueError(
            f"y: expected one number a run, got {name!r} with "
            f"{list(values.shape[2:])}; draw its array with "
            "coursekit.figures.plots.layer_lines"
        )
    return values


def thin(values: np.ndarray, times: np.ndarray, most: int, mean: bool) -> Any:
    """Keep a few of many times.

    Args:
        values: ``[setting, time]``.
        times: When.
        most: Largest number to keep.
        mean: Whether to take means over windows, else single values.

    Returns:
        The values, the times (of a window its end), and the length of a window.

    Example:
        >>> thin(np.array([[4.0, 2.0, 1.0, 1.0]]), np.arange(1, 5), 2, mean=True)
        (array([[3., 1.]]), array([2, 4]), 2)
    """
    n = len(times)
    if n <= most:
        return values, times, 1
    if not mean:
        kept = np.unique(np.round(np.linspace(0, n - 1, most)).astype(int))
        return values[:, kept], times[kept], 1
    window = -(-n // most)
    starts = np.arange(0, n, window)
    lengths = np.diff(starts, append=n)
    with np.errstate(invalid="ignore"):
        means = np.add.reduceat(values, starts, axis=1) / lengths
    return means, times[starts + lengths - 1], window


def calm(parts: list[np.ndarray]) -> np.ndarray:
    """Collect the values that an axis should show.

    Args:
        parts: Values of one setting each; infinite where a run has diverged.

    Returns:
        All finite values of the settings that do not diverge, because the last
        breaths of a diverging one would flatten the others; of all if all do.
    """
    flat = [part.ravel() for part in parts]
    chosen = [part for part in flat if not np.isinf(part).any()] or flat
    known = np.concatenate([*chosen, np.empty(0)])
    known = known[np.isfinite(known)]
    return known if known.size else np.array([0.0, 1.0])
