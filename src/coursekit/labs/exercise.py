r"""What an exercise is: cases, a reference, a comparison, and typical wrong answers.

A check draws inputs, calls the answer, calls the reference, compares, and names the
equation line that is violated.  It is written once and used twice: in the notebook by
`check`, where the cases are the visible ones and the caller is local, and by the
grader, where the cases are drawn from the course's secret seed and the caller is a
proxy into a sandbox.

Every exercise ships with its **mutants**, the typical wrong answers.  They prove that
the check catches them (a test runs all of them), and they diagnose: an answer that
agrees with a mutant on every case is told what it behaves like.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from torch import Tensor

from coursekit.labs.caller import Caller, LocalCaller, StudentError
from coursekit.labs.result import CaseResult, CheckResult, explain

__all__ = ["Case", "Exercise", "Hint", "Mutant", "Unusable", "agree"]

STOPS = ("missing", "undefined", "timeout", "memory", "killed", "recursion")


class Unusable(ValueError):
    """Say in a sentence why an answer cannot be compared at all."""


@dataclass(frozen=True)
class Case:
    """Hold one call of the answer.

    Args:
        part: Part of the exercise it belongs to; a key of `Exercise.parts`.
        args: Arguments of the call: plain values and recipes.
        says: The call in words, as shown to the student.
        line: Equation line that this case can violate, ``"(2)"`` say.
        facts: What the comparison needs to know and the answer does not see.
    """

    part: str
    args: tuple
    says: str
    line: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Mutant:
    """Hold a typical wrong answer.

    Args:
        name: Stable identifier, ``"returns_variance"`` say.
        function: The wrong answer itself, with the signature of the exercise.
        message: What to tell someone whose answer behaves like it.
        line: Equation line that it violates.
    """

    name: str
    function: Callable[..., Any]
    message: str
    line: str = ""


@dataclass(frozen=True)
class Hint:
    """Hold help titled by the symptom that one sees.

    Args:
        symptom: What one sees.
        text: What it means and what to look at, in Markdown.
    """

    symptom: str
    text: str


Read = Callable[[Case, Any], Any]
Compare = Callable[[Case, Any, Any], str | None]


@dataclass(frozen=True)
class Exercise:
    r"""Describe one graded function.

    Args:
        name: Name of the function that the student writes.
        signature: Its signature as text, ``"he_std(shape, mode, a)"``.
        title: What is to be done, in a few words.
        minutes: Time it takes.
        difficulty: 1 (routine) to 5.
        parts: Points of each part; a part is earned if all its cases pass.
        equations: The numbered equation lines, ``{"(1)": "n = …"}``, in plain
            characters, so that they read the same where no LaTeX is set.
        cases: Draws the cases from a generator; visible or hidden ones.
        reference: The right answer, called like the student's.
        read: Turns a raw answer into numbers and tensors, or raises `Unusable`.
        compare: Gives a sentence for a wrong answer, ``None`` for a right one.
        mutants: Typical wrong answers.
        hints: Help titled by symptom.
        may_change: Positions of arguments that the answer may change in place.
        likeness: Relative tolerance within which an answer behaves like a mutant.
    """

    name: str
    signature: str
    title: str
    minutes: int
    difficulty: int
    parts: Mapping[str, float]
    equations: Mapping[str, str]
    cases: Callable[[np.random.Generator, bool], list[Case]]
    reference: Callable[..., Any]
    read: Read
    compare: Compare
    mutants: Sequence[Mutant] = ()
    hints: Sequence[Hint] = ()
    may_change: Sequence[int] = ()
    likeness: float = 1e-6

    @property
    def points(self) -> float:
        """Points of all parts together."""
        return sum(self.parts.values())

    def examine(
        self,
        caller: Caller,
        rng: np.random.Generator | None = None,
        visible: bool = True,
    ) -> CheckResult:
        """Run the check against a caller.

        Args:
            caller: The answer: a `LocalCaller` or the grader's proxy.
            rng: Source of the cases; a fixed one if ``None``.
            visible: Whether to draw the notebook's cases or the grader's.

        Returns:
            The result, one entry a case, with a diagnosis where one fits.
        """
        cases = self.cases(rng or np.random.default_rng(0), visible)
        values: list[Any] = []
        results: list[CaseResult] = []
        for case in cases:
            value, result = self._try(caller, case)
            values.append(value)
            results.append(result)
            if result.kind in STOPS:
                break
        mutant = None
        if any(r.kind == "wrong" for r in results) and len(values) == len(cases):
            mutant = self._diagnose(cases, values)
        return self._conclude(results, mutant, complete=len(results) == len(cases))

    def expected(self, case: Case, function: Callable[..., Any] | None = None) -> Any:
        """Call the reference, or a mutant, on a case and read its answer.

        Args:
            case: The call.
            function: What to call; the reference if ``None``.

        Returns:
            The answer as `read` gives it.
        """
        return self.read(case, LocalCaller(function or self.reference)(*case.args))

    def _try(self, caller: Caller, case: Case) -> tuple[Any, CaseResult]:
        def result(kind: str, message: str) -> CaseResult:
            return CaseResult(case.says, case.part, kind, message, case.line)

        try:
            raw = caller(*case.args)
            changed = self._changed(caller, case)
            value = self.read(case, raw)
        except StudentError as error:
            return None, result(error.kind, explain(error, self.signature))
        except Unusable as error:
            return None, result("unusable", str(error))
        wrong = self.compare(case, value, self.expected(case))
        if wrong is not None:
            return value, result("wrong", wrong)
        if changed:
            return value, result("changed", changed)
        return value, result("passed", "")

    def _changed(self, caller: Caller, case: Case) -> str:
        """Say which argument the answer changed in place, if one.

        Returns:
            A sentence, or an empty string.
        """
        names = [n.strip() for n in self.signature.partition("(")[2][:-1].split(",")]
        for i, (now, given) in enumerate(
            zip(caller.inputs_after(), case.args, strict=False)
        ):
            if i in self.may_change:
                continue
            if hasattr(now, "state"):
                now, given = now.state(), LocalCaller(given.build)().state()
            if not agree(now, given, rtol=0.0):
                name = names[i].split("=")[0] if i < len(names) else f"argument {i}"
                return (
                    f"The values are right, but the call changed its argument `{name}`"
                    " in place. Whoever called you still needs it: work on a copy "
                    "(`.clone()`), and use `x = x + 1` rather than `x += 1`."
                )
        return ""

    def _diagnose(self, cases: list[Case], values: list[Any]) -> Mutant | None:
        """Find the mutant that answers every case as the student did.

        Returns:
            The first such mutant, or ``None``.
        """
        if any(value is None for value in values):
            return None
        for mutant in self.mutants:
            try:
                answers = [self.expected(case, mutant.function) for case in cases]
            except (StudentError, Unusable):
                continue
            pairs = zip(answers, values, strict=True)
            if all(agree(a, v, self.likeness) for a, v in pairs):
                return mutant
        return None

    def _conclude(
        self, results: list[CaseResult], mutant: Mutant | None, complete: bool
    ) -> CheckResult:
        failed = [r for r in results if not r.passed]
        lost = {r.part for r in failed}
        seen = {r.part for r in results}
        earned = {
            part: points if complete and part in seen - lost else 0.0
            for part, points in self.parts.items()
        }
        first = failed[0] if failed else None
        message = first.message if first else ""
        if first and first.kind == "wrong":
            message = f"`{first.says}`: {message}"
        line = first.line if first else ""
        if mutant is not None:
            message, line = mutant.message, mutant.line
        return CheckResult(
            exercise=self.name,
            title=self.title,
            cases=tuple(results),
            earned=earned,
            parts=dict(self.parts),
            message=message,
            line=line,
            equation=self.equations.get(line, ""),
            diagnosis=mutant.name if mutant else None,
        )


def agree(a: Any, b: Any, rtol: float = 1e-6) -> bool:
    r"""Compare two read answers, container by container.

    Two tensors agree if their largest difference is at most ``rtol`` times the
    largest magnitude; two numbers likewise.

    Args:
        a: One answer.
        b: The other.
        rtol: Relative tolerance.

    Returns:
        Whether types, shapes and values agree.

    Example:
        >>> agree([1.0, {"w": 2.0}], [1.0 + 1e-9, {"w": 2.0}])
        True
        >>> agree([1.0], [1.0, 2.0])
        False
    """
    if isinstance(a, Tensor) and isinstance(b, Tensor):
        if a.shape != b.shape:
            return False
        if a.numel() == 0 or (a == b).all():
            return True
        x, y = a.double(), b.double()
        scale = float(max(x.abs().max(), y.abs().max()))
        return float((x - y).abs().max()) <= rtol * scale
    if isinstance(a, Mapping) and isinstance(b, Mapping):
        return a.keys() == b.keys() and all(agree(a[k], b[k], rtol) for k in a)
    if isinstance(a, (list, tuple)) and isinstance(b, (list, tuple)):
        same = len(a) == len(b)
        return same and all(agree(x, y, rtol) for x, y in zip(a, b, strict=True))
    if isinstance(a, (int, float)) and isinstance(b, (int, float)):
        return math.isclose(a, b, rel_tol=rtol, abs_tol=0.0)
    return type(a) is type(b) and a == b
