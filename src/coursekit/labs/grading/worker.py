r"""Run a submission's cells and answer calls, inside the sandbox.

Everything here shares a process with the student's code and may be patched by it, so
nothing here decides anything: it holds no expected value, and what it sends is a claim
that the coordinator rebuilds and judges.  To patch this file is to choose an answer.

Requests carry an ``id`` and an ``op``; a reply carries the same ``id``, and ``value``,
or ``error`` with the arguments of a `StudentError`.
"""

from __future__ import annotations

import socket
import sys
import types
from collections.abc import Callable
from typing import Any

import torch

from coursekit.labs.caller import LocalHandle, Recipe, StudentError, to_plain
from coursekit.labs.grading import cells, namespaces
from coursekit.labs.grading.values import Sizes, WireError
from coursekit.labs.grading.wire import Channel, Closed

__all__ = ["Worker", "main"]

TRUSTED = Sizes(header=2**26, body=2**28, elements=2**26)


class Worker:
    """Hold the namespace of one submission and the objects it returned."""

    def __init__(self) -> None:
        module = types.ModuleType("__main__")
        sys.modules["__main__"] = module
        self.namespace = module.__dict__
        self.namespace.update(display=cells.nothing, get_ipython=cells.Quiet)
        self.cells: list[dict[str, Any]] = []
        self.matched: dict[str, int | None] = {}
        self.answers: dict[str, Any] = {}
        self.arguments: list[Any] = []
        self.handles: list[Any] = []

    def op_load(self, sources: list[dict[str, Any]], questions: list[str]) -> Any:
        """Take the code cells and match them to the questions.

        Args:
            sources: ``source`` and ``grade_id`` of every code cell.
            questions: Names of the functions asked for.

        Returns:
            Index of the cell by question.
        """
        self.cells = [{**c, "source": cells.clean(c["source"])} for c in sources]
        self.matched = cells.match(self.cells, questions)
        return self.matched

    def op_run(self, index: int) -> None:
        """Run one cell, and note the answers that it was matched to.

        Args:
            index: Which cell.
        """
        source = self.cells[index]["source"]
        try:
            exec(compile(source, f"<cell {index}>", "exec"), self.namespace)
        finally:  # a cell may define its answer and fail below it
            for name, i in self.matched.items():
                if i == index and name in self.namespace:
                    self.answers[name] = self.namespace[name]

    def op_call(self, name: str, args: list[Any], kwargs: dict[str, Any]) -> Any:
        """Call an answer.

        Args:
            name: Name of the question.
            args: Plain values and recipes.
            kwargs: The same, by name.

        Returns:
            What it returned.

        Raises:
            StudentError: If the notebook defines no such name.
        """
        self.handles.clear()
        function = self.answers.get(name, self.namespace.get(name))
        if function is None:
            raise StudentError("undefined")
        self.arguments = [_build(a) for a in args]
        return function(*self.arguments, **{k: _build(v) for k, v in kwargs.items()})

    def op_race(self, target: str, names: list[str]) -> Any:
        """Train with what the notebook defines for its open task.

        Args:
            target: What trains, ``"coursekit.experiments.open_tasks:depth"`` say.
            names: What it is given, by name.

        Returns:
            A curve.

        Raises:
            StudentError: If the notebook defines no such name.
        """
        for name in names:
            if name not in self.namespace:
                raise StudentError("undefined", name)
        return Recipe(target, tuple(self.namespace[name] for name in names)).build()

    def op_inputs(self) -> list[Any]:
        """Give the arguments of the latest call as that call left them.

        Returns:
            The positional ones.
        """
        return self.arguments

    def op_state(self, handle: int) -> Any:
        """Give the state dict of an object that an answer returned.

        Args:
            handle: Its number.

        Returns:
            Tensors by name.
        """
        return LocalHandle(self.handles[handle]).state()

    def op_method(self, handle: int, method: str, args: list[Any]) -> Any:
        """Call a method of an object that an answer returned.

        Args:
            handle: Its number.
            method: Name of the method.
            args: Plain values and recipes.

        Returns:
            What it returned.
        """
        return getattr(self.handles[handle], method)(*[_build(a) for a in args])

    def special(self, value: Any, tree: Callable[[Any], Any]) -> Any:
        """Encode what stays here by its number and the name of its type.

        Args:
            value: What is no plain value.
            tree: Encodes a value inside it; not needed.

        Returns:
            A node of the tree.
        """
        target = value.target if isinstance(value, LocalHandle) else value
        self.handles.append(target)
        return {"handle": [len(self.handles) - 1, type(target).__name__[:80]]}

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        """Do what a request asks.

        Args:
            request: ``op`` and its arguments.

        Returns:
            The reply.
        """
        operation = getattr(self, f"op_{request.pop('op')}")
        try:
            return {"value": to_plain(operation(**request))}
        except BaseException as error:  # SystemExit and KeyboardInterrupt included
            return {"error": describe(error)}


def describe(error: BaseException) -> dict[str, Any]:
    """Describe an exception by kind, message and the student's own line.

    Args:
        error: What the student's code raised.

    Returns:
        Fields of a `StudentError`, with ``cell`` beside them.
    """
    if isinstance(error, StudentError):
        return {"kind": error.kind, "message": error.message}
    told = StudentError.describe(error)
    if told["type_name"] == "RuntimeError" and "allocate memory" in told["message"]:
        told["kind"] = "memory"
    trace, told["cell"] = error.__traceback__, None
    while trace is not None:
        name = trace.tb_frame.f_code.co_filename
        if name.startswith("<cell "):
            told["cell"], told["line"] = int(name[6:-1]), trace.tb_lineno
        trace = trace.tb_next
    if isinstance(error, SyntaxError) and (error.filename or "").startswith("<cell "):
        told["line"] = error.lineno
    return told


def _build(argument: Any) -> Any:
    """Build a recipe, whatever defaults the notebook has set for its own tensors.

    Returns:
        The object; a plain value as it is.
    """
    if not isinstance(argument, Recipe):
        return argument
    own = torch.get_default_dtype()
    torch.set_default_dtype(torch.float32)
    try:
        with torch.device("cpu"), torch.enable_grad():
            return argument.build()
    finally:
        torch.set_default_dtype(own)


def _recipe(tag: str, content: Any, value: Callable[[Any], Any]) -> Recipe:
    if tag != "recipe":
        raise WireError("a node has an unknown tag")
    return Recipe(**value(content))


def main(descriptor: int, confined: bool) -> None:
    """Serve requests until the connection closes.

    Args:
        descriptor: File descriptor of the connected socket.
        confined: Whether bubblewrap stands around this process.
    """
    if confined:
        namespaces.refuse()
    connection = socket.socket(fileno=descriptor)
    channel = Channel(connection, sent=Sizes(), received=TRUSTED)
    channel.send({"value": "ready"})
    worker = Worker()
    torch.set_num_threads(1)
    namespaces.bound(channel.receive()["limits"])
    channel.send({"value": "confined"})
    while True:
        try:
            request = channel.receive(special=_recipe)
        except Closed:
            return
        number = request.pop("id")
        reply = worker.answer(request)
        try:
            channel.send({"id": number, **reply}, special=worker.special)
        except WireError as error:
            problem = {"kind": "protocol", "message": str(error)}
            channel.send({"id": number, "error": problem})
