"""Decide whether a stored output says the same as a fresh run.

A run on another processor differs in its last digits, and any rounding has a
border where such a difference shows. So stored numbers are proven to what they
claim, not to the bit: the verdict and the words must be the same, and each number
within a tenth of the interval's half-width, a tenth of the tolerance or one unit
of its last digit, whichever is most. Everything that is drawn or written from the
numbers must then be exactly what the stored record gives.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from copy import copy
from typing import Any

from .claim import MIME, mimebundle

Output = dict[str, Any]

_ROUNDED = {"estimate", "low", "high", "values", "resolution"}
_NUMBER = re.compile(r"\d+(?:\.(\d+))?")


def disagreements(stored: dict[str, Any], fresh: dict[str, Any]) -> list[str]:
    """Name what two records of one claim do not share.

    Args:
        stored: record in the notebook.
        fresh: record of the run just made.

    Returns:
        A phrase for each difference; empty if the run confirms the record.

    Example:
        >>> old = {"verdict": "holds", "estimate": 0.31, "low": 0.2, "high": 0.42,
        ...        "values": [0.3, 0.32], "resolution": 0.01}
        >>> disagreements(old, old | {"estimate": 0.32})
        []
        >>> disagreements(old, old | {"estimate": 0.35})
        ['estimate: stored 0.31, now 0.35']
    """
    found = [
        f"{key}: stored {stored.get(key)}, now {fresh.get(key)}"
        for key in sorted(stored.keys() | fresh.keys())
        if key not in _ROUNDED and stored.get(key) != fresh.get(key)
    ]
    slack = max(_slack(stored), _slack(fresh))
    for key in ("estimate", "low", "high"):
        if not _near(stored[key], fresh[key], slack):
            found.append(f"{key}: stored {stored[key]}, now {fresh[key]}")
    # the mean of n numbers may keep within the slack while each moves n times as far
    each = slack * max(1, len(stored["values"]))
    pairs = list(zip(stored["values"], fresh["values"], strict=False))
    if len(stored["values"]) != len(fresh["values"]) or not all(
        _near(a, b, each) for a, b in pairs
    ):
        found.append(f"values: stored {stored['values']}, now {fresh['values']}")
    return found


def same_to_last_digit(stored: str, fresh: str) -> bool:
    """Compare two texts, allowing each number one unit of its last digit.

    Args:
        stored: text in the notebook.
        fresh: text of the run just made.

    Returns:
        True if the words are the same and no number differs by more.

    Example:
        >>> same_to_last_digit("loss 0.34", "loss 0.35")
        True
        >>> same_to_last_digit("loss 0.34", "loss 0.36")
        False
    """
    if _NUMBER.sub("#", stored) != _NUMBER.sub("#", fresh):
        return False
    pairs = zip(_NUMBER.finditer(stored), _NUMBER.finditer(fresh), strict=True)
    return all(_last_digit_near(a, b) for a, b in pairs)


def settle(stored: Sequence[Output], fresh: Sequence[Output]) -> list[Output]:
    """Replace what a fresh run confirms by what must be stored for it.

    Args:
        stored: outputs of one cell in the notebook.
        fresh: outputs of the same cell just run; left as they are.

    Returns:
        The fresh outputs without the error stream, in which a claim or a glued
        number that the run confirms is what the stored record stands for. Compared
        for equality with the stored outputs, they differ where the run differs.
    """
    kept, partners = without_noise(fresh), without_noise(stored)
    if len(kept) != len(partners):
        return kept
    return [_settled(a, b) for a, b in zip(partners, kept, strict=True)]


def without_noise(outputs: Sequence[Output]) -> list[Output]:
    """Leave out what depends on the machine alone: the error stream.

    Args:
        outputs: of one cell.

    Returns:
        The other outputs, in order.
    """
    return [
        o
        for o in outputs
        if not (o.get("output_type") == "stream" and o.get("name") == "stderr")
    ]


def _settled(stored: Output, fresh: Output) -> Output:
    old, new = stored.get("data", {}), fresh.get("data", {})
    confirmed: dict[str, Any] = {}
    if MIME in old and MIME in new and not disagreements(old[MIME], new[MIME]):
        confirmed = mimebundle(old[MIME])
    elif "scrapbook" in fresh.get("metadata", {}) and old.keys() == new.keys():
        confirmed = {k: old[k] for k in new if same_to_last_digit(old[k], new[k])}
    if not confirmed:
        return fresh
    settled = copy(fresh)
    settled["data"] = {**new, **confirmed}
    return settled


def _slack(record: dict[str, Any]) -> float:
    low, high = record["low"], record["high"]
    width = 0.0 if low is None or high is None else high - low
    # 1.001: a difference of exactly one unit, as floats subtract it
    tolerance = record.get("tolerance") or 0.0
    return max(1.001 * record["resolution"], width / 20, tolerance / 10)


def _near(a: float | None, b: float | None, slack: float) -> bool:
    if a is None or b is None:
        return a is b
    return abs(a - b) <= slack


def _last_digit_near(a: re.Match[str], b: re.Match[str]) -> bool:
    if len(a[1] or "") != len(b[1] or ""):
        return False
    return abs(int(a[0].replace(".", "")) - int(b[0].replace(".", ""))) <= 1
