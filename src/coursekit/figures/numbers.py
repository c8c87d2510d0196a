r"""Write numbers as the book writes them, in Python exactly as in the browser.

Three significant figures, powers as 10⁻⁴, percent with one decimal, a true minus
sign. The browser fills the text line with ``js/core/format.js``; this is its twin,
and a test compares the two on every sentence of every state. JavaScript rounds a tie
away from zero and Python to even, so the rounding here goes through ``decimal``.
"""

from __future__ import annotations

import math
import re
from decimal import ROUND_HALF_UP, Decimal

_SPEC = re.compile(r"(\+?)(?:\.(\d))?([dfeg%]?)$")
_POWERS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def check_spec(spec: str) -> str:
    """Return a format after checking that both languages know it.

    Args:
        spec: ``""`` (three figures), ``"d"``, ``".2f"``, ``".3g"``, ``".1e"``,
            ``".1%"``, each with an optional leading ``+``.

    Returns:
        The format, unchanged.

    Raises:
        ValueError: If the format is none of these.
    """
    if not _SPEC.match(spec):
        raise ValueError(
            f"format {spec!r}: expected '', 'd', '.2f', '.3g', '.1e' or '.1%'"
        )
    return spec


def format_number(value: float, spec: str = "") -> str:
    r"""Write a number for a reader.

    Args:
        value: The number; NaN reads "missing", ±∞ reads "diverged".
        spec: A format that :func:`check_spec` accepts.

    Returns:
        The text.

    Example:
        >>> format_number(0.00012345), format_number(0.625, ".1%")
        ('1.23·10⁻⁴', '62.5\xa0%')
        >>> format_number(-2.5, "d"), format_number(1e-4), format_number(1437.0)
        ('−3', '10⁻⁴', '1440')
    """
    if not math.isfinite(value):
        return "missing" if math.isnan(value) else "diverged"
    matched = _SPEC.match(spec)
    plus, digits, kind = matched.groups() if matched else ("", None, "")
    text = _unsigned(abs(value), kind, digits)
    if not re.search(r"[1-9]", text):
        return text
    return ("−" if value < 0 else plus) + text


def exact_name(value: object) -> str:
    """Write the value of a setting in full: settings are exact, not measured.

    Args:
        value: A number or a string.

    Returns:
        The text, with a true minus sign.

    Example:
        >>> exact_name(1437), exact_name(0.02), exact_name(-4.0)
        ('1437', '0.02', '−4')
    """
    if isinstance(value, str):
        return value
    return f"{float(value):.10g}".replace("-", "−")  # type: ignore[arg-type]


def _unsigned(value: float, kind: str, digits: str | None) -> str:
    if kind == "%":
        return _fixed(100 * value, int(digits or 1)) + "\u00a0%"
    if kind in ("d", "f"):
        return _fixed(value, int(digits or 0) if kind == "f" else 0)
    figures = int(digits or 3) + (kind == "e")
    if kind == "e" or (value and not 1e-3 <= value < 1e5):
        return _power(value, figures)
    return _plain(_round_figures(value, figures))


def _fixed(value: float, places: int) -> str:
    rounded = Decimal(value).quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)
    return f"{rounded:f}"


def _round_figures(value: float, figures: int) -> Decimal:
    number = Decimal(value)
    if not number:
        return number
    return number.quantize(
        Decimal(1).scaleb(number.adjusted() + 1 - figures), ROUND_HALF_UP
    )


def _plain(number: Decimal) -> str:
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _power(value: float, figures: int) -> str:
    number = _round_figures(value, figures)
    exponent = number.adjusted() if number else 0
    mantissa = _plain(number.scaleb(-exponent))
    power = "10" + str(exponent).translate(_POWERS)
    return power if mantissa == "1" else f"{mantissa}·{power}"
