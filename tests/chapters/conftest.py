"""What the tests of a chapter start from: its cells, claims and live figures.

``test_<topic>.py`` gets ``notebook``, ``claims`` and ``figures`` of the chapter
``chapters/NN_<topic>.ipynb``. The figures are built by the chapter's own statements,
but only by those that they depend on: nothing is trained unless a figure shows it.
"""

import ast
from functools import cache
from pathlib import Path
from unittest.mock import patch

import nbformat
import pytest

from coursekit.figures import Figure

ROOT = Path(__file__).parents[2]
CLAIM = "application/vnd.coursekit.claim+json"


def names(node, context):
    found = [n for n in ast.walk(node) if isinstance(n, ast.Name)]
    return {n.id for n in found if isinstance(n.ctx, context)}


def bound(statement):
    """List the names that a statement gives a value."""
    if isinstance(statement, ast.Import | ast.ImportFrom):
        return {(a.asname or a.name).split(".")[0] for a in statement.names}
    if isinstance(statement, ast.FunctionDef | ast.ClassDef):
        return {statement.name}
    changed = [
        n.value
        for n in ast.walk(statement)
        if isinstance(n, ast.Subscript | ast.Attribute) and isinstance(n.ctx, ast.Store)
    ]
    return names(statement, ast.Store).union(*(names(n, ast.Load) for n in changed))


def calls(statement, name):
    found = [n.func for n in ast.walk(statement) if isinstance(n, ast.Call)]
    return any(isinstance(f, ast.Name) and f.id == name for f in found)


def slice_of_figures(statements):
    """Keep the statements that the calls of ``Figure`` depend on, in order."""
    kept, needed = [], set()
    for statement in reversed(statements):
        gives = bound(statement)
        if not (calls(statement, "Figure") or gives & needed):
            continue
        kept.append(statement)
        straight = isinstance(statement, ast.Assign | ast.FunctionDef | ast.ImportFrom)
        if straight and not names(statement, ast.Load) & gives:
            needed -= gives
        needed |= names(statement, ast.Load)
    return kept[::-1]


@cache
def build_figures(path):
    cells = [c for c in nbformat.read(path, 4).cells if c.cell_type == "code"]
    statements = [s for c in cells for s in ast.parse(c.source).body]
    kept = ast.Module(slice_of_figures(statements), type_ignores=[])
    built, check = [], Figure.__post_init__

    def record(figure):
        check(figure)
        built.append(figure)

    with pytest.MonkeyPatch.context() as patched:
        patched.chdir(path.parent)
        with patch.object(Figure, "__post_init__", record):
            exec(compile(kept, path.name, "exec"), {"display": lambda *_: None})
    return built


@pytest.fixture(scope="session")
def live_figures():
    """Build the live figures of a notebook, given its path."""
    return build_figures


@pytest.fixture(scope="module")
def chapter(request):
    """Find the chapter that a test file named ``test_<topic>.py`` is about."""
    topic = Path(request.path).stem.removeprefix("test_")
    (path,) = ROOT.glob(f"chapters/[0-9][0-9]_{topic}.ipynb")
    return path


@pytest.fixture(scope="module")
def notebook(chapter):
    return nbformat.read(chapter, 4)


@pytest.fixture(scope="module")
def claims(notebook):
    outputs = [o for c in notebook.cells for o in c.get("outputs", [])]
    found = [o.data[CLAIM] for o in outputs if CLAIM in o.get("data", {})]
    return {record["id"]: record for record in found}


@pytest.fixture(scope="module")
def figures(chapter):
    return build_figures(chapter)
