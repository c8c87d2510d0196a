r"""Turn arrays into few bytes and back, so that a figure carries its own data.

A cube of runs holds a hundred thousand numbers, of which a screen shows three
digits. Each array is therefore stored as small integers, its *codes*:

========  =============================================  ==========================
name      for                                            codes
========  =============================================  ==========================
i16       curves                                         65 533 levels from low to high
i16log    positive curves over decades                   the same, of the logarithm
u8        histograms, each relative to its own maximum   0 … 254
u8lin     fields in which 254 levels suffice             254 levels from low to high
u8x       exact small integers: counts, masks, indices   0 … 255
========  =============================================  ==========================

With $q$ the code counted from the lowest and $N$ the number of steps, a value is

$$x = \mathrm{low} + \frac{q}{N}\,(\mathrm{high} - \mathrm{low}). \tag{1}$$

The two 16-bit encodings and ``u8lin`` keep one code for *missing* (NaN) and one for
*diverged* (±∞), because a failed run is data. An index must never go through a
rounding code: ``u8x`` is for those.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

STEPS = {"i16": 65532, "i16log": 65532, "u8": 254, "u8lin": 253, "u8x": 255}
MISSING = {"i16": -32768, "i16log": -32768, "u8": 255, "u8lin": 255}
DIVERGED = {"i16": 32767, "i16log": 32767, "u8lin": 254}
LOWEST = {"i16": -32766, "i16log": -32766, "u8": 0, "u8lin": 0, "u8x": 0}
ENCODINGS = tuple(STEPS)


@dataclass(frozen=True)
class Codes:
    """Hold an encoded array: integers and the range that gives them meaning.

    Args:
        integers: The codes, ``int16`` or ``uint8``, in the shape of the array.
        encoding: A key of :data:`STEPS`.
        low: Value (or logarithm) of the lowest code.
        high: Value (or logarithm) of the highest code.
    """

    integers: np.ndarray
    encoding: str
    low: float
    high: float


def encode(values: np.ndarray, encoding: str) -> Codes:
    """Encode an array; NaN means missing and ±∞ diverged.

    Args:
        values: Any real array.
        encoding: A key of :data:`STEPS`.

    Returns:
        The codes, from which :func:`decode` restores the values to half a step.

    Raises:
        ValueError: If the encoding is unknown or cannot hold these values.

    Example:
        >>> codes = encode(np.array([0.0, 0.5, 1.0, np.inf]), "i16")
        >>> decode(codes).round(4).tolist()
        [0.0, 0.5, 1.0, inf]
    """
    if encoding not in STEPS:
        raise ValueError(f"encoding={encoding!r}: expected one of {list(STEPS)}")
    values = np.asarray(values, dtype=float)
    if encoding == "u8x":
        return _encode_exact(values)
    if encoding == "u8":
        return _encode_histograms(values)
    return _encode_levels(values, encoding)


def decode(codes: Codes) -> np.ndarray:
    """Restore the values of an encoded array, in float64.

    Args:
        codes: What :func:`encode` returned.

    Returns:
        The values; NaN where missing, ∞ where diverged.
    """
    kind, raw = codes.encoding, codes.integers.astype(np.int64)
    if kind == "u8x":
        return raw.astype(float)
    fraction = (raw - LOWEST[kind]) / STEPS[kind]
    values = codes.low + fraction * (codes.high - codes.low)  # (1)
    if kind == "i16log":
        values = np.exp(values)
    values[raw == MISSING[kind]] = np.nan
    if kind in DIVERGED:
        values[raw == DIVERGED[kind]] = np.inf
    return values


def to_bytes(codes: Codes) -> bytes:
    """Write codes as little-endian bytes; 16-bit codes as differences.

    Along the last dimension (time, by convention) neighbours are alike, so their
    differences modulo 2¹⁶ deflate to about one byte each.

    Args:
        codes: The encoded array.

    Returns:
        The bytes, two a number for the 16-bit encodings, else one.
    """
    raw = codes.integers
    if raw.dtype == np.uint8:
        return raw.tobytes()
    steps = raw.astype(np.int64)
    if raw.ndim:
        steps[..., 1:] -= raw[..., :-1].astype(np.int64)
    return (steps & 0xFFFF).astype("<u2").tobytes()


def from_bytes(blob: bytes, shape: tuple[int, ...], like: Codes) -> Codes:
    """Read what :func:`to_bytes` wrote.

    Args:
        blob: The bytes of one array.
        shape: Its shape.
        like: Codes that carry encoding and range; their integers are ignored.

    Returns:
        The codes with their integers.
    """
    if not like.encoding.startswith("i16"):
        raw = np.frombuffer(blob, np.uint8).reshape(shape)
        return Codes(raw, like.encoding, like.low, like.high)
    steps = np.frombuffer(blob, "<u2").reshape(shape).astype(np.int64)
    raw = np.cumsum(steps, axis=-1) if shape else steps
    wrapped = (raw & 0xFFFF).astype("<u2").view("<i2")
    return Codes(wrapped, like.encoding, like.low, like.high)


def step_size(codes: Codes) -> float:
    """Return the distance of two neighbouring codes (of the logarithm, if log).

    Args:
        codes: The encoded array.

    Returns:
        The step; 0 for exact integers.
    """
    if codes.encoding == "u8x":
        return 0.0
    return (codes.high - codes.low) / STEPS[codes.encoding]


def _encode_exact(values: np.ndarray) -> Codes:
    whole = np.isfinite(values) & (values == np.round(values))
    if not (whole.all() and (values >= 0).all() and (values <= 255).all()):
        raise ValueError(
            "u8x got values that are not whole numbers from 0 to 255; "
            "use i16 for measurements"
        )
    return Codes(values.astype(np.uint8), "u8x", 0.0, 255.0)


def _encode_histograms(values: np.ndarray) -> Codes:
    if values.ndim == 0 or np.any(values < 0):
        raise ValueError(
            "u8 got a negative number or a scalar; it holds histograms along the "
            "last dimension (for signed fields use u8lin)"
        )
    known = np.isfinite(values).all(axis=-1, keepdims=True)
    counts = np.where(known, values, 0.0)
    top = counts.max(axis=-1, keepdims=True)
    level = np.round(254 * counts / np.where(top > 0, top, 1.0))
    return Codes(np.where(known, level, 255).astype(np.uint8), "u8", 0.0, 1.0)


def _encode_levels(values: np.ndarray, kind: str) -> Codes:
    finite = np.isfinite(values)
    if kind == "i16log" and np.any(values[finite] <= 0):
        raise ValueError(
            f"i16log got {values[finite].min():g}; it needs positive numbers: "
            "raise them to a floor (np.maximum(values, 1e-12)) or use i16"
        )
    number = np.log(np.where(finite, values, 1.0)) if kind == "i16log" else values
    known = number[finite]
    low, high = (float(known.min()), float(known.max())) if known.size else (0.0, 1.0)
    width = high - low or 1.0
    level = np.round((np.where(finite, number, low) - low) / width * STEPS[kind])
    raw = level.astype(np.int64) + LOWEST[kind]
    raw = np.where(np.isnan(values), MISSING[kind], raw)
    raw = np.where(np.isinf(values), DIVERGED[kind], raw)
    return Codes(raw.astype(np.int16 if kind[0] == "i" else np.uint8), kind, low, high)
