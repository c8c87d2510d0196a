r"""What a run has to grade, and with which draws of the hidden cases.

An outcome is kept as long as nothing that it depends on has changed: the notebook, the
secret, the version and, question by question, the draw.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence

import coursekit
from coursekit.labs.grading import secret as secrets_of
from coursekit.labs.grading.draws import Draws, choose, drawn, keep, kept, reached
from coursekit.labs.grading.gradebook import Gradebook
from coursekit.labs.grading.submission import Submission

__all__ = ["Plan"]


class Plan:
    """Hold what is graded already and the draws of a run.

    Args:
        book: The gradebook.
        secret: The course's secret.
    """

    def __init__(self, book: Gradebook, secret: bytes):
        self.book, self.secret = book, secret
        self.known = {o.slug: (key, drawn(o)) for key, o in book.graded()}
        self.draws: Draws = {}
        self.anew: tuple[str, ...] = ()  # questions graded anew with the same draw

    def settle(
        self,
        slugs: Collection[str],
        again: bool = False,
        only: Sequence[str] = (),
        number: int | None = None,
    ) -> None:
        """Choose the draws, and record them before anything is graded with them.

        Args:
            slugs: Who is to be graded.
            again: Whether all questions are to be graded again.
            only: Questions to be graded again.
            number: The draw that is asked for; ``None`` leaves the choice.
        """
        now, last = kept(self.book)
        regrade = again or bool(only)
        names = tuple(now) if again or not only else tuple(only)
        recorded = [had for slug, (_, had) in self.known.items() if slug in slugs]
        done = bool(recorded) and reached(recorded, names, now)
        self.draws = choose(now, last, names, number, fresh=regrade and done)
        if regrade and reached(recorded, names, self.draws):
            self.anew = names
        keep(self.book, self.draws)

    def todo(self, submission: Submission) -> tuple[str, ...]:
        """List the questions that are to be graded.

        Args:
            submission: What was handed in.

        Returns:
            All if nothing is recorded of this notebook, this secret and this version,
            else those with another draw or graded anew.
        """
        if submission.slug not in self.known:
            return tuple(self.draws)
        key, had = self.known[submission.slug]
        if key != self.key(submission, had):
            return tuple(self.draws)
        draws = self.draws
        return tuple(q for q in draws if q in self.anew or had.get(q) != draws[q])

    def key(self, submission: Submission, draws: Draws) -> str:
        """Name everything that the outcome of a submission depends on.

        Args:
            submission: What was handed in.
            draws: The draw of each question.

        Returns:
            A hash; the secret cannot be found from it.
        """
        secret = secrets_of.draw(self.secret, self.book.lab.name, "key")
        parts = (submission.sha256, submission.problem, coursekit.__version__)
        numbers = (f"{name} {draws[name]}" for name in sorted(draws))
        text = "\0".join([*parts, secret.bytes(16).hex(), *numbers])
        return hashlib.sha256(text.encode()).hexdigest()
