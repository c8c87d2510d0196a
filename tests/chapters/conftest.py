"""What the tests of a chapter start from: its cells, claims, figures and cubes.

``test_<topic>.py`` gets ``notebook``, ``claims`` and ``figures`` of the chapter
``chapters/NN_<topic>.ipynb``. The figures are built by the chapter's own statements,
but only by those that they depend on: nothing is trained unless a figure shows it.
The constants of that file say what every chapter promises; see ``test_promises.py``.
"""

import ast
from functools import cache
from pathlib import Path
from symtable import symtable
from unittest.mock import patch

import nbformat
import pytest

from coursekit.claims.claim import MIME
from coursekit.figures import Cube, Figure

ROOT = Path(__file__).parents[2]


def tables(table):
    return [table, *(inner for t in table.get_children() for inner in tables(t))]


def names(statement):
    """List the names that a statement gives a value, and those that it looks up."""
    top = symtable(ast.unparse(statement), "", "exec")
    given = {
        s.get_name()
        for s in top.get_symbols()
        if s.is_assigned() or s.is_imported() or s.is_namespace()
    }
    read = {
        s.get_name()
        for table in tables(top)
        for s in table.get_symbols()
        if s.is_referenced() and (table is top or s.is_global())
    }
    return given, read


def changed(statement):
    """List the names whose entries or attributes a statement sets."""
    targets = [
        n.value
        for n in ast.walk(statement)
        if isinstance(n, ast.Subscript | ast.Attribute) and isinstance(n.ctx, ast.Store)
    ]
    return {t.id for t in targets if isinstance(t, ast.Name)}


def calls(statement, name):
    found = [n.func for n in ast.walk(statement) if isinstance(n, ast.Call)]
    return any(isinstance(f, ast.Name) and f.id == name for f in found)


def slice_of_figures(statements):
    """Keep the statements that the calls of ``Figure`` depend on, in order."""
    kept, needed = [], set()
    for statement in reversed(statements):
        gives, reads = names(statement)
        if calls(statement, "Figure") or (gives | changed(statement)) & needed:
            kept.append(statement)
            if not isinstance(statement, ast.For | ast.While | ast.If | ast.Try):
                needed -= gives
            needed |= reads
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


@pytest.fixture(scope="session")
def cube():
    """Load a stored cube, given its name."""
    return lambda name: Cube.load(ROOT / "chapters" / "data" / f"{name}.cube")


@pytest.fixture(scope="module")
def chapter(request):
    """Find the chapter of the parameter, or that of a file ``test_<topic>.py``."""
    topic = getattr(request, "param", Path(request.path).stem.removeprefix("test_"))
    (path,) = ROOT.glob(f"chapters/[0-9][0-9]_{topic}.ipynb")
    return path


@pytest.fixture(scope="module")
def notebook(chapter):
    return nbformat.read(chapter, 4)


@pytest.fixture(scope="module")
def claims(notebook):
    outputs = [o for c in notebook.cells for o in c.get("outputs", [])]
    found = [o.data[MIME] for o in outputs if MIME in o.get("data", {})]
    return {record["id"]: record for record in found}


@pytest.fixture(scope="module")
def figures(chapter):
    return build_figures(chapter)
