r"""Draw a lab's cases once for a whole class, and compute each expected value once.

Everybody is asked the same cases, which the course's secret and the number of the draw
decide.  So what does not depend on the answer, the cases and what the reference and the
mutants say to them, is the same for all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from coursekit.labs.exercise import Case, Exercise, Mutant
from coursekit.labs.grading.secret import draw
from coursekit.labs.registry import Lab

__all__ = ["Prepared", "Session"]


class Session(Exercise):
    """An exercise with its cases drawn, that remembers what depends on no student.

    Those are the answers of the reference and of the mutants, some of which train nets.
    """

    def expected(self, case: Case, function: Any = None) -> Any:
        """Give the reference's answer to a case, computed at the first time.

        Args:
            case: The call.
            function: What to call; the reference if ``None``.

        Returns:
            The answer as `read` gives it.
        """
        if function is not None:
            return super().expected(case, function)
        return self._once(("", id(case)), lambda: Exercise.expected(self, case))

    def mistaken(self, mutant: Mutant, case: Case) -> Any:
        """Give a mutant's answer to a case, computed at the first time.

        Args:
            mutant: A typical wrong answer.
            case: The call.

        Returns:
            The answer as `read` gives it, or how it stopped.
        """
        key = (mutant.name, id(case))
        return self._once(key, lambda: Exercise.mistaken(self, mutant, case))

    def _once(self, key: tuple[str, int], compute: Callable[[], Any]) -> Any:
        known = self.__dict__.setdefault("known", {})
        if key not in known:  # the cases live as long as this session
            known[key] = compute()
        return known[key]


class Prepared:
    """Hold the visible and the hidden session of every exercise of a lab.

    Args:
        lab: The lab.
        secret: The course's secret.
        draws: Number of the draw of each question; 1 if it is not named.
    """

    def __init__(self, lab: Lab, secret: bytes, draws: Mapping[str, int] | None = None):
        self.draws = dict(draws or {})
        self.visible = {e.name: _session(e, None) for e in lab.exercises}
        self.hidden = {
            e.name: _session(e, draw(secret, lab.name, e.name, str(self.draw(e.name))))
            for e in lab.exercises
        }

    def draw(self, question: str) -> int:
        """Number of the draw of a question.

        Args:
            question: Its name.

        Returns:
            1 for the first.
        """
        return self.draws.get(question, 1)


def _session(exercise: Exercise, rng: np.random.Generator | None) -> Session:
    """Draw the cases of one exercise.

    Args:
        exercise: The exercise.
        rng: Source of the hidden cases; ``None`` draws the notebook's.

    Returns:
        The exercise, with these cases at every examination.
    """
    visible = rng is None
    cases = exercise.cases(np.random.default_rng(0) if rng is None else rng, visible)
    names = exercise.__dataclass_fields__
    fields: dict[str, Any] = {name: getattr(exercise, name) for name in names}
    fields["cases"] = lambda rng, visible: list(cases)
    return Session(**fields)
