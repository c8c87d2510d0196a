r"""The labs and their exercises, by name, and `check`, the notebook's door to them."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any

from coursekit.labs.exercise import Exercise
from coursekit.labs.local import LocalCaller
from coursekit.labs.open_tasks import OPEN, Open
from coursekit.labs.result import CheckResult

__all__ = ["Lab", "Written", "check", "exercise", "exercises", "lab", "labs"]


@dataclass(frozen=True)
class Written:
    """Describe a question that a person grades.

    Args:
        name: Its grade id in the notebook.
        title: What is asked, in a few words.
        points: The most it can give.
        minutes: Time it takes.
        difficulty: 1 (routine) to 5.
    """

    name: str
    title: str
    points: float
    minutes: int = 10
    difficulty: int = 3


@dataclass(frozen=True)
class Lab:
    """Hold one lab: its graded functions and its written questions.

    Args:
        name: File name without ending, ``"11_initialization"``.
        title: Title of the lab.
        exercises: Graded functions in order.
        written: Questions graded by hand.
    """

    name: str
    title: str
    exercises: tuple[Exercise, ...]
    written: tuple[Written, ...] = ()

    @property
    def points(self) -> float:
        """Points of the whole lab."""
        return sum(e.points for e in self.exercises) + sum(
            w.points for w in self.written
        )

    @property
    def open(self) -> Open | None:
        """The task without points at its end, if there is one."""
        return OPEN.get(self.name)


@cache
def labs() -> dict[str, Lab]:
    """List the labs.

    Returns:
        Every lab by name, in the order of the chapters.
    """
    from coursekit.labs.catalogue import LABS

    return {one.name: one for one in LABS}


def lab(name: str) -> Lab:
    """Find a lab.

    Args:
        name: File name without ending.

    Returns:
        The lab; `ValueError` if there is none of this name.
    """
    return _find("lab", name, labs())


def exercises() -> dict[str, Exercise]:
    """List the exercises of all labs.

    Returns:
        Every exercise by the name of its function.
    """
    return {e.name: e for one in labs().values() for e in one.exercises}


def exercise(name: str) -> Exercise:
    """Find an exercise.

    Args:
        name: Name of its function.

    Returns:
        The exercise; `ValueError` if there is none of this name.
    """
    return _find("exercise", name, exercises())


def check(name: str, answer: Callable[..., Any]) -> CheckResult:
    """Check an answer on the visible cases.

    Args:
        name: Name of the exercise.
        answer: The function itself, not the result of calling it.

    Returns:
        The result; a notebook shows it as the value of the cell.

    Raises:
        TypeError: If ``answer`` cannot be called.
    """
    found = exercise(name)
    if not callable(answer):
        raise TypeError(
            f"check({name!r}, ...) got a {type(answer).__name__}, expected the "
            f"function itself: write check({name!r}, {name}), without parentheses "
            "after the second name."
        )
    with _own_settings():
        return found.examine(LocalCaller(answer), visible=True)


@contextmanager
def _own_settings() -> Generator[None, None, None]:
    """Keep what a notebook may have set for itself away from a check."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # the cases are tiny: more threads only wait
    try:
        with torch.device("cpu"), torch.enable_grad():
            yield
    finally:
        torch.set_num_threads(threads)


def _find(kind: str, name: str, among: dict[str, Any]) -> Any:
    if name in among:
        return among[name]
    close = difflib.get_close_matches(str(name), list(among), n=1)
    hint = f"did you mean {close[0]!r}?" if close else f"there are {', '.join(among)}."
    raise ValueError(f"no {kind} is called {name!r}; {hint}")
