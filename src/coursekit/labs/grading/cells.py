r"""Choose, clean and classify the code cells of a submission.

This runs inside the sandbox: to parse hostile source is already a risk, since CPython's
own parser and compiler can be made to exhaust the C stack.

A question is matched to a cell by its ``grade_id``, then by the name of its function.
Among several candidates (Colab duplicates cells) the last one that is not the stub
counts: the notebook's own rule, that what was defined last holds, except that a copy of
the untouched stub never hides an answer.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

__all__ = ["Quiet", "clean", "define", "is_stub", "match", "nothing"]

ASSIGNED = re.compile(r"^(\s*)([\w.,\s\[\]]+?)\s*=\s*[!%]")
TIMED = re.compile(r"^(\s*)%+(?:time|timeit|prun)\b(?:\s+-\w+\s*\d*)*\s*(.*)$")
KEEPS_BODY = ("time", "timeit", "capture", "prun")
MAX_MAGICS = 500


class Quiet:
    """Stand for ``get_ipython()``: every method exists and does nothing."""

    def __getattr__(self, name: str) -> Callable[..., None]:
        if name.startswith("__"):
            raise AttributeError(name)
        return nothing


def nothing(*args: Any, **kwargs: Any) -> None:
    """Stand for a function that a notebook calls to show something."""


def clean(source: str) -> str:
    r"""Remove IPython's magics from a cell and leave all valid Python as it is.

    A line is touched only if it stands where the parser stops and looks like a magic,
    a shell command or a request for help, so that ``%`` as an operator and text in a
    string are safe.  Line numbers stay the same.

    Args:
        source: The cell.

    Returns:
        Python source; with a syntax error of its own if it had one.

    Example:
        >>> clean("%matplotlib inline\n!pip install torch\nfiles = !ls\nx = 7\nx?")
        'pass\npass\nfiles = None\nx = 7\npass'
        >>> clean("x = (7\n% 4)")
        'x = (7\n% 4)'
    """
    lines = source.splitlines()
    first = next((line for line in lines if line.strip()), "")
    if first.startswith("%%"):
        if first[2:].split(" ")[0] not in KEEPS_BODY:
            return ""
        lines[lines.index(first)] = ""
    for _ in range(min(len(lines), MAX_MAGICS)):
        at = _stops_at("\n".join(lines))
        if at is None or not _remove(lines, at):
            break
    return "\n".join(lines)


def _stops_at(source: str) -> int | None:
    """Find the line at which the parser stops.

    Returns:
        Its index, or ``None`` if the source is valid.
    """
    try:
        ast.parse(source)
    except SyntaxError as error:
        return (error.lineno or 1) - 1
    except (ValueError, RecursionError, MemoryError):
        return None
    return None


def _remove(lines: list[str], at: int) -> bool:
    """Replace the magic at or just before a line.

    Returns:
        Whether there was one.
    """
    for i in range(min(at, len(lines) - 1), max(at - 3, -1), -1):
        bare = lines[i].strip()
        indent = lines[i][: len(lines[i]) - len(lines[i].lstrip())]
        if timed := TIMED.match(lines[i]):
            lines[i] = timed[1] + (timed[2] or "pass")
        elif assigned := ASSIGNED.match(lines[i]):
            _drop_continuation(lines, i)
            lines[i] = f"{assigned[1]}{assigned[2]} = None"
        elif bare.startswith(("%", "!", "?")) or bare.endswith("?"):
            _drop_continuation(lines, i)
            lines[i] = indent + "pass"
        else:
            continue
        return True
    return False


def _drop_continuation(lines: list[str], i: int) -> None:
    while lines[i].rstrip().endswith("\\") and i + 1 < len(lines):
        lines[i] = ""
        i += 1
    lines[i] = ""


def define(source: str, name: str) -> ast.stmt | None:
    """Find the statement of a cell that defines a name at the top level.

    Args:
        source: Cleaned source.
        name: The name.

    Returns:
        The last such statement: a function, a class, an assignment or an import.

    Example:
        >>> define("f = lambda x: x", "f").lineno, define("f(2)", "f")
        (1, None)
    """
    try:
        body = ast.parse(source).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    found = None
    for statement in body:
        if name in _names(statement):
            found = statement
    return found


def _names(statement: ast.stmt) -> list[str]:
    if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        return [statement.name]
    if isinstance(statement, (ast.Import, ast.ImportFrom)):
        return [alias.asname or alias.name for alias in statement.names]
    if isinstance(statement, (ast.Assign, ast.AnnAssign)):
        one = isinstance(statement, ast.AnnAssign)
        targets = [statement.target] if one else statement.targets
        return [n.id for t in targets for n in ast.walk(t) if isinstance(n, ast.Name)]
    return []


def is_stub(statement: ast.stmt) -> bool:
    """Say whether a definition is still ``raise NotImplementedError``.

    Args:
        statement: What `define` found.

    Returns:
        Whether nothing but a docstring stands before that line.
    """
    body = [
        s
        for s in getattr(statement, "body", [])
        if not (isinstance(s, ast.Expr) and isinstance(s.value, ast.Constant))
    ]
    raised = body[0].exc if len(body) == 1 and isinstance(body[0], ast.Raise) else None
    if isinstance(raised, ast.Call):
        raised = raised.func
    return isinstance(raised, ast.Name) and raised.id == "NotImplementedError"


def match(
    cells: Sequence[Mapping[str, Any]], questions: Sequence[str]
) -> dict[str, int | None]:
    """Match every question to the cell that answers it.

    Args:
        cells: Code cells with ``source``, cleaned, and ``grade_id`` or ``None``.
        questions: Names of the functions, which are also the grade ids.

    Returns:
        Index of the cell by question; ``None`` where no cell defines the name.

    Example:
        >>> stub = "def f(): raise NotImplementedError"
        >>> cells = [
        ...     {"source": "def f(): return 1", "grade_id": None},
        ...     {"source": stub, "grade_id": None},
        ... ]
        >>> match(cells, ["f", "g"])
        {'f': 0, 'g': None}
    """
    matched: dict[str, int | None] = {}
    for name in questions:
        found = [(i, define(cell["source"], name)) for i, cell in enumerate(cells)]
        found = [(i, s) for i, s in found if s is not None]
        by_id = [(i, s) for i, s in found if cells[i]["grade_id"] == name]
        answered = [[i for i, s in some if not is_stub(s)] for some in (by_id, found)]
        ranked = [*answered, [i for i, _ in found]]
        matched[name] = next((some[-1] for some in ranked if some), None)
    return matched
