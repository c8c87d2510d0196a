r"""Store the runs behind a figure: named dimensions, arrays over them, provenance.

A figure shows runs that took longer than a chapter may take. They are made once, by
one command, and kept in a ``.cube`` file beside the chapter (its format stands in
:mod:`coursekit.figures.cube_file`), where a few settings of each are run again
(:mod:`coursekit.figures.verify`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from . import cube_file
from .dims import Array, Dim
from .runs import provenance, seed_arrays
from .verify import Verification, verify

__all__ = ["Array", "Cube", "Dim", "provenance", "seed_arrays"]


@dataclass(frozen=True)
class Cube:
    """Hold everything a figure shows: dimensions, arrays over them, provenance.

    Args:
        dims: The dimensions, as a sequence.
        arrays: Name to :class:`Array`.
        provenance: What :func:`coursekit.figures.provenance` returns.

    Raises:
        ValueError: If an array names an unknown dimension or has another length.

    Example:
        >>> depth = Dim("depth", "layers", [2, 4, 8], ordered=True)
        >>> cube = Cube([depth], {"loss": Array([0.5, 0.25, 0.75], ["depth"])})
        >>> round(float(cube.sel("loss", depth=4)), 4), cube.numbers
        (0.25, 3)
    """

    dims: Sequence[Dim]
    arrays: Mapping[str, Array]
    provenance: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "dims", tuple(self.dims))
        object.__setattr__(self, "arrays", dict(self.arrays))
        sizes = {d.name: len(d) for d in self.dims}
        if len(sizes) < len(self.dims):
            raise ValueError(f"two dimensions share a name: {[*sizes]}")
        for name, array in self.arrays.items():
            if unknown := set(array.dims) - set(sizes):
                raise ValueError(
                    f"array {name!r} has unknown dimensions {sorted(unknown)}; "
                    f"this cube has {sorted(sizes)}"
                )
            expected = tuple(sizes[d] for d in array.dims)
            if array.shape != expected:
                raise ValueError(
                    f"array {name!r} has shape {array.shape}, but its dimensions "
                    f"{array.dims} have lengths {expected}"
                )
        if shared := set(sizes) & set(self.arrays):
            raise ValueError(f"{sorted(shared)} name both a dimension and an array")

    @property
    def numbers(self) -> int:
        """How many numbers are stored."""
        return sum(prod(a.shape) for a in self.arrays.values())

    @property
    def deflated_bytes(self) -> int:
        """Size of the data in a page, before base64."""
        return len(cube_file.pack(self.arrays)[1])

    def dim(self, name: str) -> Dim:
        """Return a dimension by name.

        Args:
            name: Its name.

        Returns:
            The dimension.

        Raises:
            ValueError: If there is none.
        """
        for dim in self.dims:
            if dim.name == name:
                return dim
        raise ValueError(
            f"no dimension {name!r}; there are {[d.name for d in self.dims]}"
        )

    def sel(self, array: str, **where: Any) -> np.ndarray:
        """Select by setting: a value or a name of a dimension, never a position.

        Args:
            array: Name of an array.
            **where: Setting of each dimension to fix.

        Returns:
            The stored values over the remaining dimensions.
        """
        return self.isel(array, **{d: self.dim(d).index(v) for d, v in where.items()})

    def isel(self, array: str, **where: int) -> np.ndarray:
        """Select by position along dimensions; -1 is the last.

        Args:
            array: Name of an array.
            **where: Position along each dimension to fix.

        Returns:
            The stored values over the remaining dimensions.

        Raises:
            ValueError: If there is no such array, or it lacks a dimension named here.
        """
        if array not in self.arrays:
            raise ValueError(f"no array {array!r}; there are {sorted(self.arrays)}")
        found = self.arrays[array]
        if unknown := set(where) - set(found.dims):
            raise ValueError(
                f"array {array!r} has dimensions {found.dims}, not {sorted(unknown)}"
            )
        return found.values[tuple(where.get(d, slice(None)) for d in found.dims)]

    def verify(
        self,
        rerun: Callable[..., Mapping[str, Any]],
        settings: int = 3,
        rtol: float = 0.01,
        over: Sequence[str] | None = None,
    ) -> Verification:
        """Run a few settings again and compare; see :mod:`coursekit.figures.verify`.

        Args:
            rerun: Called with one keyword a dimension; returns name to values.
            settings: How many settings to run.
            rtol: Relative tolerance, beside one step of the encoding.
            over: The dimensions that make a setting; by default the shared ones.

        Returns:
            A report whose text is stable while all agree.
        """
        return verify(self, rerun, settings, rtol, over)

    def save(self, path: str | Path) -> Path:
        """Write the ``.cube`` file, at most 130 KB.

        Args:
            path: Where to.

        Returns:
            The path.
        """
        return cube_file.write(self, path)

    @classmethod
    def load(cls, path: str | Path) -> Cube:
        """Read a ``.cube`` file.

        Args:
            path: Where from.

        Returns:
            The cube, equal code for code to the one saved.
        """
        return cls(*cube_file.read(path))
