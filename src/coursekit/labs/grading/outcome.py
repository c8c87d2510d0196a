r"""What came of a submission, as plain data that the gradebook can keep.

Every submission ends in one named status.  ``"ok"`` says that all questions were
answered and judged, rightly answered or not; any other names what stood in the way.
"""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, field
from typing import Any

__all__ = ["STATUSES", "Curve", "Outcome", "Question", "Race"]

Curve = tuple[tuple[float, ...], tuple[float | None, ...]]

STATUSES = {
    "ok": "Every question was answered and judged.",
    "missing answers": "At least one question has no answer yet.",
    "timeout": "At least one answer did not end within its time.",
    "out of memory": "At least one answer needed more memory than it may have.",
    "killed": "The process ended while an answer was computed.",
    "broken protocol": "The code wrote into the grader's own connection.",
    "check failed": "A check met a value it cannot judge; look at it by hand.",
    "wrong lab": "The notebook belongs to another lab.",
    "corrupt": "The file cannot be read as a notebook.",
}
WORST_FIRST = (
    ("violation", "broken protocol"),
    ("killed", "killed"),
    ("memory", "out of memory"),
    ("timeout", "timeout"),
    ("check failed", "check failed"),
    ("missing", "missing answers"),
    ("undefined", "missing answers"),
)


@dataclass(frozen=True)
class Question:
    """Hold what came of one question.

    Args:
        name: Name of the function, or grade id of a written question.
        title: What was to be done.
        points: Points earned; ``None`` until a person gives them.
        max_points: The most it gives.
        kind: ``"passed"``, ``"open"``, or the kind of the first failure.
        parts: Points earned and to be earned, by part.
        sentences: What to tell the student.
        line: Number of the violated equation line.
        equation: That line.
        diagnosis: Name of the mutant that it behaves like.
        written: Whether a person grades it.
        draw: Number of the draw of the hidden cases.
    """

    name: str
    title: str
    points: float | None
    max_points: float
    kind: str
    parts: dict[str, tuple[float, float]] = field(default_factory=dict)
    sentences: tuple[str, ...] = ()
    line: str = ""
    equation: str = ""
    diagnosis: str | None = None
    written: bool = False
    draw: int = 1


@dataclass(frozen=True)
class Race:
    """Hold what came of the open task, which has no points.

    Args:
        said: A sentence in place of the picture; empty if there is one.
        curves: Places and losses by name, ``"yours"`` first; ``None`` is diverged.
    """

    said: str = ""
    curves: dict[str, Curve] = field(default_factory=dict)


@dataclass(frozen=True)
class Outcome:
    """Hold what came of one submission.

    Args:
        student: Name that the folder gives.
        slug: The same, safe for paths.
        lab: Name of the lab.
        status: One of `STATUSES`.
        sha256: Hash of the notebook.
        problem: Why nothing could be graded; empty if something could.
        questions: Questions in order, the written ones last.
        cells: What to tell about cells that did not run to their end.
        seconds: Time it took.
        race: The open task; ``None`` if it was not looked at.
    """

    student: str
    slug: str
    lab: str
    status: str
    sha256: str
    problem: str = ""
    questions: tuple[Question, ...] = ()
    cells: tuple[str, ...] = ()
    seconds: float = 0.0
    race: Race | None = None

    @property
    def points(self) -> float:
        """Points earned so far."""
        return sum(q.points or 0.0 for q in self.questions)

    @property
    def max_points(self) -> float:
        """Points of the whole lab."""
        return sum(q.max_points for q in self.questions)

    def with_questions(self, newer: Outcome) -> Outcome:
        """Take the questions of a newer outcome of the same notebook.

        Args:
            newer: An outcome of some of the questions.

        Returns:
            This outcome with those questions, and the status that follows.
        """
        fresh = {q.name: q for q in newer.questions}
        questions = tuple(fresh.get(q.name, q) for q in self.questions)
        found = status([q.kind for q in questions])
        return dataclasses.replace(
            self, questions=questions, status=found, cells=newer.cells
        )

    def to_json(self) -> str:
        """Write everything as JSON.

        Returns:
            One line of ASCII.
        """
        return json.dumps(dataclasses.asdict(self), ensure_ascii=True)

    @classmethod
    def from_json(cls, text: str) -> Outcome:
        """Read what `to_json` wrote.

        Args:
            text: JSON.

        Returns:
            The outcome.
        """
        content: dict[str, Any] = json.loads(text)
        questions = []
        for question in content["questions"]:
            question["parts"] = {k: tuple(v) for k, v in question["parts"].items()}
            question["sentences"] = tuple(question["sentences"])
            questions.append(Question(**question))
        content["questions"] = tuple(questions)
        content["cells"] = tuple(content["cells"])
        if race := content.get("race"):
            curves = {k: (tuple(x), tuple(y)) for k, (x, y) in race["curves"].items()}
            content["race"] = Race(race["said"], curves)
        return cls(**content)


def status(kinds: list[str]) -> str:
    """Name the status of a submission by the worst that came of a question.

    Args:
        kinds: Kinds of its questions.

    Returns:
        One of `STATUSES`.

    Example:
        >>> status(["passed", "missing", "timeout"])
        'timeout'
    """
    return next((name for kind, name in WORST_FIRST if kind in kinds), "ok")
