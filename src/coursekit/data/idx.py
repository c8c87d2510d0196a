r"""Read the IDX format, in which MNIST and its descendants are distributed.

A file is a header and the raw numbers: two zero bytes, a byte for their type (8 is
an unsigned byte), a byte for the number of axes, then the length of each axis in four
bytes, the most significant first. All of it is checked before it is believed: a
damaged file must not become a tensor of the wrong shape.
"""

import gzip
import math
import os
import struct
import zlib

import numpy as np

from .._validate import check_count

__all__ = ["read_idx"]

UNSIGNED_BYTE = 8
LARGEST = 1 << 30


def read_idx(path: str | os.PathLike[str], ndim: int) -> np.ndarray:
    r"""Read a gzipped IDX file of unsigned bytes.

    Args:
        path: The file, ``*.gz``.
        ndim: Number of axes expected: 1 for labels, 3 for images.

    Returns:
        The numbers, uint8.

    Raises:
        ValueError: If it is no such file, or not all of one.
        OSError: If it cannot be opened.

    Example:
        >>> import tempfile
        >>> with tempfile.NamedTemporaryFile(suffix=".gz") as file:
        ...     content = bytes([0, 0, 8, 1, 0, 0, 0, 3, 7, 8, 9])
        ...     _ = file.write(gzip.compress(content))
        ...     file.flush()
        ...     read_idx(file.name, 1)
        array([7, 8, 9], dtype=uint8)

    References:
        LeCun, Cortes, Burges (1998), The MNIST database of handwritten digits,
        section "file formats".
    """
    ndim = check_count("ndim", ndim)
    try:
        with gzip.open(path) as file:
            shape = _header(file, ndim)
            size = math.prod(shape)
            content = file.read(size + 1)
    except (EOFError, gzip.BadGzipFile, zlib.error, ValueError, struct.error) as error:
        raise ValueError(
            f"{path}: expected a gzipped IDX file, got {error or 'a broken one'}; "
            "delete it and load it again"
        ) from error
    if len(content) != size:
        least = "more" if len(content) > size else len(content)
        raise ValueError(
            f"{path}: expected {size} bytes for shape {shape}, got {least}; delete it "
            "and load it again"
        )
    return np.frombuffer(content, dtype=np.uint8).reshape(shape).copy()


def _header(file: gzip.GzipFile, ndim: int) -> tuple[int, ...]:
    zero, kind, axes = struct.unpack(">HBB", file.read(4))
    if (zero, kind, axes) != (0, UNSIGNED_BYTE, ndim):
        raise ValueError(f"a header of {zero}, {kind}, {axes} for 0, 8, {ndim}")
    shape = struct.unpack(f">{ndim}I", file.read(4 * ndim))
    if not 0 < math.prod(shape) <= LARGEST:
        raise ValueError(f"the impossible shape {shape}")
    return shape
