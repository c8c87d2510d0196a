"""Public names of the package: where each stands, and which pages use it."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from bookext.api_source import Module, public_modules, submodules

PACKAGE = "coursekit"
MAGIC = re.compile(r"^\s*[%!].*$", re.MULTILINE)

# Every part of the package, by what a reader looks for; the order of index and sidebar.
GROUPS = {
    "Methods": {
        "optim": "Optimizers",
        "schedules": "Learning-rate schedules",
        "init": "Initialization",
        "norm": "Normalization",
        "losses": "Losses",
        "regularization": "Regularization",
        "models": "Models",
        "layers": "Layers and activations",
        "data": "Data",
    },
    "Looking inside": {
        "probes": "Probes",
        "curvature": "Curvature",
        "metrics": "Metrics",
        "diagnosis": "Diagnosis",
        "selection": "Model selection",
        "stats": "Statistics",
    },
    "Scale": {
        "parallel": "Parallel training",
        "compression": "Compression",
        "device": "Devices",
    },
    "What the book is made of": {
        "sweep": "Sweeps",
        "experiments": "Experiments",
        "claims": "Claims",
        "figures": "Figures",
        "labs": "Labs",
        "notation": "Notation in code",
        "source": "Source in a page",
        "cli": "Command line",
    },
}
TITLES = {f"{PACKAGE}.{n}": t for group in GROUPS.values() for n, t in group.items()}


@cache
def public_names(root: Path) -> dict[str, str]:
    """Map each public name, written in full, to its part of the package."""
    names = {}
    for part in public_modules(root, PACKAGE):
        module = Module.read(root, part)
        listed = module.public or [node.name for node in module.definitions]
        inside = submodules(root, part)
        full = (f"{part}.{name}" for name in listed)
        names |= {n: part for n in full if n not in inside or module_of(root, n)}
    return names


def module_of(root: Path, name: str) -> bool:
    """Tell whether a name that is also a file's is something in that file."""
    file = Module.read(root, name)
    return file.path.name != "__init__.py" and file.defines(name.rsplit(".", 1)[-1])


@cache
def short_forms(root: Path) -> dict[str, str]:
    """Map what a text may write for a public name to the name in full.

    A bare word counts only if it can be nothing else: it has an underscore or a
    capital inside, and belongs to one part alone.
    """
    forms: dict[str, str] = {}
    twice = set()
    parts = {part.rsplit(".", 1)[-1] for part in public_modules(root, PACKAGE)}
    for full in public_names(root):
        _, part, name = full.split(".", 2)
        forms |= {full: full, f"{part}.{name}": full}
        if name not in parts and (
            "_" in name.strip("_") or name[1:] != name[1:].lower()
        ):
            twice |= {name} & set(forms)
            forms[name] = full
    forms |= {f"{PACKAGE}.{part}": f"{PACKAGE}.{part}" for part in parts}
    return {form: full for form, full in forms.items() if form not in twice}


@cache
def entries(root: Path) -> dict[str, list[str]]:
    """Map each last name to the entries that API pages have under it."""
    found: dict[str, list[str]] = {}
    for full in public_names(root):
        found.setdefault(full.rsplit(".", 1)[-1], []).append(full)
    for part in public_modules(root, PACKAGE):
        public = Module.read(root, part).public
        for file in submodules(root, part):
            for node in Module.read(root, file).definitions:
                if node.name not in public:
                    found.setdefault(node.name, []).append(f"{file}.{node.name}")
    return found


def entry(root: Path, name: str, part: str) -> str | None:
    """Find what a type in a signature of a part means; None if that is not sure."""
    candidates = entries(root).get(name.rsplit(".", 1)[-1], [])
    own = [full for full in candidates if full.startswith(f"{part}.")]
    sure = own or candidates
    return sure[0] if len(sure) == 1 else None


@cache
def users(source: Path) -> dict[str, list[str]]:
    """Map each public name to the chapters whose code uses it, in their order."""
    known = public_names(source / "src")
    found: dict[str, list[str]] = {}
    for notebook in sorted(source.glob("chapters/*.ipynb")):
        page = f"chapters/{notebook.stem}"
        for name in sorted(set(names_in(notebook)) & set(known)):
            found.setdefault(name, []).append(page)
    return found


def names_in(notebook: Path) -> Iterator[str]:
    """Yield the full names of the package that a notebook's cells write."""
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    code = "\n".join(
        MAGIC.sub("", "".join(cell["source"]))
        for cell in cells
        if cell["cell_type"] == "code"
    )
    tree = ast.parse(code)
    aliases: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(PACKAGE):
            for alias in node.names:
                aliases[alias.asname or alias.name] = f"{node.module}.{alias.name}"
    for node in ast.walk(tree):
        if isinstance(node, ast.Name | ast.Attribute):
            first, _, rest = ast.unparse(node).partition(".")
            if first in aliases:
                full = f"{aliases[first]}.{rest}" if rest else aliases[first]
                # what is imported from inside a part is public in the part
                part, name = ".".join(full.split(".")[:2]), full.rsplit(".", 1)[-1]
                yield from (full, f"{part}.{name}")
