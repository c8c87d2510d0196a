r"""Race what a student wrote for the open task, for the picture on the feedback page.

The training runs beside the student's function, in the sandbox, so the curve can be
forged.  Nothing is believed: the task has no points, and a forged curve fools only its
author.  What comes out is rebuilt as short lists of numbers.

The race has a worker of its own, which never sees a hidden input, a time limit of its
own, and no way to end anything else: whatever happens is a sentence on the page.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection, Sequence
from functools import cache
from itertools import pairwise
from typing import Any

from coursekit.experiments import open_tasks
from coursekit.labs.caller import StudentError
from coursekit.labs.grading.examinee import Examinee
from coursekit.labs.grading.limits import Limits
from coursekit.labs.grading.outcome import Curve, Race
from coursekit.labs.grading.sandbox import Sandbox, SandboxError
from coursekit.labs.open_tasks import Open

__all__ = ["chapter", "read_curve", "run_race", "unchanged"]

UNCHANGED = (
    "The cell of {names} is still the example of the notebook. Put in your own, and "
    "race it there."
)
UNDEFINED = "There is no picture: the notebook does not define `{name}`."
STOPPED = "There is no picture: the race of {names} {why}."
WHY = {
    "missing": "was not run, because NotImplementedError is still raised",
    "timeout": "did not end within {seconds:g} seconds",
    "memory": "needed more memory than it may have",
    "recursion": "calls itself without end",
    "killed": "ended its own process",
    "protocol": "gave something that is no curve",
}
NO_CURVE = "gave something that is no curve"
NO_PLACE = "could not be run here"
MAX_POINTS, HIGHEST = 64, 1e6


def run_race(
    task: Open,
    cells: Sequence[dict[str, Any]],
    limits: Limits,
    start: Callable[[Limits], Sandbox],
    skipped: Collection[int] = (),
) -> Race:
    """Train with what a submission defines for the open task.

    Args:
        task: The task.
        cells: Code cells of the submission.
        limits: What it may use.
        start: Starts a worker.
        skipped: Cells that ended a worker before, and are left out.

    Returns:
        The curves, or a sentence in their place.
    """
    names = " and ".join(f"`{name}`" for name in task.names)
    if unchanged(task, [cell["source"] for cell in cells]):
        return Race(UNCHANGED.format(names=names))
    with Examinee(cells, (), limits, start) as examinee:
        examinee.skipped.update(skipped)
        try:
            examinee.ready()
            target = f"{open_tasks.__name__}:{task.task}"
            asked = {"target": target, "names": list(task.names)}
            raw = examinee.request(limits.race, op="race", **asked)
        except StudentError as error:
            if error.kind == "undefined":
                return Race(UNDEFINED.format(name=error.message))
            why = _why(error, limits)
            return Race(STOPPED.format(names=names, why=why))
        except SandboxError:
            return Race(STOPPED.format(names=names, why=NO_PLACE))
    theirs = chapter(task.task)
    yours = read_curve(raw, next(iter(theirs.values())))
    if yours is None:
        return Race(STOPPED.format(names=names, why=NO_CURVE))
    return Race(curves={"yours": yours, **theirs})


def unchanged(task: Open, sources: Sequence[str]) -> bool:
    """Say whether the example that is handed out still stands there.

    Args:
        task: The task.
        sources: Code cells of the submission; compared as text, not parsed.

    Returns:
        Whether every cell that defines a name of the task is the one handed out.
    """
    found = re.compile(rf"^(?:def\s+|class\s+)?(?:{'|'.join(task.names)})\b", re.M)
    cells = [source for source in sources if found.search(source)]
    return bool(cells) and all(_lines(c) == _lines(task.given) for c in cells)


def _lines(source: str) -> list[str]:
    return [line.rstrip() for line in source.splitlines() if line.strip()]


def _why(error: StudentError, limits: Limits) -> str:
    if error.kind in WHY:
        return WHY[error.kind].format(seconds=limits.race)
    said = f"{error.type_name}: {error.message}".strip(": ").rstrip(".")
    where = f" in line {error.line} (`{error.source}`)" if error.line else ""
    return f"stops{where} with {said}"


@cache
def chapter(task: str) -> dict[str, Curve]:
    """Train the chapter's runs, once a process: they are the same for everybody.

    Args:
        task: Name of the task.

    Returns:
        Curves by name.
    """
    runs = open_tasks.chapter(task)
    return {name: (_short(x), _losses(y)) for name, (x, y) in runs.items()}


def read_curve(raw: Any, like: Curve) -> Curve | None:
    """Rebuild a curve that nobody vouches for.

    Args:
        raw: What came out of the sandbox: places, and the losses there.
        like: A curve of the chapter, over the same places or nearly so.

    Returns:
        The curve; ``None`` for anything that is none.
    """
    if not isinstance(raw, tuple) or len(raw) != 2:
        return None
    if not all(isinstance(part, list) and len(part) <= MAX_POINTS for part in raw):
        return None
    x, y = raw
    if len(x) != len(y) or len(x) < 2 or any(type(v) is not float for v in [*x, *y]):
        return None
    low, high = like[0][0], like[0][-1]
    rising = all(a < b for a, b in pairwise(x))
    if not rising or not low <= x[0] < x[-1] <= 1.01 * high:
        return None
    if any(v < 0 for v in y):
        return None
    return _short(x), _losses(y)


def _short(values: Sequence[float]) -> tuple[float, ...]:
    return tuple(float(f"{value:.4g}") for value in values)


def _losses(values: Sequence[float]) -> tuple[float | None, ...]:
    """Keep four figures, and mark what is no number or too large as diverged.

    Returns:
        Losses; ``None`` where there is none.
    """
    good = [v if math.isfinite(v) and v <= HIGHEST else None for v in values]
    return tuple(None if v is None else float(f"{v:.4g}") for v in good)
