r"""What a recipe is: settings that run on their own, and how they become a cube."""

from __future__ import annotations

import inspect
import sys
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from coursekit.figures.cube import Array, Dim

__all__ = ["SEEDS", "Arrays", "Recipe", "floor"]

SEEDS = range(5)
Arrays = dict[str, np.ndarray]


@dataclass(frozen=True)
class Recipe:
    """Say which settings make a cube, how one runs, and how all become the cube."""

    settings: Sequence[Mapping[str, Any]]
    run: Callable[..., Arrays]
    build: Callable[[list[Arrays]], tuple[list[Dim], dict[str, Array]]]
    seeds: Sequence[int] = SEEDS

    def checksum(self) -> int:
        """Hash the settings and the code that runs them: edited code reuses nothing."""
        names, todo = set(), [self.run.__module__]
        while todo:
            names.add(name := todo.pop())
            todo += experiments_of(sys.modules[name]) - names
        files = [inspect.getsourcefile(sys.modules[name]) for name in sorted(names)]
        code = b"".join(Path(str(file)).read_bytes() for file in files)
        return zlib.crc32(code + repr(self.settings).encode())


def experiments_of(module: ModuleType) -> set[str]:
    """Name the modules of `coursekit.experiments` that a module uses."""
    used = {
        value.__name__ if inspect.ismodule(value) else getattr(value, "__module__", "")
        for value in vars(module).values()
    }
    return {
        str(name) for name in used if f"{name}".startswith("coursekit.experiments.")
    }


def floor(values: np.ndarray) -> np.ndarray:
    """Lift zeros, so that logarithms exist; they stand far below every axis."""
    return np.maximum(values, 1e-30)
