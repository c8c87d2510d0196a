"""Find public methods that no mutant reaches, from the source alone.

A public name is reached when one of its own lines has a mutant, or a line of something
in the same file that it uses: a class is reached through the pure rule behind it, a
rule through its update.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

from environment import ROOT

SOURCE = ROOT / "src"
# The parts whose public names are methods; the others hold experiments and tools.
FAMILIES = (
    *("compression", "curvature", "data", "diagnosis", "init", "layers", "losses"),
    *("metrics", "models", "norm", "optim", "parallel", "probes", "regularization"),
    *("schedules", "selection", "stats"),
)
EXEMPT: dict[str, str] = {
    "diagnosis.Diagnosis": "a list of words with a sentence for each",
    "diagnosis.Stall": "a list of words with a sentence for each",
    "layers.activation": "looks a module up by its name",
    "optim.SGD": "hands its rate to the rule, which is that of GD",
    "parallel.Task": "a record that prints its name",
    "stats.Verdict": "three words with a mark for each",
}
Function = ast.FunctionDef | ast.AsyncFunctionDef


@cache
def tree_of(module: str, source: Path = SOURCE) -> ast.Module:
    """Parse a module or the ``__init__`` of a package."""
    path = source / Path(*module.split("."))
    path = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    return ast.parse(path.read_text(encoding="utf-8"))


def definitions(tree: ast.Module) -> dict[str, ast.stmt]:
    """Map the names that a file defines at its top level to their statements."""
    found: dict[str, ast.stmt] = {}
    for node in tree.body:
        if isinstance(node, (Function, ast.ClassDef)):
            found[node.name] = node
        elif isinstance(node, ast.Assign):
            found |= {t.id: node for t in node.targets if isinstance(t, ast.Name)}
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            found[node.target.id] = node
    return found


def public(family: str, source: Path = SOURCE) -> Iterator[tuple[str, str]]:
    """Yield the public names of a part, each with the module that it is defined in."""
    package = f"coursekit.{family}"
    tree = tree_of(package, source)
    homes = {
        alias.asname or alias.name: f"{package}.{node.module}"
        for node in tree.body
        if isinstance(node, ast.ImportFrom) and node.level == 1 and node.module
        for alias in node.names
    }
    for node in tree.body:
        targets = node.targets if isinstance(node, ast.Assign) else []
        if any(isinstance(t, ast.Name) and t.id == "__all__" for t in targets):
            for name in ast.literal_eval(node.value):
                yield name, homes.get(name, package)


def used_by(node: ast.stmt) -> set[str]:
    """Name everything that the code of a statement mentions."""
    return {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}


def closure(name: str, found: dict[str, ast.stmt]) -> set[str]:
    """Follow a name to all that it uses of its own file."""
    seen, todo = set(), [name]
    while todo:
        one = todo.pop()
        if one in found and one not in seen:
            seen.add(one)
            todo += used_by(found[one])
    return seen


def has_code(names: Iterable[str], found: dict[str, ast.stmt]) -> bool:
    """Tell whether any of these runs: bare records and aliases of types do not."""
    inside = (n for name in names for n in ast.walk(found[name]))
    return any(isinstance(n, Function) for n in inside)


def methods_without(
    mutated: Iterable[tuple[str, str]],
    families: Iterable[str] = FAMILIES,
    source: Path = SOURCE,
) -> dict[str, list[str]]:
    """List the public methods of each part that no mutant of this run reaches."""
    done = {(module, name.split(".")[0]) for module, name in mutated}
    missing: dict[str, list[str]] = {}
    for family in families:
        for name, module in public(family, source):
            found = definitions(tree_of(module, source))
            reach = closure(name, found)
            if f"{family}.{name}" in EXEMPT or not has_code(reach, found):
                continue
            if not any((module, one) in done for one in reach):
                missing.setdefault(family, []).append(name)
    return missing
