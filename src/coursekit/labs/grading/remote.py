r"""Give one answer of a submission to a check, as a `Caller`."""

from __future__ import annotations

from typing import Any

from coursekit.labs.grading.examinee import Ended, Examinee

__all__ = ["RemoteCaller"]


class RemoteCaller:
    """Give the `Caller` protocol to one answer of a submission.

    All calls through one caller share one time limit.  After the worker ended under
    it, a caller is closed and says so at every further call.

    Args:
        examinee: The submission.
        question: Name of the function.
    """

    def __init__(self, examinee: Examinee, question: str):
        self.examinee = examinee
        self.question = question
        self.closed: Ended | None = None
        self.begun = False

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the answer.

        Args:
            *args: Plain values and recipes.
            **kwargs: The same, by name.

        Returns:
            A plain value, or a `RemoteHandle`.
        """
        told = {"name": self.question, "args": list(args), "kwargs": kwargs}
        return self._ask(op="call", **told)

    def inputs_after(self) -> list[Any]:
        """Give the arguments of the latest call as that call left them.

        Returns:
            Plain values and handles; empty if what comes back is no list.
        """
        inputs = self._ask(op="inputs")
        return inputs if isinstance(inputs, list) else []

    def _ask(self, **message: Any) -> Any:
        if self.closed is not None:
            raise self.closed
        try:
            if not self.begun:
                self.examinee.begin()
                self.begun = True
            return self.examinee.ask(**message)
        except Ended as error:
            self.closed = error
            raise
