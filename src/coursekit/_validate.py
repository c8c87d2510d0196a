r"""Say what was wrong with an argument, what was expected and what to try.

Every public function of the package checks its arguments here, so that the
message a reader sees has one form: *name: expected ..., got ...; try ...*.
"""

import math
from collections.abc import Collection


def _message(name: str, expected: str, got: object, hint: str) -> str:
    text = f"{name}: expected {expected}, got {got!r}"
    return f"{text}; {hint}" if hint else text


def check_number(name: str, value: object, hint: str = "") -> float:
    """Return ``value`` as a float when it is one real number that is not NaN.

    Args:
        name: The argument's name as the caller wrote it.
        value: The argument.
        hint: The likely fix, added to the message.

    Returns:
        The value as a Python float; infinities pass.

    Raises:
        TypeError: If the value is not a real number.
        ValueError: If the value is NaN.

    Example:
        >>> check_number("lr", 0.1)
        0.1
    """
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        number = None
    if number is None or isinstance(value, str | bytes | bool):
        raise TypeError(
            _message(name, "a number", value, hint or f"it is a {_type(value)}")
        )
    if math.isnan(number):
        raise ValueError(_message(name, "a number", value, hint or "it is NaN"))
    return number


def check_positive(
    name: str, value: object, *, zero: bool = False, hint: str = ""
) -> float:
    """Return ``value`` when it is finite and above zero.

    Args:
        name: The argument's name as the caller wrote it.
        value: The argument.
        zero: Whether zero itself is allowed.
        hint: The likely fix, added to the message.

    Returns:
        The value as a Python float.

    Raises:
        ValueError: If the value is negative, zero (unless allowed) or infinite.

    Example:
        >>> check_positive("lr", -0.1)
        Traceback (most recent call last):
        ValueError: lr: expected a finite number > 0, got -0.1
    """
    number = check_number(name, value, hint)
    if not math.isfinite(number) or number < 0 or (number == 0 and not zero):
        sign = ">= 0" if zero else "> 0"
        raise ValueError(_message(name, f"a finite number {sign}", value, hint))
    return number


def check_range(
    name: str,
    value: object,
    low: float,
    high: float,
    *,
    open_low: bool = False,
    open_high: bool = False,
    hint: str = "",
) -> float:
    """Return ``value`` when it lies between ``low`` and ``high``.

    Args:
        name: The argument's name as the caller wrote it.
        value: The argument.
        low: Smallest value allowed.
        high: Largest value allowed.
        open_low: Whether ``low`` itself is excluded.
        open_high: Whether ``high`` itself is excluded.
        hint: The likely fix, added to the message.

    Returns:
        The value as a Python float.

    Raises:
        ValueError: If the value lies outside.

    Example:
        >>> check_range("momentum", 1.0, 0, 1, open_high=True)
        Traceback (most recent call last):
        ValueError: momentum: expected a number in [0, 1), got 1.0
    """
    number = check_number(name, value, hint)
    above = number > low if open_low else number >= low
    below = number < high if open_high else number <= high
    if not (above and below):
        interval = f"{'(' if open_low else '['}{low}, {high}{')' if open_high else ']'}"
        raise ValueError(_message(name, f"a number in {interval}", value, hint))
    return number


def check_count(name: str, value: object, *, least: int = 1, hint: str = "") -> int:
    """Return ``value`` when it is a whole number of at least ``least``.

    Args:
        name: The argument's name as the caller wrote it.
        value: The argument; any integer type that defines ``__index__``.
        least: Smallest value allowed.
        hint: The likely fix, added to the message.

    Returns:
        The value as a Python int.

    Raises:
        TypeError: If the value is not an integer.
        ValueError: If the value is below ``least``.

    Example:
        >>> check_count("n", 2.5)
        Traceback (most recent call last):
        TypeError: n: expected an integer, got 2.5; it is a float
    """
    index = getattr(value, "__index__", None)
    if index is None or isinstance(value, bool):
        raise TypeError(
            _message(name, "an integer", value, hint or f"it is a {_type(value)}")
        )
    number = int(index())
    if number < least:
        raise ValueError(_message(name, f"an integer >= {least}", value, hint))
    return number


def check_in(name: str, value: object, options: Collection[object]) -> None:
    """Pass when ``value`` is one of ``options``; otherwise name them all.

    Args:
        name: The argument's name as the caller wrote it.
        value: The argument.
        options: What is allowed.

    Raises:
        ValueError: If the value is none of them.

    Example:
        >>> check_in("mode", "fan_avg", ("fan_in", "fan_out"))
        Traceback (most recent call last):
        ValueError: mode: expected one of 'fan_in', 'fan_out', got 'fan_avg'
    """
    if value not in options:
        names = ", ".join(repr(option) for option in options)
        raise ValueError(_message(name, f"one of {names}", value, ""))


def _type(value: object) -> str:
    return type(value).__name__
