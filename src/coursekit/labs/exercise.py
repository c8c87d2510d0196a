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

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from coursekit.labs.caller import Caller
from coursekit.labs.local import LocalCaller
from coursekit.labs.result import CheckResult

__all__ = ["Case", "Exercise", "Hint", "Mutant", "Unusable"]


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
        raises: Why the call has to be refused with a `ValueError`; empty if it has
            an answer. A refusal is then right, and nothing else is.
        again: Arguments of further calls; `Exercise.read` then gets the list of all
            answers, the first included. Plain values only: a handle of an earlier
            call is gone.
    """

    part: str
    args: tuple
    says: str
    line: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)
    raises: str = ""
    again: Sequence[tuple] = ()

    def ask(self, caller: Caller) -> Any:
        """Make the call, or all calls, of the case.

        Args:
            caller: The answer.

        Returns:
            What it gave; a list where there are several calls.
        """
        first = caller(*self.args)
        return [first, *(caller(*a) for a in self.again)] if self.again else first


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
        helps: Names of the mutants whose author it helps.
    """

    symptom: str
    text: str
    helps: Sequence[str] = ()


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
        from coursekit.labs.examination import examine

        return examine(self, caller, rng or np.random.default_rng(0), visible)

    def expected(self, case: Case, function: Callable[..., Any] | None = None) -> Any:
        """Call the reference, or a mutant, on a case and read its answer.

        Args:
            case: The call.
            function: What to call; the reference if ``None``.

        Returns:
            The answer as `read` gives it.
        """
        return self.read(case, case.ask(LocalCaller(function or self.reference)))

    def mistaken(self, mutant: Mutant, case: Case) -> Any:
        """Answer a case as a mutant does.

        Args:
            mutant: A typical wrong answer.
            case: The call.

        Returns:
            The answer as `read` gives it, or how it stopped.
        """
        from coursekit.labs.examination import outcome

        return outcome(self, LocalCaller(mutant.function), case)[0]
