r"""Keep a submission running, whatever its code does to the process it runs in.

An `Examinee` keeps a worker alive: it starts one, has it run the notebook's cells, and
starts another when a cell or a question ended the last.  What ended a worker is skipped
from then on, so that an endless loop in one question keeps the credit of the others.

What does not keep to the protocol ends the worker and is a named outcome of that
question.  Time is counted only while the worker has a request: what the grader itself
computes, and how long a worker takes to start, is no student's time.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, cast

from coursekit.labs.caller import ErrorKind, StudentError
from coursekit.labs.grading.limits import Limits
from coursekit.labs.grading.reply import encode_recipe, handles_of, value_of
from coursekit.labs.grading.sandbox import Sandbox
from coursekit.labs.grading.values import WireError
from coursekit.labs.grading.wire import Closed, Late

__all__ = ["CellNote", "Ended", "Examinee"]

ENDINGS = {
    "timeout": "",
    "memory": "the whole sandbox ran out of memory",
    "killed": "",
    "protocol": "it wrote something else into the grader's connection",
}
MAX_STARTS = 16


class Ended(StudentError):
    """Report that the worker is gone: by a limit, by itself, or by its protocol."""


@dataclass(frozen=True)
class CellNote:
    """Record that a cell did not run to its end.

    Args:
        cell: Index among the code cells.
        kind: One of `ErrorKind`.
        message: What the exception said.
        line: Line of the cell.
        type_name: Name of the exception class.
    """

    cell: int
    kind: str
    message: str = ""
    line: int | None = None
    type_name: str = ""


class Examinee:
    """Run one submission in workers of its own.

    Args:
        cells: Code cells with ``source`` and ``grade_id``.
        questions: Names of the functions asked for.
        limits: What it may use.
        start: Starts a worker; by default in a sandbox.
    """

    def __init__(
        self,
        cells: Sequence[dict[str, Any]],
        questions: Sequence[str],
        limits: Limits,
        start: Callable[[Limits], Sandbox],
    ):
        self.cells = list(cells)
        self.questions = list(questions)
        self.limits = limits
        self.start = start
        self.left = limits.submission  # seconds
        self.left_of_question = limits.question
        self.last = Ended("killed")
        self.notes: list[CellNote] = []
        self.skipped: set[int] = set()
        self.starts = 0
        self.asked = 0
        self.sandbox: Sandbox | None = None

    def __enter__(self) -> Examinee:
        return self

    def __exit__(self, *error: object) -> None:
        self.drop()

    def drop(self) -> None:
        """End the worker, if there is one."""
        if self.sandbox is not None:
            self.sandbox.close()
            self.sandbox = None

    def ready(self) -> None:
        """Have a worker that has run all cells that can be run.

        Raises:
            Ended: If the time of the submission is used up, or its cells ended
                every worker.
        """
        while self.sandbox is None:
            if self.starts >= MAX_STARTS or self.left <= 0:
                raise Ended("timeout", "the time for the whole submission is used up")
            self.starts += 1
            self.sandbox = self.start(self.limits)
            asked = {"sources": self.cells, "questions": self.questions}
            self.request(self.limits.cell, op="load", **asked)
            self._run_cells()

    def _run_cells(self) -> None:
        for index in range(len(self.cells)):
            if index in self.skipped:
                continue
            try:
                self.request(self.limits.cell, op="run", index=index)
            except Ended as error:
                self.skipped.add(index)
                self._note(index, error)
                return
            except StudentError as error:
                self._note(index, error)

    def _note(self, index: int, error: StudentError) -> None:
        if all(note.cell != index for note in self.notes):
            told = (error.kind, error.message, error.line, error.type_name)
            self.notes.append(CellNote(index, *told))

    def request(self, seconds: float, **message: Any) -> Any:
        """Ask the worker and wait for the answer.

        Args:
            seconds: Time it has.
            message: ``op`` and its arguments.

        Returns:
            A plain value, or a `RemoteHandle`.

        Raises:
            StudentError: If the student's code raised.
            Ended: If the worker is gone.
        """
        begun = time.monotonic()
        try:
            return self._exchange(begun + min(seconds, self.left), message)
        finally:
            spent = time.monotonic() - begun
            self.left -= spent
            self.left_of_question -= spent

    def _exchange(self, deadline: float, message: dict[str, Any]) -> Any:
        if self.sandbox is None:
            raise self.last
        channel = self.sandbox.channel
        self.asked += 1
        message["id"] = self.asked
        try:
            channel.send(message, deadline, special=encode_recipe)
            reply = channel.receive(deadline, special=handles_of(self))
            return value_of(reply, self.asked, self.cells)
        except Late:
            kind = "timeout"
        except Closed:
            kind = self.sandbox.ended()
        except WireError:
            kind = "protocol"
        except StudentError:
            raise
        except BaseException:  # Ctrl-C, say, in the middle of a frame
            self.drop()
            raise
        self.drop()
        self.last = Ended(cast("ErrorKind", kind), ENDINGS[kind])
        raise self.last

    def begin(self) -> None:
        """Start the clock of a question, with a worker that has run the cells."""
        self.ready()
        self.left_of_question = self.limits.question

    def ask(self, **message: Any) -> Any:
        """Ask within the time of the current question.

        Args:
            message: ``op`` and its arguments.

        Returns:
            A plain value, or a `RemoteHandle`.
        """
        return self.request(self.left_of_question, **message)
