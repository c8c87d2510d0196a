r"""Keep a submission running, whatever its code does to the process it runs in.

An `Examinee` keeps a worker alive: it starts one, has it run the notebook's cells, and
starts another when a cell or a question ended the last.  What ended a worker is skipped
from then on, so that an endless loop in one question keeps the credit of the others.

Nothing that comes back is more than a value.  An error names one of a fixed set of
kinds, its line of source is looked up here, and what does not keep to the protocol ends
the worker and is a named outcome of that question.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Any, cast

from torch import Tensor

from coursekit.labs.caller import ErrorKind, Recipe, StudentError
from coursekit.labs.grading.limits import Limits
from coursekit.labs.grading.sandbox import Sandbox
from coursekit.labs.grading.values import WireError
from coursekit.labs.grading.wire import Closed, Late

__all__ = ["CellNote", "Ended", "Examinee", "RemoteHandle"]

CLAIMED = ("missing", "raised", "recursion", "memory", "undefined", "protocol")
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
        self.until = time.monotonic() + limits.submission
        self.question_until = self.until
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
            if self.starts >= MAX_STARTS or time.monotonic() >= self.until:
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
        if self.sandbox is None:
            raise self.last
        channel = self.sandbox.channel
        deadline = min(time.monotonic() + seconds, self.until)
        self.asked += 1
        message["id"] = self.asked
        try:
            channel.send(message, deadline, special=_encode_recipe)
            reply = channel.receive(deadline, special=self._decode_handle)
            return self._value(reply)
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
        self.question_until = time.monotonic() + self.limits.question

    def ask(self, **message: Any) -> Any:
        """Ask within the time of the current question.

        Args:
            message: ``op`` and its arguments.

        Returns:
            A plain value, or a `RemoteHandle`.
        """
        return self.request(self.question_until - time.monotonic(), **message)

    def _value(self, reply: dict[str, Any]) -> Any:
        number = reply.get("id")
        if type(number) is not int or number != self.asked:
            raise WireError("a reply is not to this request")
        if reply.keys() == {"id", "value"}:
            return reply["value"]
        told = reply.get("error")
        if reply.keys() != {"id", "error"} or not isinstance(told, dict):
            raise WireError("a reply is neither a value nor an error")
        raise self._error(told)

    def _error(self, told: dict[str, Any]) -> StudentError:
        """Rebuild an error from what the worker claims.

        Returns:
            An error whose fields have the right types and whose source is ours.
        """
        kind = told.get("kind")
        line, source = told.get("line"), ""
        cell = told.get("cell")
        if type(cell) is int and type(line) is int and 0 <= cell < len(self.cells):
            lines = self.cells[cell]["source"].splitlines()
            source = lines[line - 1].strip() if 0 < line <= len(lines) else ""
            source = _line_of_text(source, 200)
        return StudentError(
            cast("ErrorKind", kind if kind in CLAIMED else "raised"),
            _line_of_text(told.get("message"), 300),
            line if source else None,
            source,
            _line_of_text(told.get("type_name"), 80),
        )

    def _decode_handle(
        self, tag: str, content: Any, value: Callable[[Any], Any]
    ) -> RemoteHandle:
        if tag != "handle" or not isinstance(content, list) or len(content) != 2:
            raise WireError("a node has an unknown tag")
        number, name = content
        if type(number) is not int or not isinstance(name, str):
            raise WireError("a handle is not a number and a name")
        return RemoteHandle(self, number, _line_of_text(name, 80))


def _line_of_text(value: Any, length: int) -> str:
    if not isinstance(value, str):
        return ""
    text = value.encode("utf-8", "replace").decode("utf-8")
    return "".join(c if c.isprintable() else " " for c in text[:length])


def _encode_recipe(value: Any, tree: Callable[[Any], Any]) -> Any:
    if not isinstance(value, Recipe):
        raise TypeError(f"a check hands in a {type(value).__name__}; use a Recipe")
    return {"recipe": tree({f.name: getattr(value, f.name) for f in fields(value)})}


class RemoteHandle:
    """Stand for an object that a student's code returned and that stays inside.

    Args:
        examinee: Whose it is.
        number: Its number in the worker.
        type_name: What the worker says its class is called.
    """

    def __init__(self, examinee: Examinee, number: int, type_name: str):
        self.examinee = examinee
        self.number = number
        self.type_name = type_name

    def state(self) -> dict[str, Tensor]:
        """Fetch the state dict by value.

        Returns:
            Tensors by name.

        Raises:
            StudentError: If what comes back is no such dict.
        """
        state = self._ask(op="state")
        if not isinstance(state, dict) or not all(
            isinstance(tensor, Tensor) for tensor in state.values()
        ):
            raise StudentError("protocol", "its state is not a dict of tensors")
        return state

    def call(self, method: str, *args: Any) -> Any:
        """Call a method of the object.

        Args:
            method: Its name.
            *args: Plain values and recipes.

        Returns:
            A plain value, or another handle.
        """
        return self._ask(op="method", method=method, args=list(args))

    def _ask(self, **message: Any) -> Any:
        return self.examinee.ask(handle=self.number, **message)
