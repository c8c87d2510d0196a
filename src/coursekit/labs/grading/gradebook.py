r"""Write outcomes into nbgrader's gradebook, one transaction a submission.

nbgrader's own methods commit after each row, so a run that is killed between two of
them leaves half a submission.  Here nbgrader's models are filled in one session and
committed once, together with the whole outcome in a table beside nbgrader's: what is
in that table is graded, what is not will be graded when the run is repeated.

Scores that a person gave are never overwritten; where the code behind them changed,
nbgrader is told that they need another look, as its own autograder would.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from coursekit.labs.grading.folder import names
from coursekit.labs.grading.nbgrader_book import open_book
from coursekit.labs.grading.outcome import Outcome, Question
from coursekit.labs.registry import Lab

__all__ = ["Entry", "Gradebook", "check_cell"]


@dataclass(frozen=True)
class Entry:
    """Hold what the gradebook has of one question of one submission.

    Args:
        score: Points, those of a person first; ``None`` if there are none yet.
        needs_grading: Whether a person has to look at it.
        comment: What a person wrote to the student.
    """

    score: float | None
    needs_grading: bool
    comment: str = ""


def check_cell(question: Question) -> str:
    """Name the cell that carries the points of a question in nbgrader.

    Args:
        question: The question.

    Returns:
        Its grade id.
    """
    return question.name if question.written else f"check_{question.name}"


class Gradebook:
    """Open the gradebook of a course for one lab.

    Args:
        url: Database, ``"sqlite:///grades/gradebook.db"`` say.
        lab: The lab.
    """

    def __init__(self, url: str, lab: Lab):
        (self.api, self.book), self.lab = open_book(url), lab
        from sqlalchemy import Column, String, Text

        self.table = self.beside(
            "coursekit_outcome",
            Column("student", String(128), primary_key=True),
            Column("key", String(160), nullable=False),
            Column("outcome", Text, nullable=False),
        )
        self._describe_lab()

    def beside(self, name: str, *columns: Any) -> Any:
        """Have a table of our own beside nbgrader's, whose first column is the lab.

        Args:
            name: Its name.
            *columns: The other columns.

        Returns:
            An `sqlalchemy.Table`, made if there is none.
        """
        from sqlalchemy import Column, MetaData, String, Table

        lab = Column("lab", String(128), primary_key=True)
        table = Table(name, MetaData(), lab, *columns)
        table.create(self.book.engine, checkfirst=True)
        return table

    def close(self) -> None:
        """Close the database."""
        self.book.close()

    def _describe_lab(self) -> None:
        name, book = self.lab.name, self.book
        book.update_or_create_assignment(name)
        book.update_or_create_notebook(name, name)
        for exercise in self.lab.exercises:
            cell = {"max_score": exercise.points, "cell_type": "code"}
            book.update_or_create_grade_cell(
                f"check_{exercise.name}", name, name, **cell
            )
            book.update_or_create_solution_cell(exercise.name, name, name)
        for written in self.lab.written:
            cell = {"max_score": written.points, "cell_type": "markdown"}
            book.update_or_create_grade_cell(written.name, name, name, **cell)
            book.update_or_create_solution_cell(written.name, name, name)
        notebook = book.find_notebook(name, name)
        self.notebook, self.assignment = notebook.id, notebook.assignment_id
        self.grade_cells: dict[Any, Any] = {c.name: c.id for c in notebook.grade_cells}
        self.solution_cells: dict[Any, Any] = {
            c.name: c.id for c in notebook.solution_cells
        }

    def graded(self) -> Iterator[tuple[str, Outcome]]:
        """Go through what is graded already, one at a time.

        Yields:
            Key and outcome, in the order of the slugs.
        """
        of = self.table.c
        query = self.table.select().where(of.lab == self.lab.name).order_by(of.student)
        with self.book.engine.connect() as connection:
            for row in connection.execute(query):
                yield row.key, Outcome.from_json(row.outcome)

    def outcome(self, slug: str) -> Outcome:
        """Read the outcome of a submission that is graded.

        Args:
            slug: Whose it is.

        Returns:
            The outcome.
        """
        of = self.table.c
        query = self.table.select().where(of.lab == self.lab.name, of.student == slug)
        with self.book.engine.connect() as connection:
            row = connection.execute(query).one()
        return Outcome.from_json(row.outcome)

    def record(self, outcome: Outcome, key: str) -> None:
        """Write one outcome, all of it or nothing.

        Args:
            outcome: What came of the submission.
            key: What it depends on; another key means that it is to be graded again.
        """
        session = self.book.db()
        try:
            notebook = self._notebook(session, outcome)
            self._fill(session, notebook, outcome.questions)
            table = self.table
            same = (table.c.lab == self.lab.name) & (table.c.student == outcome.slug)
            self._forget_time(session, notebook, table.select().where(same), outcome)
            session.execute(table.delete().where(same))
            row = {"lab": self.lab.name, "student": outcome.slug, "key": key}
            session.execute(table.insert().values(**row, outcome=outcome.to_json()))
            session.commit()
        except BaseException:
            session.rollback()
            raise

    def _notebook(self, session: Any, outcome: Outcome) -> str:
        """Find nbgrader's rows of a submission, or add them without committing.

        Returns:
            Id of the submitted notebook.
        """
        api, student = self.api, outcome.slug
        if session.get(api.Student, student) is None:
            first, last = names(outcome.student)
            session.add(api.Student(id=student, first_name=first, last_name=last))
        same = {"assignment_id": self.assignment, "student_id": student}
        found = session.query(api.SubmittedNotebook.id).join(api.SubmittedAssignment)
        row = found.filter_by(**same).one_or_none()
        if row is not None:
            return row[0]
        submitted = api.SubmittedAssignment(id=api.new_uuid(), **same)
        notebook = api.SubmittedNotebook(
            id=api.new_uuid(), notebook_id=self.notebook, assignment_id=submitted.id
        )
        session.add(submitted)
        session.flush()
        session.add(notebook)
        session.flush()
        for cell in self.grade_cells.values():
            session.add(api.Grade(cell_id=cell, notebook_id=notebook.id))
        for cell in self.solution_cells.values():
            session.add(api.Comment(cell_id=cell, notebook_id=notebook.id))
        session.flush()
        return notebook.id

    def _forget_time(
        self, session: Any, notebook: str, query: Any, outcome: Outcome
    ) -> None:
        """Forget when a submission came if it is another notebook than before."""
        row = session.execute(query).one_or_none()
        if row and Outcome.from_json(row.outcome).sha256 != outcome.sha256:
            found = session.get(self.api.SubmittedNotebook, notebook)
            found.assignment.timestamp = None

    def _fill(self, session: Any, notebook: str, questions: Sequence[Question]) -> None:
        """Write points and comments; what a person gave stays."""
        api = self.api
        rows = session.query(api.Grade).filter_by(notebook_id=notebook)
        grades = {grade.cell_id: grade for grade in rows}
        rows = session.query(api.Comment).filter_by(notebook_id=notebook)
        comments = {comment.cell_id: comment for comment in rows}
        for question in questions:
            grade = grades[self.grade_cells[check_cell(question)]]
            grade.auto_score = question.points
            open_ = question.points is None or question.kind == "check failed"
            grade.needs_manual_grade = open_ or grade.manual_score is not None
            comment = comments[self.solution_cells[question.name]]
            comment.auto_comment = " ".join(question.sentences) or None

    def entries(self) -> dict[str, dict[str, Entry]]:
        """Read the current scores and comments of all submissions.

        Returns:
            Entries by slug and name of the cell.
        """
        api, session = self.api, self.book.db()
        student = api.SubmittedAssignment.student_id
        lines = session.query(student, api.BaseCell.name, api.Comment.manual_comment)
        lines = lines.select_from(api.Comment).join(api.Comment.cell)
        lines = lines.join(api.Comment.notebook).join(api.SubmittedNotebook.assignment)
        lines = lines.filter(api.SubmittedNotebook.notebook_id == self.notebook)
        said = {(slug, name): text or "" for slug, name, text in lines}
        of = api.Grade  # columns, not rows of objects: a class may have thousands
        given = (of.auto_score, of.manual_score, of.extra_credit, of.needs_manual_grade)
        rows = session.query(student, api.BaseCell.name, *given)
        rows = rows.select_from(api.Grade).join(api.Grade.cell)
        rows = rows.join(api.Grade.notebook).join(api.SubmittedNotebook.assignment)
        rows = rows.filter(api.SubmittedNotebook.notebook_id == self.notebook)
        found: dict[str, dict[str, Entry]] = {}
        for slug, name, auto, manual, extra, needs in rows:
            comment = said.get((slug, name.removeprefix("check_")), "")
            score = _score(auto, manual, extra)
            found.setdefault(slug, {})[name] = Entry(score, bool(needs), comment)
        session.rollback()
        return found


def _score(
    auto: float | None, manual: float | None, extra: float | None
) -> float | None:
    given = auto if manual is None else manual
    return None if given is None else given + (extra or 0.0)
