r"""Grade a whole folder, so that a run can be stopped anywhere and repeated.

Each submission is graded, recorded in one transaction, and only then the next begins.
A repeated run grades what is not recorded, what was handed in anew, and what depends on
another secret, another draw of the cases or another version; the rest it leaves as it
is.  The table and the pages are written from the gradebook, so they also carry what a
person graded since.
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from tqdm import tqdm

from coursekit.labs import registry
from coursekit.labs.grading import secret as secrets_of
from coursekit.labs.grading.crew import outcomes
from coursekit.labs.grading.database import database, file_of, opened
from coursekit.labs.grading.deadline import agree
from coursekit.labs.grading.draws import Draws
from coursekit.labs.grading.folder import Found, find, slug
from coursekit.labs.grading.late import Rule
from coursekit.labs.grading.limits import Limits
from coursekit.labs.grading.place import alone, keep_apart
from coursekit.labs.grading.plan import Plan
from coursekit.labs.grading.results import Lateness, write_results
from coursekit.labs.grading.submission import Submission, read
from coursekit.labs.grading.task import Task, ready, release
from coursekit.labs.grading.times import read_times
from coursekit.labs.grading.view import write_view
from coursekit.labs.registry import Lab

__all__ = ["Report", "grade"]


@dataclass
class Report:
    """Hold what a run did.

    Args:
        statuses: How many submissions ended in which status.
        graded: How many this run graded.
        kept: How many were graded before.
        ignored: Entries of the folder that are no submission.
        interrupted: Whether the run was stopped.
        left: How many are still to be graded.
        lateness: Who came late, and what held for them.
        draws: The draw of the hidden cases, by question.
    """

    statuses: Counter[str] = field(default_factory=Counter)
    graded: int = 0
    kept: int = 0
    ignored: list[str] = field(default_factory=list)
    interrupted: bool = False
    left: int = 0
    lateness: Lateness = field(default_factory=Lateness)
    draws: Draws = field(default_factory=dict)


def grade(
    lab_name: str,
    submissions: Path,
    out: Path,
    *,
    secret: Path = secrets_of.DEFAULT,
    limits: Limits | None = None,
    unsafe: bool = False,
    again: bool = False,
    only: Sequence[str] = (),
    draw: int | None = None,
    plots: bool = True,
    workers: int = 1,
    scheduler: str | None = None,
    progress: bool = True,
    deadline: datetime | None = None,
    late: Rule | None = None,
    gradebook: str | None = None,
) -> Report:
    """Grade all submissions of a folder.

    Args:
        lab_name: Name of the lab.
        submissions: Folder of notebooks.
        out: Folder for the gradebook, the table and the pages.
        secret: File of the course's secret; made if there is none.
        limits: What one submission may use.
        unsafe: Run the students' code without a sandbox.
        again: Grade also what is graded already, with hidden cases drawn anew.
        only: Questions to grade anew in what is graded already, the others kept.
        draw: Number of the draw of hidden cases, to have those of an earlier run.
        plots: Race what was written for the open task, for a picture on the page.
        workers: Processes that grade.
        scheduler: Address of a Dask scheduler whose workers grade instead.
        progress: Show a progress bar.
        deadline: When submissions are due, with a zone; that of an earlier run, or of
            ``collect`` if there is a rule, if ``None``.
        late: What being late costs; the rule of an earlier run if ``None``.
        gradebook: URL of its database; that of an earlier run, or a file in `out`, if
            ``None``.

    Returns:
        What was done.

    Raises:
        ValueError: If a folder or the secret lies where it must not, or the gradebook
            cannot be had.
    """
    lab = registry.lab(lab_name)
    if unknown := set(only) - {e.name for e in lab.exercises}:
        names = ", ".join(e.name for e in lab.exercises)
        raise ValueError(f"{lab_name} has no question {sorted(unknown)}, but {names}.")
    submissions, out, secret = submissions.resolve(), out.resolve(), secret.resolve()
    if not submissions.is_dir():
        raise ValueError(f"{submissions} is no folder; expected one with notebooks.")
    keep_apart(submissions, out, secret)
    url = database(out, gradebook)
    keep_apart(submissions, file_of(url) or out, secret)
    found, ignored = find(submissions, lab.name)
    times = read_times(submissions)
    limits = limits or Limits()
    with alone(out), contextlib.ExitStack() as tried:
        key = secrets_of.load(secret)
        shape = Task(Submission(""), lab.name, key, limits, not unsafe)
        if scheduler is None:  # a cluster's workers try their own sandbox
            tried.callback(release)
            ready(shape)  # refuses before a gradebook is made
        if workers > 1:
            release()  # each process will have its own
        with opened(out, url, lab) as book:
            held = agree(book, deadline, late, times.deadline)
            plan = Plan(book, key)
            plan.settle({slug(one.student) for one in found}, again, only, draw)
            shape = dataclasses.replace(shape, draws=dict(plan.draws), plots=plots)
            run = _Run(lab, plan, out, shape, submissions)
            report = run.grade(found, progress, workers, scheduler)
            report.lateness = write_results(book, out, held, times)
    report.ignored = ignored
    return report


class _Run:
    """Hold what every submission of a run needs."""

    def __init__(self, lab: Lab, plan: Plan, out: Path, shape: Task, root: Path):
        self.lab, self.book, self.out, self.root = lab, plan.book, out, root
        self.shape = shape  # what all tasks have in common
        self.plan = plan

    def grade(
        self, found: list[Found], progress: bool, workers: int, scheduler: str | None
    ) -> Report:
        """Grade what is to be graded.

        Args:
            found: Submissions of the folder.
            progress: Show a progress bar.
            workers: Processes that grade.
            scheduler: Address of a Dask scheduler, or ``None``.

        Returns:
            The report.
        """
        report = Report(draws=self.plan.draws)
        bar = tqdm(
            total=len(found),
            unit="notebook",
            disable=not progress or None,  # None: shown by a terminal alone
            dynamic_ncols=True,
            smoothing=0,
        )
        todo = self._todo(found, report, bar)
        with contextlib.closing(outcomes(todo, workers, scheduler)) as done:
            try:
                for (submission, key, partly), outcome in done:
                    if partly:
                        before = self.book.outcome(submission.slug)
                        outcome = before.with_questions(outcome)
                    write_view(self.out, submission, outcome)
                    self.book.record(outcome, key)
                    report.graded += 1
                    bar.update()
            except KeyboardInterrupt:
                report.interrupted = True
        bar.close()
        report.left = len(found) - report.graded - report.kept
        for _, outcome in self.book.graded():
            report.statuses[outcome.status] += 1
        return report

    def _todo(
        self, found: list[Found], report: Report, bar: tqdm
    ) -> Iterator[tuple[tuple[Submission, str, bool], Task]]:
        """Read the submissions one by one, and count those that are graded already.

        Yields:
            A submission, its key, whether only a part of it is graded anew; the task.
        """
        for one in found:
            submission = read(one, self.lab, self.root)
            only = self.plan.todo(submission)
            if not only:
                report.kept += 1
                bar.initial = report.kept  # took no time and is no part of the rate
                bar.update()
                continue
            partly = len(only) < len(self.plan.draws) and not submission.status
            task = dataclasses.replace(
                self.shape, submission=submission, only=only if partly else ()
            )
            key = self.plan.key(submission, self.plan.draws)
            yield (submission, key, partly), task
