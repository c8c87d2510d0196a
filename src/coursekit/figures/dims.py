r"""Name the dimensions of a sweep and the arrays over them.

A :class:`Dim` lists the settings that were run; an :class:`Array` holds numbers over
named dimensions in the few bytes of :mod:`coursekit.figures.encoding`. From the start
it holds the *stored* values: what a figure shows, a sentence says and a test compares
has passed through the encoding already.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from .encoding import Codes, decode, encode
from .numbers import exact_name


@dataclass(frozen=True)
class Dim:
    """Name one dimension of a sweep: the settings that were run, nothing between.

    Args:
        name: Identifier, used by arrays, controls and sentences.
        label: Words for a reader, with the symbol: ``"batch size B"``.
        values: The settings, numbers or strings.
        names: How each setting reads; numbers in full if omitted.
        unit: Unit of the values, spoken after the name.
        log: Whether an axis of these values is logarithmic.
        ordered: Whether the settings form an ordered family (depth, B, η), which is
            drawn as one line in focus over grey context.

    Raises:
        ValueError: If there are no values, or not one name for each.
    """

    name: str
    label: str
    values: Sequence[Any]
    names: Sequence[str] | None = None
    unit: str = ""
    log: bool = False
    ordered: bool = False

    def __post_init__(self) -> None:
        values = tuple(_plain(v) for v in self.values)
        names = tuple(self.names) if self.names else tuple(map(exact_name, values))
        if not self.name.isidentifier():
            raise ValueError(f"Dim name {self.name!r}: expected an identifier")
        if not values:
            raise ValueError(f"Dim {self.name!r} has no values; give at least one")
        if len(names) != len(values):
            raise ValueError(
                f"Dim {self.name!r}: {len(names)} names for {len(values)} values"
            )
        object.__setattr__(self, "values", values)
        object.__setattr__(self, "names", names)

    def __len__(self) -> int:
        return len(self.values)

    @property
    def numeric(self) -> bool:
        """Whether all settings are numbers, so that they can form an axis."""
        return not any(isinstance(v, str) for v in self.values)

    @property
    def positions(self) -> tuple[float, ...]:
        """Where the settings lie on an axis: their values or their order."""
        if self.numeric:
            return tuple(float(v) for v in self.values)
        return tuple(float(k) for k in range(len(self)))

    def index(self, value: Any) -> int:
        """Find a setting by its value or its name.

        Args:
            value: A member of ``values`` (numbers to a relative 1e-9) or of ``names``.

        Returns:
            Its place among the values.

        Raises:
            ValueError: If there is no such setting.
        """
        for k, known in enumerate(self.values):
            if _same(known, value):
                return k
        if value in self.names:  # type: ignore[operator]
            return self.names.index(value)  # type: ignore[union-attr]
        raise ValueError(
            f"{self.name}={value!r} was not run; its settings are {list(self.values)}"
        )

    def to_json(self) -> dict[str, Any]:
        """Return the header entry of this dimension.

        Returns:
            A JSON-ready mapping.
        """
        return {
            "label": self.label,
            "values": list(self.values),
            "names": list(self.names or ()),
            "unit": self.unit,
            "log": self.log,
            "ordered": self.ordered,
        }


class Array:
    """Hold one encoded array over named dimensions, slowest first, time last.

    Args:
        values: Numbers; NaN means missing, ±∞ diverged.
        dims: Names of the dimensions, in the order of the axes.
        encoding: One of :data:`coursekit.figures.encoding.ENCODINGS`.

    Raises:
        ValueError: If names and axes differ in number, or values do not fit the code.
    """

    def __init__(self, values: Any, dims: Sequence[str], encoding: str = "i16") -> None:
        numbers = np.asarray(values, dtype=float)
        self.dims = (dims,) if isinstance(dims, str) else tuple(dims)
        if numbers.ndim != len(self.dims):
            raise ValueError(
                f"an array of shape {numbers.shape} needs {numbers.ndim} dimension "
                f"names, got {self.dims}"
            )
        self.codes = encode(numbers, encoding)

    @classmethod
    def from_codes(cls, codes: Codes, dims: Sequence[str]) -> Array:
        """Wrap codes that are already there.

        Args:
            codes: Encoded values.
            dims: Names of the dimensions.

        Returns:
            The array.
        """
        array = cls.__new__(cls)
        array.dims, array.codes = tuple(dims), codes
        return array

    @property
    def encoding(self) -> str:
        """Name of the encoding."""
        return self.codes.encoding

    @property
    def shape(self) -> tuple[int, ...]:
        """Lengths of the dimensions."""
        return self.codes.integers.shape

    @cached_property
    def values(self) -> np.ndarray:
        """Values as stored, in float64, read-only."""
        values = decode(self.codes)
        values.flags.writeable = False
        return values


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value


def _same(known: Any, value: Any) -> bool:
    if isinstance(known, str) or isinstance(value, str):
        return known == value
    try:
        return bool(abs(known - value) <= 1e-9 * max(abs(known), abs(value)))
    except TypeError:
        return False
