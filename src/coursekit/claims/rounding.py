"""Print a number to the digits that its interval supports.

A stored output is compared with a fresh run on another machine, where the last
digits of a training run differ. So an estimate is shown to two digits of its
half-width and no more: what is printed is what the experiment knows.
"""

from __future__ import annotations

import math

_SUPERSCRIPT = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")


def resolution(half_width: float, size: float) -> float:
    """Find the power of ten to which an estimate is worth printing.

    Args:
        half_width: of the estimate's interval; 0 if it has no spread.
        size: the largest magnitude that is printed with it.

    Returns:
        The place of the half-width's second digit, but never beyond the fourth
        digit of ``size``: without spread, more digits would be the machine's.

    Example:
        >>> resolution(0.0234, 0.31), resolution(0.0, 0.31)
        (0.001, 0.0001)
    """
    places = []
    if math.isfinite(half_width) and half_width > 0:
        places.append(_magnitude(half_width) - 1)
    if math.isfinite(size) and size != 0:
        places.append(_magnitude(size) - 3)
    return 10.0 ** max(places, default=0)


def round_to(value: float, unit: float) -> float | None:
    """Round to a multiple of a power of ten.

    Args:
        value: any number.
        unit: a power of ten, as ``resolution`` gives.

    Returns:
        The rounded number, never minus zero; None if ``value`` is not finite, since
        JSON has no word for it.

    Example:
        >>> round_to(-0.31249, 0.001), round_to(float("nan"), 0.001)
        (-0.312, None)
    """
    if not math.isfinite(value):
        return None
    return round(value, -_magnitude(unit)) + 0.0


def show(value: float | None, unit: float) -> str:
    """Write a rounded number with a true minus sign and its trailing zeros.

    Args:
        value: rounded to ``unit``; None is written as a dash.
        unit: the power of ten to which it was rounded.

    Returns:
        Fixed notation, or a power of ten below a millionth.

    Example:
        >>> show(-0.31, 0.001), show(2e-13, 1e-14), show(0.0, 1e-14)
        ('−0.310', '2.0·10⁻¹³', '0')
    """
    if value is None:
        return "–"
    place = _magnitude(unit)
    if place >= -6:
        return minus(f"{value:.{max(0, -place)}f}")
    if value == 0:
        return "0"
    return minus(f"{value:.{max(0, _magnitude(value) - place)}e}")


def minus(text: str) -> str:
    r"""Set a number as the book prints it: minus signs and powers of ten.

    Args:
        text: as ``format`` writes it.

    Returns:
        With −, ·10ⁿ and a space before the per cent sign.

    Example:
        >>> minus("-1.2e-08"), minus("1e-12"), minus("62.5%")
        ('−1.2·10⁻⁸', '10⁻¹²', '62.5\xa0%')
    """
    mantissa, e, power = text.partition("e")
    mantissa = mantissa.replace("-", "−").replace("%", "\N{NO-BREAK SPACE}%")
    if not e:
        return mantissa
    ten = f"10{str(int(power)).translate(_SUPERSCRIPT)}"
    return mantissa[:-1] + ten if mantissa in {"1", "−1"} else f"{mantissa}·{ten}"


def exact(value: float) -> str:
    """Write a number that was chosen, not measured.

    Args:
        value: an expectation or a tolerance.

    Returns:
        Its first three digits, without trailing zeros.

    Example:
        >>> exact(0.05), exact(1e-12)
        ('0.05', '10⁻¹²')
    """
    return minus(f"{value:.3g}")


def _magnitude(value: float) -> int:
    # format rounds correctly where log10 of 0.001 may fall just below -3
    return int(f"{abs(value):e}".partition("e")[2])
