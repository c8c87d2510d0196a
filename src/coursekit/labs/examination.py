r"""How an answer is examined: call, read, compare, and say what went wrong."""

from __future__ import annotations

from typing import Any

import numpy as np

from coursekit.labs.agreement import agree
from coursekit.labs.caller import Caller, Recipe, StudentError
from coursekit.labs.exercise import Case, Exercise, Mutant, Unusable
from coursekit.labs.result import CaseResult, CheckResult, explain

__all__ = ["examine"]

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

    try:
        raw = caller(*case.args)
        changed = _changed(of, caller, case)
        value = of.read(case, raw)
    except StudentError as error:
        return None, result(error.kind, explain(error, of.signature))
    except Unusable as error:
        return None, result("unusable", str(error))
    wrong = of.compare(case, value, of.expected(case))
    if wrong is not None:
        return value, result("wrong", wrong)
    if changed:
        return value, result("changed", changed)
    return value, result("passed", "")


def _changed(of: Exercise, caller: Caller, case: Case) -> str:
    """Say which argument the answer changed in place, if one.

    Returns:
        A sentence, or an empty string.
    """
    names = of.signature.partition("(")[2].rstrip(")").split(",")
    for i, (now, given) in enumerate(
        zip(caller.inputs_after(), case.args, strict=False)
    ):
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

    Returns:
        The first such mutant, or ``None``.
    """
    if any(value is None for value in values):
        return None
    for mutant in of.mutants:
        try:
            answers = [of.expected(case, mutant.function) for case in cases]
        except (StudentError, Unusable):
            continue
        pairs = zip(answers, values, strict=True)
        if all(agree(a, v, of.likeness) for a, v in pairs):
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
