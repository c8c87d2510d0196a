"""Put the record of a claim into words."""

from __future__ import annotations

from typing import Any

from coursekit.stats import Verdict

from .rounding import exact, show

Record = dict[str, Any]


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
    spread = f" [{low}, {high}]" if n > 1 else ""
    main = f"{estimate}{spread} {record['unit']}".strip()
    if rule == "X":
        main += f", expected {exact(record['expected'])}{_tolerance(record)}"
        main += f", {lost} diverged" if lost else ""
    mean = "mean paired difference" if rule == "A" else "mean"
    kind = "range of" if rule == "X" else "95 % interval,"
    what = f"{mean} and {kind} {seeds}" if n > 1 else seeds
    return main, f"{what} · {_rule(record)}"


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


def _rule(record: Record) -> str:
    rule = record["rule"]
    if rule == "A" and record["direction"] is None:
        return f"rule A: within ±{exact(record['tolerance'])}"
    if rule == "A":
        return f"rule A: {record['direction']} than zero"
    return f"rule {rule}: {'every seed' if rule == 'X' else 'not asserted'}"


def _tolerance(record: Record) -> str:
    return f" ± {exact(record['tolerance'])}" if record["tolerance"] else ""
