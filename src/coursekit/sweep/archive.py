r"""Save a sweep in an open format and read it back.

The file is a ``.npz``: a zip archive of NumPy arrays. ``header`` is a JSON text
with the settings, the status of each run and the notes; ``loss``, ``updates``
and ``moments`` are arrays; ``probes/NAME`` and ``parameters/ROW/NAME`` hold the
rest. Nothing in it is executed when it is read.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from .result import Sweep

__all__ = ["load", "save"]

FORMAT = 1


def save(sweep: Sweep, path: str | Path) -> None:
    """Write a sweep to one file.

    Args:
        sweep: The runs.
        path: Where to; ``.npz`` is added if it has no ending.
    """
    header = {
        "format": FORMAT,
        "settings": sweep.settings,
        "status": sweep.status,
        "notes": sweep.notes,
    }
    arrays: dict[str, np.ndarray] = {
        "header": np.array(json.dumps(header, default=_plain)),
        "loss": sweep.loss,
        "updates": sweep.updates,
        "moments": sweep.moments,
    }
    arrays |= {f"probes/{name}": values for name, values in sweep.probes.items()}
    for row, parameters in enumerate(sweep.parameters):
        for name, values in parameters.items():
            arrays[f"parameters/{row}/{name}"] = values
    path = Path(path)
    np.savez_compressed(path if path.suffix else path.with_suffix(".npz"), **arrays)  # type: ignore[arg-type]


def load(path: str | Path) -> Sweep:
    """Read a sweep that ``save`` has written.

    Args:
        path: The file.

    Returns:
        The runs; a tuple in a setting comes back as a list.

    Raises:
        ValueError: If the file holds no sweep.
    """
    with np.load(Path(path)) as arrays:
        if "header" not in arrays:
            raise ValueError(
                f"{path}: expected a saved sweep, got arrays {arrays.files}"
            )
        header = json.loads(str(arrays["header"]))
        parameters: list[dict[str, np.ndarray]] = [{} for _ in header["settings"]]
        probes = {}
        for key in arrays.files:
            kind, _, name = key.partition("/")
            if kind == "probes":
                probes[name] = arrays[key]
            elif kind == "parameters":
                row, _, name = name.partition("/")
                parameters[int(row)][name] = arrays[key]
        return Sweep(
            settings=header["settings"],
            loss=arrays["loss"],
            moments=arrays["moments"],
            probes=probes,
            status=header["status"],
            updates=arrays["updates"],
            parameters=parameters,
            notes=header["notes"],
        )


def _plain(value: Any) -> Any:
    return value.item() if hasattr(value, "item") else str(value)
