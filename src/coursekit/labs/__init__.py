r"""Exercises that check themselves, in a notebook and in the grader.

`check` is all that a student's notebook needs; `lab`, `exercises` and
`Exercise.examine` are what the grader uses.
"""

from coursekit.labs.agreement import agree
from coursekit.labs.caller import Caller, Handle, Recipe, StudentError
from coursekit.labs.exercise import Case, Exercise, Hint, Mutant, Unusable
from coursekit.labs.local import LocalCaller
from coursekit.labs.registry import Lab, Written, check, exercise, exercises, lab, labs
from coursekit.labs.result import CaseResult, CheckResult

__all__ = [
    "Caller",
    "Case",
    "CaseResult",
    "CheckResult",
    "Exercise",
    "Handle",
    "Hint",
    "Lab",
    "LocalCaller",
    "Mutant",
    "Recipe",
    "StudentError",
    "Unusable",
    "Written",
    "agree",
    "check",
    "exercise",
    "exercises",
    "lab",
    "labs",
]
