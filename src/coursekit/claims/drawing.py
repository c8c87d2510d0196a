"""Draw the numbers of a claim: seeds, interval and what they are judged against."""

from __future__ import annotations

from collections.abc import Callable
from html import escape

from .rounding import exact
from .words import Record, verdict_words

_WIDTH, _HEIGHT, _MARGIN = 240, 46, 44
_DOTS, _BAR, _TOP, _BOTTOM, _TEXT = 9, 21, 3, 31, 43


def drawing(record: Record) -> str:
    """Draw the seeds, the interval and the line it is judged against.

    Args:
        record: as ``Claim.to_json`` gives it.

    Returns:
        An SVG of 240 by 46 pixels in the colour of the text around it, hidden from
        screen readers, which read the numbers; empty if every seed diverged.
    """
    values = [v for v in record["values"] if v is not None]
    if not values:
        return ""
    x = _scale(values, record)
    parts = [_target(record, x), _bar(record, x)]
    parts += [
        f'<circle cx="{x(v):.1f}" cy="{_DOTS}" r="2.5" fill="currentColor" '
        'fill-opacity=".6"/>'
        for v in values
    ]
    if record["diverged"]:
        parts.append(_cross())
    return (
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" width="{_WIDTH}" height="{_HEIGHT}" '
        f'aria-hidden="true" focusable="false">{"".join(parts)}</svg>'
    )


def _cross() -> str:
    # off the scale: a diverged seed has no place on the axis
    x, y = _WIDTH - 12, _DOTS
    return (
        f'<path d="M{x - 4} {y - 4}l8 8m0 -8l-8 8" stroke="currentColor" '
        'stroke-width="1.5"/>'
    )


def _scale(values: list[float], record: Record) -> Callable[[float], float]:
    seen = [*values, *_reference(record)]
    seen += [e for e in (record["low"], record["high"]) if e is not None]
    low, high = min(seen), max(seen)
    span = (high - low) or 1.0
    width = _WIDTH - 2 * _MARGIN
    return lambda value: _MARGIN + width * (value - low) / span


def _reference(record: Record) -> list[float]:
    # the positions on the axis that the numbers are judged against
    if record["tolerance"] is not None:
        e, tolerance = record["expected"] or 0.0, record["tolerance"]
        return [e - tolerance, e + tolerance]
    if record["rule"] == "A":
        return [0.0]
    low, high = (end if end is not None else 0.0 for end in record["band"])
    return [0.0] if low <= 0 <= high else []


def _target(record: Record, x: Callable[[float], float]) -> str:
    reference = _reference(record)
    if not reference:
        return ""
    left, right = x(reference[0]), x(reference[-1])
    middle, name = (left + right) / 2, "0"
    band = ""
    if record["tolerance"] is not None:
        name = exact(record["expected"] or 0.0)
        band = (
            f'<rect x="{left:.1f}" y="{_TOP}" width="{right - left:.1f}" '
            f'height="{_BOTTOM - _TOP}" fill="currentColor" fill-opacity=".14"/>'
        )
    line = _line(middle, middle, _TOP, _BOTTOM, 1)
    label = (
        f'<text x="{middle:.1f}" y="{_TEXT}" text-anchor="middle" font-size="12" '
        f'fill="currentColor">{escape(name)}</text>'
    )
    return band + line + label + _arrow(record, middle)


def _arrow(record: Record, zero: float) -> str:
    if record["direction"] is None:
        return ""
    side = 1 if record["direction"] == "greater" else -1
    y, tail, tip = _TEXT - 4, zero + 9 * side, zero + 34 * side
    back = tip - 5 * side
    return (
        f'<path d="M{tail:.1f} {y}H{tip:.1f}M{back:.1f} {y - 4}L{tip:.1f} {y}'
        f'L{back:.1f} {y + 4}" fill="none" stroke="currentColor"/>'
    )


def _bar(record: Record, x: Callable[[float], float]) -> str:
    if record["estimate"] is None or record["low"] is None:
        return ""
    low, middle, high = (x(record[end]) for end in ("low", "estimate", "high"))
    dash = ' stroke-dasharray="4 3"' if record["verdict"] == "inconclusive" else ""
    bars = "".join(
        _line(a, b, _BAR, _BAR, 2, dash)
        for a, b in ((low, middle - 5), (middle + 5, high))
        if b > a
    )
    return bars + _glyph(verdict_words(record)[0], middle)


def _glyph(glyph: str, x: float) -> str:
    y = _BAR
    shape = {
        "■": f"M{x - 4:.1f} {y - 4}h8v8h-8z",
        "◇": f"M{x:.1f} {y - 5}l5 5l-5 5l-5 -5z",
        "○": f"M{x - 4:.1f} {y}a4 4 0 1 0 8 0a4 4 0 1 0 -8 0z",
        "–": f"M{x - 3:.1f} {y}a3 3 0 1 0 6 0a3 3 0 1 0 -6 0z",
    }[glyph]
    fill = "currentColor" if glyph in "■–" else "none"
    return f'<path d="{shape}" fill="{fill}" stroke="currentColor" stroke-width="1.5"/>'


def _line(
    x1: float, x2: float, y1: float, y2: float, width: float, dash: str = ""
) -> str:
    return (
        f'<line x1="{x1:.1f}" x2="{x2:.1f}" y1="{y1}" y2="{y2}" '
        f'stroke="currentColor" stroke-width="{width}"{dash}/>'
    )
