"""API pages from docstrings, read from the source without importing it.

``.. coursekit-api:: coursekit.init`` renders one public module or package. Reading
the syntax tree instead of importing keeps torch out of the book's environment.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.ext.napoleon import Config, GoogleDocstring
from sphinx.util.docutils import SphinxDirective
from sphinx.util.nodes import nested_parse_with_titles

if TYPE_CHECKING:
    from collections.abc import Container, Iterator

    from sphinx.application import Sphinx

STYLE = Config(
    napoleon_custom_sections=[("Shape", "notes_style")],
    napoleon_use_rtype=False,
    napoleon_use_ivar=True,
)
DISPLAY = re.compile(r"^\$\$(.+?)\$\$$", re.DOTALL | re.MULTILINE)
INLINE = re.compile(r"(?<![\\$`])\$([^$`]+?)\$(?!\d)")
Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


@dataclass
class Module:
    """A module's source: its dotted name, text, and names worth documenting."""

    name: str
    tree: ast.Module
    public: list[str] = field(default_factory=list)

    @classmethod
    def read(cls, root: Path, name: str) -> Module:
        """Parse the file of the module or package `name` below `root`."""
        path = root / Path(*name.split("."))
        file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
        tree = ast.parse(file.read_text(encoding="utf-8"))
        return cls(name, tree, list(_exported(tree)))

    @property
    def definitions(self) -> list[Definition]:
        """Public functions and classes, in the order of the file."""
        kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
        found = [node for node in self.tree.body if isinstance(node, kinds)]
        return [
            node
            for node in found
            if (node.name in self.public if self.public else node.name[0] != "_")
            and ast.get_docstring(node)
        ]


def _exported(tree: ast.Module) -> Iterator[str]:
    for node in tree.body:
        if isinstance(node, ast.Assign) and any(
            isinstance(target, ast.Name) and target.id == "__all__"
            for target in node.targets
        ):
            yield from ast.literal_eval(node.value)


def submodules(root: Path, name: str) -> list[str]:
    """Name the public modules inside a package, in alphabetical order."""
    folder = root / Path(*name.split("."))
    names = {
        path.stem
        for path in (folder.iterdir() if folder.is_dir() else ())
        if (path.suffix == ".py" or (path / "__init__.py").exists())
        and not path.stem.startswith("_")
    }
    return [f"{name}.{stem}" for stem in sorted(names)]


def public_modules(root: Path, package: str = "coursekit") -> list[str]:
    """Name the modules that get a page: those directly inside the package."""
    return submodules(root, package)


def _docstring(node: ast.AST, what: str) -> list[str]:
    text = _mathematics(ast.get_docstring(node) or "")
    return str(GoogleDocstring(text, STYLE, what=what)).splitlines()


def _mathematics(text: str) -> str:
    """Turn ``$...$`` and ``$$...$$`` into reStructuredText."""
    text = DISPLAY.sub(lambda m: f"\n.. math::\n\n   {' '.join(m[1].split())}\n", text)
    return INLINE.sub(r":math:`\1`", text)


def _signature(node: ast.FunctionDef | ast.AsyncFunctionDef, method: bool) -> str:
    arguments = node.args
    static = any(
        isinstance(d, ast.Name) and d.id == "staticmethod" for d in node.decorator_list
    )
    if method and not static:
        arguments.args = arguments.args[1:]
    returns = f" -> {ast.unparse(node.returns)}" if node.returns else ""
    return f"({ast.unparse(arguments)}){returns}"


def _decorated(node: Definition, name: str) -> bool:
    names = (ast.unparse(d).split("(")[0] for d in node.decorator_list)
    return any(found.split(".")[-1] == name for found in names)


def _indent(lines: list[str]) -> list[str]:
    return [f"   {line}" if line else "" for line in lines]


def function(
    node: ast.FunctionDef, options: list[str], method: bool = False
) -> list[str]:
    """Render a function or method as reStructuredText."""
    kind, signature = "function", _signature(node, method)
    if method and (_decorated(node, "property") or _decorated(node, "cached_property")):
        kind, signature = "property", ""
    elif method:
        kind = "method"
        for option in ("classmethod", "staticmethod"):
            options += [f"   :{option}:"] if _decorated(node, option) else []
    head = f".. py:{kind}:: {node.name}{signature}"
    return [head, *options, "", *_indent(_docstring(node, kind)), ""]


def _constructor(node: ast.ClassDef) -> str:
    """Write how a class is called: its ``__init__``, or the fields of a dataclass."""
    for member in node.body:
        if isinstance(member, ast.FunctionDef) and member.name == "__init__":
            return _signature(member, True).split(" -> ")[0]
    bases = {ast.unparse(base).split(".")[-1] for base in node.bases}
    if not (_decorated(node, "dataclass") or "NamedTuple" in bases):
        return ""
    fields = [m for m in node.body if isinstance(m, ast.AnnAssign)]
    return f"({', '.join(_field(field) for field in fields)})"


def _field(node: ast.AnnAssign) -> str:
    value = node.value and ast.unparse(node.value)
    if value and value.startswith("field("):
        value = "..." if "default" in value else None
    default = f" = {value}" if value else ""
    return f"{ast.unparse(node.target)}: {ast.unparse(node.annotation)}{default}"


def class_(node: ast.ClassDef, options: list[str]) -> list[str]:
    """Render a class with the public methods that have a docstring."""
    inner = _docstring(node, "class")
    for member in node.body:
        if (
            isinstance(member, ast.FunctionDef)
            and ast.get_docstring(member)
            and not member.name.startswith("_")
        ):
            inner += ["", *function(member, [], method=True)]
    head = f".. py:class:: {node.name}{_constructor(node)}"
    return [head, *options, "", *_indent(inner), ""]


def members(
    module: Module, homes: dict[str, str], only: Container[str] | None = None
) -> list[str]:
    """Render the public definitions of a module, each in its shortest home."""
    lines: list[str] = []
    for node in module.definitions:
        if only is not None and node.name not in only:
            continue
        home = homes.get(node.name, module.name)
        render = class_ if isinstance(node, ast.ClassDef) else function
        # a docstring may name an object by the file it stands in: both are targets
        alias = f"   :canonical: {module.name}.{node.name}"
        options = [alias] if home != module.name else []
        lines += [f".. py:currentmodule:: {home}", "", *render(node, options)]
    return lines


def inner_modules(root: Path, name: str, homes: dict[str, str]) -> list[str]:
    """Render the modules inside a package; of packages, only what they export."""
    lines: list[str] = []
    for inner_name in submodules(root, name):
        inner = Module.read(root, inner_name)
        title = inner_name.split(".", 1)[1]
        lines += [title, "-" * len(title), "", f".. py:module:: {inner_name}"]
        # init.fans is a function and the file it stands in: the function is linked
        lines += ["   :no-index:"] if inner_name.split(".")[-1] in homes else []
        text = _docstring(inner.tree, "module")
        lines += ["", *text, "", *members(inner, homes)]
        exported = dict.fromkeys(inner.public, inner_name) | homes
        for part in submodules(root, inner_name):
            lines += members(Module.read(root, part), exported, inner.public)
    return lines


def page(root: Path, name: str) -> list[str]:
    """Render the page of a module, or of a package with its modules."""
    module = Module.read(root, name)
    homes = dict.fromkeys(module.public, name)
    head = [name, "=" * len(name), "", f".. py:module:: {name}", ""]
    own = [*_docstring(module.tree, "module"), "", *members(module, homes)]
    return [*head, *own, *inner_modules(root, name, homes)]


class ApiPage(SphinxDirective):
    """Render the page of one public module."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Parse the rendered text in place."""
        root = Path(self.env.srcdir) / "src"
        name = self.arguments[0]
        content = StringList(page(root, name), source=f"docstrings of {name}")
        holder = nodes.section()
        holder.document = self.state.document
        nested_parse_with_titles(self.state, content, holder)
        return holder.children


def setup(app: Sphinx) -> None:
    """Register ``coursekit-api``; bare backticks in docstrings become links."""
    app.add_directive("coursekit-api", ApiPage)
    app.config.default_role = "py:obj"
