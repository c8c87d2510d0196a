r"""How an answer is examined: call, read, compare, and say what went wrong."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from coursekit.labs.agreement import agree
from coursekit.labs.caller import Caller, Recipe, StudentError
from coursekit.labs.exercise import Case, Exercise, Mutant, Unusable
from coursekit.labs.result import CaseResult, CheckResult, explain

__all__ = ["Stopped", "examine", "outcome"]

STOPS = ("missing", "undefined", "timeout", "memory", "killed", "recursion")
CHANGED = (
    "The value is right here, but the call changed its argument `{}` in place. Whoever "
    "called you still needs it: work on a copy (`.clone()`), and use `x = x + 1` "
    "rather than `x += 1`."
)


def examine(
    of: Exercise, caller: Caller, rng: np.random.Generator, visible: bool
) -> CheckResult:
    """Run the check of an exercise against a caller.

    Args:
        of: The exercise.
        caller: The answer.
        rng: Source of the cases.
        visible: Whether to draw the notebook's cases or the grader's.

    Returns:
        The result, one entry a case, with a diagnosis where one fits.
    """
    cases = of.cases(rng, visible)
    values: list[Any] = []
    results: list[CaseResult] = []
    for case in cases:
        value, result = _try(of, caller, case)
        values.append(value)
        results.append(result)
        if result.kind in STOPS:
            break
    mutant = None
    if any(r.kind == "wrong" for r in results) and len(values) == len(cases):
        mutant = _diagnose(of, cases, values)
    return _conclude(of, results, mutant, complete=len(results) == len(cases))


def _try(of: Exercise, caller: Caller, case: Case) -> tuple[Any, CaseResult]:
    def result(kind: str, message: str) -> CaseResult:
        return CaseResult(case.says, case.part, kind, message, case.line)

    value, changed = outcome(of, caller, case)
    if case.raises and not _stops(value):
        said = _not_refused(case, value)
        return value, result("wrong" if said else "passed", said)
    if isinstance(value, Stopped):
        return value, result(value.kind, value.message)
    wrong = of.compare(case, value, of.expected(case))
    if wrong is not None:
        return value, result("wrong", wrong)
    if changed:
        return value, result("changed", changed)
    return value, result("passed", "")


@dataclass(frozen=True)
class Stopped:
    """Stand for the value of a call that gave none; two are equal if of one kind.

    Args:
        kind: As in `CaseResult`.
        message: A sentence for whoever wrote the answer.
        type_name: Name of the exception class, if there was one.
    """

    kind: str
    message: str = field(compare=False)
    type_name: str = field(default="", compare=False)


def _stops(value: Any) -> bool:
    return isinstance(value, Stopped) and value.kind in STOPS


def outcome(of: Exercise, caller: Caller, case: Case) -> tuple[Any, str]:
    """Call an answer and read what it gave.

    Args:
        of: The exercise.
        caller: The answer.
        case: The call.

    Returns:
        The value, or how it stopped, and what is wrong with its arguments now.
    """
    changed = ""
    try:
        raw = case.ask(caller)
        changed = _changed(of, caller, case)
        return ("no refusal" if case.raises else of.read(case, raw)), changed
    except StudentError as error:
        said = explain(error, of.signature)
        return Stopped(error.kind, said, error.type_name), changed
    except Unusable as error:
        return Stopped("unusable", str(error)), changed


def _not_refused(case: Case, value: Any) -> str:
    """Say what an answer did with a call that it had to refuse.

    Returns:
        A sentence, or an empty string.
    """
    if not isinstance(value, Stopped):
        return f"It returned a value, expected a `ValueError`: {case.raises}"
    if value.type_name == "ValueError":
        return ""
    return (
        f"{value.message}. Expected is a `ValueError`, raised on purpose: {case.raises}"
    )


def _changed(of: Exercise, caller: Caller, case: Case) -> str:
    """Say which argument the answer changed in place, if one.

    Returns:
        A sentence, or an empty string.
    """
    names = of.signature.partition("(")[2].rstrip(")").split(",")
    latest = case.again[-1] if case.again else case.args
    for i, (now, given) in enumerate(zip(caller.inputs_after(), latest, strict=False)):
        if i in of.may_change:
            continue
        if isinstance(given, Recipe):
            given = given.build().state_dict()
            now = now.state() if hasattr(now, "state") else now
        if not agree(now, given, rtol=0.0):
            return CHANGED.format(names[i].partition("=")[0].strip())
    return ""


def _diagnose(of: Exercise, cases: list[Case], values: list[Any]) -> Mutant | None:
    """Find the mutant that answers every case as the student did.

    Where the student's answer stopped with an error, the mutant has to stop as well.

    Returns:
        The first such mutant, or ``None``.
    """
    if any(_stops(value) for value in values):
        return None
    for mutant in of.mutants:
        pairs = zip(cases, values, strict=True)
        if all(agree(of.mistaken(mutant, c), v, of.likeness) for c, v in pairs):
            return mutant
    return None


def _conclude(
    of: Exercise, results: list[CaseResult], mutant: Mutant | None, complete: bool
) -> CheckResult:
    failed = [r for r in results if not r.passed]
    lost = {r.part for r in failed}
    seen = {r.part for r in results}
    earned = {
        part: points if complete and part in seen - lost else 0.0
        for part, points in of.parts.items()
    }
    first = failed[0] if failed else None
    message = first.message if first else ""
    if first and first.kind == "wrong":
        message = f"`{first.says}`: {message}"
    line = first.line if first else ""
    if mutant is not None:
        message, line = mutant.message, mutant.line
    return CheckResult(
        exercise=of.name,
        title=of.title,
        cases=tuple(results),
        earned=earned,
        parts=dict(of.parts),
        message=message,
        line=line,
        equation=of.equations.get(line, ""),
        diagnosis=mutant.name if mutant else None,
    )
