"""Show claims: a line of text, a table row, and the interval as a small drawing.

Everything is made from the rounded record of ``Claim.to_json`` and from nothing
else. The row takes the colours of the page that shows it (``currentColor``), so
it needs no theme; what the drawing says stands in words beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape
from typing import Any

from coursekit.stats import Verdict

from .rounding import minus, show

Record = dict[str, Any]

_STYLE = """<style>
.ck-claims{container-type:inline-size;font-size:14px;line-height:1.45;margin:.5em 0}
.ck-claims table{border-collapse:collapse;width:100%;margin:0!important;
font-size:inherit!important;table-layout:fixed!important}
.ck-claims :is(th,td){padding:6px 12px 6px 0!important;border:0!important;
border-bottom:1px solid color-mix(in srgb,currentColor 25%,transparent)!important;
text-align:left!important;vertical-align:middle!important;background:none!important;
color:inherit!important;white-space:normal!important;max-width:none!important}
.ck-claims tbody th{font-weight:400}
.ck-claims thead th{font-weight:600;font-size:12px}
.ck-claims td{font-variant-numeric:tabular-nums}
.ck-claims :is(th,td):nth-child(2){width:12.5em!important}
.ck-claims :is(th,td):nth-child(3){width:23em!important}
.ck-claims small{display:block;font-size:12px}
.ck-claims svg{display:block;max-width:100%;height:auto}
.bd-content div.cell_output .text_html:has(.ck-claims){background:none!important;
color:inherit!important}
@container (max-width:38em){
.ck-claims thead{position:absolute;clip-path:inset(50%);width:1px;height:1px;
overflow:hidden}
.ck-claims :is(table,tbody,tr,th,td){display:block}
.ck-claims tbody tr :is(th,td){width:auto!important;padding:2px 0!important}
.ck-claims tbody :is(th,td:nth-child(2)){border-bottom:0!important}}
</style>"""

_WIDTH, _HEIGHT, _MARGIN = 240, 46, 44
_DOTS, _BAR, _TOP, _BOTTOM, _TEXT = 9, 21, 3, 31, 43


def verdict_words(record: Record) -> tuple[str, str]:
    """Give the glyph and the words of a record's verdict.

    Args:
        record: as ``Claim.to_json`` gives it.

    Returns:
        The glyph and the words; rule N asserts nothing and has a dash.

    Example:
        >>> verdict_words({"rule": "A", "verdict": "inconclusive"})
        ('○', 'inconclusive')
        >>> verdict_words({"rule": "N", "verdict": "holds"})
        ('–', 'reported')
    """
    verdict = Verdict(record["verdict"])
    if record["rule"] != "N":
        return verdict.glyph, verdict.value
    inside = verdict is Verdict.HOLDS
    return "–", "reported" if inside else "outside its band"


def numbers(record: Record) -> tuple[str, str]:
    """Write the numbers of a record, and what they are.

    Args:
        record: as ``Claim.to_json`` gives it.

    Returns:
        The estimate with its interval, and the words that explain both with the
        rule by which they were judged.
    """
    n, lost, rule = record["n"], record["diverged"], record["rule"]
    seeds = f"{n} seeds" if n > 1 else "one run"
    if lost and rule != "X":
        return f"{lost} of {seeds} diverged", f"so no interval · {_rule(record)}"
    estimate, low, high = (
        show(record[end], record["resolution"]) for end in ("estimate", "low", "high")
    )
    main = f"{estimate} {record['unit']}".strip()
    if n > 1:
        main += f" [{low}, {high}]"
    if rule == "X":
        main += f", expected {_exact(record['expected'])}{_tolerance(record)}"
        main += f", {lost} diverged" if lost else ""
    mean = "mean paired difference" if rule == "A" else "mean"
    spread = "range of" if rule == "X" else "95 % interval,"
    what = f"{mean} and {spread} {seeds}" if n > 1 else seeds
    return main, f"{what} · {_rule(record)}"


def _rule(record: Record) -> str:
    rule = record["rule"]
    if rule == "A":
        return f"rule A: {record['direction']} than zero"
    return f"rule {rule}: {'every seed' if rule == 'X' else 'not asserted'}"


def _tolerance(record: Record) -> str:
    return f" ± {_exact(record['tolerance'])}" if record["tolerance"] else ""


def text(record: Record) -> str:
    """Write a record as plain text.

    Args:
        record: as ``Claim.to_json`` gives it.

    Returns:
        Verdict and statement, then the numbers, then the rule.
    """
    glyph, words = verdict_words(record)
    head = f"{glyph} {record['id']} {words}: {record['statement']}"
    return "\n  ".join((head, *numbers(record)))


def table(records: Sequence[Record]) -> str:
    """Write records as one HTML table with a row for each.

    Args:
        records: as ``Claim.to_json`` gives them.

    Returns:
        A self-contained fragment; on a narrow page its cells stand below each other.
    """
    heads = "".join(
        f'<th scope="col" role="columnheader">{head}</th>'
        for head in ("Claim", "Verdict", "Numbers")
    )
    rows = "".join(_row(record) for record in records)
    return (
        f'{_STYLE}<div class="ck-claims"><table role="table"><thead role="rowgroup">'
        f'<tr role="row">{heads}</tr></thead><tbody role="rowgroup">{rows}</tbody>'
        "</table></div>"
    )


def _row(record: Record) -> str:
    glyph, words = verdict_words(record)
    main, what = (escape(line) for line in numbers(record))
    return (
        '<tr role="row"><th scope="row" role="rowheader">'
        f"<strong>{escape(record['id'])}</strong> {escape(record['statement'])}</th>"
        f'<td role="cell"><span aria-hidden="true">{glyph}</span> {words}</td>'
        f'<td role="cell">{drawing(record)}{main}<small>{what}</small></td></tr>'
    )


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
    if record["rule"] == "X":
        e, tolerance = record["expected"], record["tolerance"]
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
    if record["rule"] == "X":
        name = _exact(record["expected"])
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
    if record["rule"] != "A":
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


def _exact(value: float) -> str:
    return minus(f"{value:.3g}")
