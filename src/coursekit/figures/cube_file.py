r"""Write arrays into a ``.cube`` file or a page, and read them back.

A ``.cube`` file is one line of JSON (the header), a newline, and one deflated (zlib)
blob; every language with JSON and zlib can read it. The header holds

- ``format`` and ``version``;
- ``dims``: name to label, values, names, unit, log, ordered;
- ``arrays``: name to dims, shape, encoding, range, and ``offset``, the byte of the
  inflated blob at which the array starts (16-bit arrays come first);
- ``provenance``: command, versions, seeds, date.

A 16-bit array is little-endian differences along its last dimension, modulo 2¹⁶; the
others are plain bytes. :mod:`coursekit.figures.encoding` turns codes into values.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping, Sequence
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .dims import Array, Dim
from .encoding import Codes, from_bytes, to_bytes

if TYPE_CHECKING:
    from .cube import Cube

FORMAT = "coursekit-cube"
VERSION = 1
FILE_LIMIT = 130_000


def pack(arrays: Mapping[str, Array]) -> tuple[dict[str, Any], bytes]:
    """Put arrays into one deflated blob.

    Args:
        arrays: Name to array.

    Returns:
        The header entries of the arrays, and the blob.
    """
    entries, parts, offset = {}, [], 0
    for name, array in sorted(arrays.items(), key=lambda item: item[1].encoding[0]):
        low, high = array.codes.low, array.codes.high
        entries[name] = {
            "dims": list(array.dims),
            "shape": list(array.shape),
            "offset": offset,
            "encoding": array.encoding,
            "range": [low, high],
        }
        parts.append(to_bytes(array.codes))
        offset += len(parts[-1])
    return entries, zlib.compress(b"".join(parts), 9)


def write(cube: Cube, path: str | Path) -> Path:
    """Write a ``.cube`` file.

    Args:
        cube: What to store.
        path: Where to.

    Returns:
        The path.

    Raises:
        ValueError: If the file would pass the limit of 130 KB.
    """
    entries, blob = pack(cube.arrays)
    header = {
        "format": FORMAT,
        "version": VERSION,
        "dims": {d.name: d.to_json() for d in cube.dims},
        "arrays": entries,
        "provenance": dict(cube.provenance),
    }
    head = json.dumps(header, ensure_ascii=False, separators=(",", ":"))
    content = head.encode() + b"\n" + blob
    if len(content) > FILE_LIMIT:
        raise ValueError(
            f"{path}: {len(content)} bytes pass the limit of {FILE_LIMIT}; "
            "store fewer moments, histograms as u8, or fewer settings"
        )
    Path(path).write_bytes(content)
    return Path(path)


def read(
    path: str | Path,
) -> tuple[Sequence[Dim], Mapping[str, Array], Mapping[str, Any]]:
    """Read a ``.cube`` file.

    Args:
        path: Where from.

    Returns:
        Dimensions, arrays and provenance.

    Raises:
        ValueError: If the file is not one, or of a later version.
    """
    head, newline, blob = Path(path).read_bytes().partition(b"\n")
    try:
        header = json.loads(head)
    except ValueError:
        header = {}
    if not newline or header.get("format") != FORMAT:
        raise ValueError(f"{path} is not a {FORMAT} file")
    if header["version"] > VERSION:
        raise ValueError(
            f"{path} has version {header['version']}, this coursekit reads up to "
            f"{VERSION}: update coursekit"
        )
    raw = zlib.decompress(blob)
    dims = [Dim(name, **entry) for name, entry in header["dims"].items()]
    arrays = {n: _read_array(raw, e) for n, e in header["arrays"].items()}
    return dims, arrays, header["provenance"]


def _read_array(raw: bytes, entry: Mapping[str, Any]) -> Array:
    low, high = entry["range"]
    shape, encoding = tuple(entry["shape"]), entry["encoding"]
    width = 2 if encoding[0] == "i" else 1
    part = raw[entry["offset"] : entry["offset"] + width * prod(shape)]
    codes = from_bytes(part, shape, Codes(np.empty(0), encoding, low, high))
    return Array.from_codes(codes, entry["dims"])
