r"""The result of a check, in words, for a notebook, a terminal and a feedback page."""

from __future__ import annotations

from dataclasses import dataclass, field

from coursekit.labs.caller import StudentError

__all__ = ["CaseResult", "CheckResult", "explain"]


SENTENCES: dict[str, str] = {
    "missing": "Not answered yet: `{name}` still raises NotImplementedError. Replace "
    "that line with your code and run the cell again.",
    "undefined": "The notebook defines no function called `{name}`.",
    "raised": "`{name}` stops{where} with {said}",
    "recursion": "`{name}` calls itself without end{where}. Give it a case in which it "
    "returns without another call, or use a loop.",
    "timeout": "`{name}` did not answer within its time limit{message}. Look for a "
    "loop whose condition never becomes false.",
    "memory": "`{name}` asked for more memory than it may use{where}. Look for a "
    "tensor with one axis too many.",
    "killed": "The process that ran `{name}` ended before it answered.",
    "protocol": "The answer of `{name}` cannot be read{message}.",
}


@dataclass(frozen=True)
class CaseResult:
    """Hold what came of one case.

    Args:
        says: The call in words.
        part: Part of the exercise.
        kind: ``"passed"``, ``"wrong"``, ``"unusable"``, ``"changed"``, or the kind of
            a `StudentError`.
        message: A sentence for whoever wrote the answer; empty if it passed.
        line: Equation line that the case can violate.
    """

    says: str
    part: str
    kind: str
    message: str = ""
    line: str = ""

    @property
    def passed(self) -> bool:
        """Whether the case passed."""
        return self.kind == "passed"


@dataclass(frozen=True, repr=False)
class CheckResult:
    """Hold what came of a check.

    Args:
        exercise: Name of the exercise.
        title: Its title.
        cases: One result a case; fewer if a case ended the check.
        earned: Points of each part.
        parts: Points each part can give.
        message: The sentence to read first; empty if all passed.
        line: Equation line that is violated.
        equation: That line.
        diagnosis: Name of the mutant that the answer behaves like.
    """

    exercise: str
    title: str
    cases: tuple[CaseResult, ...]
    earned: dict[str, float] = field(default_factory=dict)
    parts: dict[str, float] = field(default_factory=dict)
    message: str = ""
    line: str = ""
    equation: str = ""
    diagnosis: str | None = None

    @property
    def passed(self) -> bool:
        """Whether every case passed."""
        return bool(self.cases) and all(case.passed for case in self.cases)

    @property
    def points(self) -> float:
        """Points earned."""
        return sum(self.earned.values())

    @property
    def status(self) -> str:
        """``"passed"``, ``"missing"``, or the kind of the first failure."""
        return next((c.kind for c in self.cases if not c.passed), "passed")

    @property
    def unseen(self) -> list[str]:
        """Parts that no case of this check belongs to."""
        seen = {case.part for case in self.cases}
        return [part for part in self.parts if part not in seen]

    def __repr__(self) -> str:
        from coursekit.labs.render import as_text

        return as_text(self)

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict[str, str]:
        from coursekit.labs.render import as_html, as_text

        return {"text/plain": as_text(self), "text/html": as_html(self)}


def explain(error: StudentError, signature: str) -> str:
    """Say in a sentence why the code gave no answer.

    Args:
        error: What happened.
        signature: Signature of the exercise as text.

    Returns:
        One or two sentences, addressed to whoever wrote the code.
    """
    name = signature.partition("(")[0]
    said = f"{error.type_name}: {error.message}".strip(": ")
    if error.kind == "raised" and error.line is None and error.type_name == "TypeError":
        return (
            f"The check calls `{signature}`, and that call fails with {said}. "
            "Keep the number, the order and the names of the arguments."
        )
    where = f" in line {error.line}" if error.line else ""
    where += f" (`{error.source}`)" if error.source else ""
    message = f" ({error.message})" if error.message else ""
    return SENTENCES[error.kind].format(
        name=name, where=where, message=message, said=said
    )
