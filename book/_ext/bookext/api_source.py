"""What API pages say of a module, read from its syntax tree without importing it."""

from __future__ import annotations

import ast
import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

NUMBER = re.compile(r"\\qquad\s*\((\d+)\)|\\tag\{(\d+)\}")
COMMENT = re.compile(r"  # \(\d+\)")
NAMES = re.compile(r"``([^`]+)``")
RULER = re.compile(r"^=+(?: +=+)+$", re.MULTILINE)
LINE = 72
Function = ast.FunctionDef | ast.AsyncFunctionDef
Definition = Function | ast.ClassDef


@dataclass
class Module:
    """A module's source: its dotted name, text, tree, and names worth documenting."""

    name: str
    text: str
    tree: ast.Module
    path: Path
    public: list[str] = field(default_factory=list)

    @classmethod
    def read(cls, root: Path, name: str) -> Module:
        """Parse the file of the module or package `name` below `root`."""
        path = root / Path(*name.split("."))
        file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
        return cls.parsed(name, file, file.stat().st_mtime_ns)

    @classmethod
    @cache
    def parsed(cls, name: str, file: Path, changed: int) -> Module:
        """Parse a file once while it does not change."""
        text = file.read_text(encoding="utf-8")
        tree = ast.parse(text)
        return cls(name, text, tree, file, list(exported(tree)))

    @property
    def stem(self) -> str:
        """The last part of the name."""
        return self.name.rsplit(".", 1)[-1]

    @property
    def docstring(self) -> str:
        """What the file says of itself."""
        return ast.get_docstring(self.tree) or ""

    @property
    def equations(self) -> int:
        """How many numbered equations stand in the docstring of the file."""
        return count_equations(self.docstring)

    def is_public(self, name: str) -> bool:
        """Tell whether a name is for readers: listed, or without an underscore."""
        return name in self.public if self.public else not name.startswith("_")

    @property
    def definitions(self) -> list[Definition]:
        """Public functions and classes, in the order of the file."""
        return [
            node
            for node in self.tree.body
            if isinstance(node, Definition)
            and self.is_public(node.name)
            and ast.get_docstring(node)
        ]

    @property
    def data(self) -> dict[str, ast.expr]:
        """Names for readers that are assigned, with what they are."""
        pairs = [assigned(node) for node in self.tree.body]
        return {
            name: value
            for name, value in pairs
            if value is not None and not name.startswith("_")
        }

    def numbered(self) -> Iterator[Function]:
        """Yield the functions and methods whose lines carry the equations' numbers."""
        for node in self.tree.body:
            inside = node.body if isinstance(node, ast.ClassDef) else [node]
            for one in inside:
                if isinstance(one, Function) and COMMENT.search(self.code(one)):
                    yield one

    @property
    def borrowed(self) -> dict[str, str]:
        """Public names that come from another part of the package, with their place."""
        found = {}
        for node in self.tree.body:
            if isinstance(node, ast.ImportFrom) and node.level > 1:
                above = ".".join(self.name.split(".")[: 1 - node.level] or [""])
                for alias in node.names:
                    if alias.name in self.public:
                        found[alias.name] = f"{above}.{node.module}.{alias.name}"
        return found

    def defines(self, name: str) -> bool:
        """Tell whether a name stands here itself, or inside this package."""
        names = {getattr(n, "name", assigned(n)[0]) for n in self.tree.body}
        return name in names or self.path.name == "__init__.py"

    def imported(self) -> Iterator[tuple[str, str]]:
        """Yield the names that a package takes from its files, and from which."""
        for node in self.tree.body if self.path.name == "__init__.py" else ():
            if isinstance(node, ast.ImportFrom) and node.level == 1 and node.module:
                for alias in node.names:
                    yield alias.asname or alias.name, f"{self.name}.{node.module}"

    def code(self, node: Function) -> str:
        """Take the lines of a function without its docstring."""
        lines = self.text.splitlines()
        first = min([node.lineno, *(d.lineno for d in node.decorator_list)])
        doc = node.body[0] if ast.get_docstring(node) else None
        kept = [
            line
            for number, line in enumerate(lines[: node.end_lineno], start=1)
            if number >= first
            and not (doc and doc.lineno <= number <= (doc.end_lineno or 0))
        ]
        return textwrap.dedent("\n".join(kept)).strip()


def assigned(node: ast.stmt) -> tuple[str, ast.expr | None]:
    """Return name and value of an assignment to one name."""
    if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
        return node.target.id, node.value
    if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
        return node.targets[0].id, node.value
    return "", None


def exported(tree: ast.Module) -> Iterator[str]:
    """Yield the names in ``__all__``."""
    for node in tree.body:
        name, value = assigned(node)
        if name == "__all__" and value is not None:
            yield from ast.literal_eval(value)


def count_equations(docstring: str) -> int:
    """Count the numbers that equations carry."""
    return len({one or two for one, two in NUMBER.findall(docstring)})


def summary(node: ast.AST) -> str:
    """Return the first paragraph of a docstring on one line."""
    return " ".join((ast.get_docstring(node) or "").split("\n\n")[0].split())


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


def plain(name: str) -> str:
    """Write a name without what tells a class from its function."""
    return name.replace("_", "").lower()


def title_of(module: Module, exports: list[str]) -> str:
    """Name a file by the method in it, by its public names, or by itself."""
    names = [node.name for node in module.definitions] + list(module.data)
    names = [name for name in names if name in exports]
    same = [name for name in names if plain(name) == plain(module.stem)]
    if same:
        return max(same, key=lambda name: sum(map(str.isupper, name)))
    classes = {plain(name) for name in names if name[0].isupper()}
    shown = [n for n in names if n[0].isupper() or plain(n) not in classes]
    title = ", ".join(shown)
    return title if 0 < len(title) <= 40 else module.name.split(".", 1)[1]


def hand_written(docstring: str) -> tuple[str, dict[str, str], str]:
    """Part a docstring at its table of methods: before, words by name, after.

    Only a table of two columns whose first holds one public name a row is one.
    """
    rulers = list(RULER.finditer(docstring))
    if len(rulers) < 2 or len(rulers[0][0].split()) != 2:
        return docstring, {}, ""
    width = rulers[0][0].index(" ")
    words: dict[str, str] = {}
    for line in docstring[rulers[0].end() : rulers[-1].start()].strip("\n").split("\n"):
        name, text = line[:width].strip(), line[width:].strip()
        found = NAMES.fullmatch(name)
        if found:
            words[found[1]] = text
        elif not name and words:
            words[list(words)[-1]] += f" {text}"
        else:
            return docstring, {}, ""
    return docstring[: rulers[0].start()], words, docstring[rulers[-1].end() :]
