r"""Save a sweep in an open format and read it back.

The file is a ``.npz``: a zip archive of NumPy arrays, which every language can
read. It holds

* ``header``: a JSON text with ``format`` (2), ``settings`` (a list of dictionaries),
  ``status`` (a list of words), ``notes`` and ``probes`` (their names). What JSON
  does not know is a dictionary of one word: ``{"tuple": [...]}``,
  ``{"float": "nan"}``, ``{"text": "..."}`` for the name of an object;
* ``loss`` ``[setting, step]``, ``updates`` ``[setting]``, ``moments`` ``[moment]``;
* ``probes/NAME`` ``[setting, moment, ...]``;
* ``parameters/ROW/NAME``, the final values of one run.

Nothing in it is executed when it is read. What a name stood for (a schedule, a
``Named`` value, the model's factory) is code, and not in the file.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np

from .result import Sweep

__all__ = ["load", "save"]

FORMAT = 2


def save(sweep: Sweep, path: str | Path) -> Path:
    """Write a sweep to one file.

    Args:
        sweep: The runs.
        path: Where to; ``.npz`` is added if it has no ending.

    Returns:
        The path written.
    """
    header = {
        "format": FORMAT,
        "settings": [
            {name: _plain(value) for name, value in row.items()}
            for row in sweep.settings
        ],
        "status": sweep.status,
        "notes": sweep.notes,
        "probes": list(sweep.probes),
    }
    arrays: dict[str, np.ndarray] = {
        "header": np.array(json.dumps(header, allow_nan=False)),
        "loss": sweep.loss,
        "updates": sweep.updates,
        "moments": sweep.moments,
    }
    arrays |= {f"probes/{name}": values for name, values in sweep.probes.items()}
    for row, parameters in enumerate(sweep.parameters):
        for name, values in parameters.items():
            arrays[f"parameters/{row}/{name}"] = values
    path = Path(path)
    path = path if path.suffix else path.with_suffix(".npz")
    with path.open("wb") as file:
        np.savez_compressed(file, **arrays)  # type: ignore[arg-type]
    return path


def load(path: str | Path) -> Sweep:
    """Read a sweep that ``save`` has written.

    Args:
        path: The file.

    Returns:
        The runs. Values that were names of objects are texts.

    Raises:
        ValueError: If the file holds no sweep, or one of a later format.
    """
    with np.load(Path(path)) as file:
        if "header" not in file:
            raise ValueError(
                f"path: expected a saved sweep, got arrays {file.files} in {path}"
            )
        header = json.loads(str(file["header"]))
        if header["format"] > FORMAT:
            raise ValueError(
                f"path: expected a format up to {FORMAT}, got {header['format']} in "
                f"{path}; update coursekit"
            )
        parameters: list[dict[str, np.ndarray]] = [{} for _ in header["settings"]]
        for key in file.files:
            kind, _, rest = key.partition("/")
            if kind == "parameters":
                row, _, name = rest.partition("/")
                parameters[int(row)][name] = file[key]
        return Sweep(
            settings=[_entries(row) for row in header["settings"]],
            loss=file["loss"],
            moments=file["moments"],
            probes={name: file[f"probes/{name}"] for name in header["probes"]},
            status=header["status"],
            updates=file["updates"],
            parameters=parameters,
            notes=header["notes"],
        )


def _plain(value: Any) -> Any:
    value = value.item() if isinstance(value, np.generic) else value
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else {"float": str(value)}
    if isinstance(value, tuple):
        return {"tuple": [_plain(each) for each in value]}
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if isinstance(value, dict) and all(isinstance(key, str) for key in value):
        plain = {key: _plain(each) for key, each in value.items()}
        return {"dict": plain} if len(plain) == 1 else plain
    return {"text": str(value)}


def _back(value: Any) -> Any:
    if isinstance(value, list):
        return [_back(each) for each in value]
    if not isinstance(value, dict):
        return value
    if len(value) == 1:
        (kind, held), *_ = value.items()
        readers = {"float": float, "text": str, "dict": _entries}
        if kind == "tuple":
            return tuple(_back(each) for each in held)
        if kind in readers:
            return readers[kind](held)
    return _entries(value)


def _entries(value: dict[str, Any]) -> dict[str, Any]:
    return {key: _back(each) for key, each in value.items()}
