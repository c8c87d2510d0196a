r"""Describe what a page computes by itself: continuous dimensions and closed forms.

Where an equation answers, no data is stored: a few lines of JavaScript in
``js/models/`` compute the picture in the page. The same lines stand in Python, the
*twin*, and a test runs both on random states. A twin is called with the value of every
dimension that no output runs along, and returns name to number or list.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as default
from pathlib import Path
from typing import Any

import numpy as np

from .dims import Dim
from .numbers import format_number

MODELS = Path(__file__).parent / "js" / "models"


@dataclass(frozen=True)
class Range:
    """Name one continuous dimension of a closed form.

    Args:
        name: Identifier.
        label: Words for a reader, with the symbol.
        low: Smallest value.
        high: Largest value.
        step: Distance of neighbouring slider positions; by default a 200th.
        log: Whether positions are spaced by factors (``step`` is then ignored).
        unit: Unit, spoken after the value.
        spec: Format of the value, as in sentences; by default as many places as the
            step has.

    Raises:
        ValueError: If the range is empty, or logarithmic and not positive.
    """

    name: str
    label: str
    low: float
    high: float
    step: float | None = None
    log: bool = False
    unit: str = ""
    spec: str = ""

    def __post_init__(self) -> None:
        if not self.low < self.high:
            raise ValueError(f"Range {self.name!r}: low {self.low} ≥ high {self.high}")
        if not self.spec and self.step and not self.log:
            places = len(f"{self.step:.6f}".rstrip("0").partition(".")[2])
            object.__setattr__(self, "spec", f".{places}f")
        if self.log and self.low <= 0:
            raise ValueError(f"Range {self.name!r} is log, so low must be positive")

    def read(self, value: Any) -> float:
        """Check a value of this dimension.

        Args:
            value: A number.

        Returns:
            The number.

        Raises:
            ValueError: If it lies outside the range.
        """
        if not isinstance(value, (int, float)) or not self.low <= value <= self.high:
            raise ValueError(
                f"{self.name}={value!r}: expected a number from {self.low} to "
                f"{self.high}"
            )
        return float(value)

    def name_of(self, value: float) -> str:
        """Write a value for a reader.

        Args:
            value: A number.

        Returns:
            Its text.
        """
        return format_number(value, self.spec)

    def to_json(self) -> dict[str, Any]:
        """Return the entry of this dimension in the figure's header.

        Returns:
            A JSON-ready mapping.
        """
        step = self.step or (self.high - self.low) / 200
        return {
            "label": self.label,
            "low": self.low,
            "high": self.high,
            "step": step,
            "log": self.log,
            "unit": self.unit,
            "spec": self.spec,
        }


@dataclass(frozen=True)
class ClosedForm:
    """Compute a figure's fields in the page, by a few lines with a Python twin.

    Args:
        name: File name in ``js/models/`` without its ending; it exports a function of
            the same name and, for a :class:`~coursekit.figures.marks.Surface`,
            ``<name>Field``.
        dims: Its dimensions, stored (:class:`Dim`) or continuous (:class:`Range`).
        twin: The same computation in Python.
        outputs: Name to the dimensions that the output runs along (``()``: a number).
        field: Twin of the surface, called as ``field(x, y, **inputs)``.

    Raises:
        ValueError: If there is no such model, or an output runs along an unknown or a
            continuous dimension.
    """

    name: str
    dims: Sequence[Dim | Range]
    twin: Callable[..., Mapping[str, Any]]
    outputs: Mapping[str, Sequence[str]] = default(default_factory=dict)
    field: Callable[..., Any] | None = None

    def __post_init__(self) -> None:
        if not (MODELS / f"{self.name}.js").exists():
            known = sorted(p.stem for p in MODELS.glob("*.js"))
            raise ValueError(f"no model {self.name!r} in js/models; there are {known}")
        object.__setattr__(self, "dims", tuple(self.dims))
        named = {d.name: d for d in self.dims}
        for output, axes in self.outputs.items():
            for axis in axes:
                if not isinstance(named.get(axis), Dim):
                    raise ValueError(
                        f"output {output!r} runs along {axis!r}, which is not a Dim of "
                        f"this closed form; it has {sorted(named)}"
                    )

    @property
    def inputs(self) -> tuple[str, ...]:
        """Dimensions whose values the twin is called with."""
        axes = {a for dims in self.outputs.values() for a in dims}
        return tuple(d.name for d in self.dims if d.name not in axes)

    def evaluate(self, **inputs: Any) -> dict[str, np.ndarray]:
        """Call the twin and check what it returns.

        Args:
            **inputs: Value of each of :attr:`inputs`.

        Returns:
            Name to array over the output's dimensions.

        Raises:
            ValueError: If an output is missing or has a wrong shape.
        """
        found, sizes = self.twin(**inputs), {d.name: d for d in self.dims}
        arrays = {}
        for name, axes in self.outputs.items():
            if name not in found:
                raise ValueError(f"the twin of {self.name!r} returned no {name!r}")
            arrays[name] = np.asarray(found[name], dtype=float)
            shape = tuple(len(sizes[a]) for a in axes)  # type: ignore[arg-type]
            if arrays[name].shape != shape:
                raise ValueError(
                    f"the twin of {self.name!r} returned {name!r} of shape "
                    f"{arrays[name].shape}; its dimensions {tuple(axes)} need {shape}"
                )
        return arrays
