"""The page of one part of the package, written as reStructuredText.

An overview of its methods, and for each file its place, its equations, their code, and
its functions and classes.
"""

from __future__ import annotations

import ast
from collections.abc import Container, Iterator
from dataclasses import dataclass
from pathlib import Path

from bookext import api_names, api_text
from bookext.api_entries import class_, folded, function
from bookext.api_source import (
    LINE,
    Definition,
    Module,
    count_equations,
    hand_written,
    submodules,
    summary,
    title_of,
)


@dataclass
class Row:
    """A line of the overview: where it leads, its names, sentence and equations."""

    label: str
    names: list[str]
    words: str
    equations: int


@dataclass
class Page:
    """The page of one part of the package.

    Attributes:
        source: The book's source folder.
        name: The part, e.g. ``coursekit.optim``.
        pages: Pages that exist, so that links to chapters do.
    """

    source: Path
    name: str
    pages: Container[str] = ()

    def __post_init__(self) -> None:
        self.root = self.source / "src"
        self.module = Module.read(self.root, self.name)
        self.homes = dict.fromkeys(self.module.public, self.name)
        self.origins = {
            name: file
            for name, file in self.module.imported()
            if Module.read(self.root, file).defines(name)
        }

    def render(self, extra: list[str]) -> list[str]:
        """Write the whole page; `extra` stands between overview and methods."""
        title = api_names.TITLES.get(self.name, self.name)
        before, words, after = hand_written(self.module.docstring)
        head = [title, "=" * len(title), "", f".. py:module:: {self.name}", ""]
        head += [*self.facts(self.module), *self.text(before, "module", self.name), ""]
        rest = self.text(after, "module", self.name)
        code = self.codes(self.module) if self.module.equations else []
        overview = [*self.overview(words), "", *rest, "", *code, "", *extra, ""]
        own = [*self.members(self.module, self.homes), *self.borrowed()]
        inner = [line for part in self.files for line in self.section(part)]
        return [*head, *overview, *own, *inner]

    def borrowed(self) -> Iterator[str]:
        """Render public names that are those of another part."""
        for name, place in self.module.borrowed.items():
            yield from [
                f".. py:currentmodule:: {self.name}",
                "",
                f".. py:data:: {name}",
            ]
            yield from ["", f"   The same as :py:obj:`{place}`.", ""]

    @property
    def files(self) -> list[Module]:
        """The public files of the part: its methods by title, then what they need."""
        names = submodules(self.root, self.name)
        found = [Module.read(self.root, name) for name in names]
        return sorted(found, key=self.rank)

    def rank(self, module: Module) -> tuple[bool, str]:
        """Put files whose names the part makes public first, in alphabetical order."""
        exports = self.exports(module)
        return not exports, title_of(module, exports).lower()

    def text(self, docstring: str, what: str, owner: str) -> list[str]:
        """Turn a docstring into reStructuredText."""
        bibliography = self.source / "book" / "references.bib"
        return api_text.docstring(docstring, what, owner, bibliography)

    def facts(self, module: Module) -> list[str]:
        """Write where a file is, how it is imported, and which chapters use it."""
        path = module.path.relative_to(self.source).as_posix()
        words = [f"``{module.name}``", f":download:`source </{path}>`"]
        names = {f"{self.name}.{name}" for name in self.exports(module)}
        used = api_names.users(self.source)
        chapters = dict.fromkeys(
            page
            for name in sorted(names & set(used))
            for page in used[name]
            if page in self.pages
        )
        words += [f"used in :doc:`/{page}`" for page in chapters]
        return [".. rst-class:: api-file", "", " · ".join(words), ""]

    def exports(self, module: Module) -> list[str]:
        """Name what the part makes public of a file."""
        names = [node.name for node in module.definitions]
        names += [n for n in module.data if n in module.public or n in self.homes]
        here = [name for name in names if self.is_home_of(module, name)]
        return here if self.homes else names

    def is_home_of(self, module: Module, name: str) -> bool:
        """Tell whether the part makes public what a file, not another, calls so."""
        origin = self.origins.get(name, module.name)
        inside = module.name == origin or module.name.startswith(f"{origin}.")
        return name in self.homes and inside

    def overview(self, words: dict[str, str]) -> list[str]:
        """Write the table of methods: those described by hand first, in that order."""
        rows = [row for file in self.files for row in self.rows(file)]
        if not rows:
            rows = list(self.rows(self.module))
        for row in rows:
            found = [words[name] for name in row.names if name in words]
            row.words = found[0] if found else row.words
        place = {name: k for k, name in enumerate(words)}
        rows.sort(key=lambda r: min(place.get(n, len(place)) for n in r.names))
        lines = [".. list-table::", "   :class: api-overview stacked"]
        lines += ["   :header-rows: 1", "   :widths: 32 56 12", ""]
        lines += ["   * - Name", "     - What it does", "     - Equations"]
        for row in rows:
            names = [f":py:obj:`{n} <{row.label}{n}>`" for n in row.names]
            lines += [f"   * - {', '.join(names)}", f"     - {row.words}"]
            lines += [f"     - {row.equations or '–'}"]
        return [*lines, ""] if len(rows) > 1 else []

    def rows(self, module: Module) -> Iterator[Row]:
        """Yield a row a file with equations of its own, else a row a definition."""
        exports = self.exports(module)
        title = title_of(module, exports)
        exports.sort(key=lambda name: name != title)
        whole = summary(module.tree)
        if not exports or module.path.stem == "__init__":
            label, _, stem = module.name.rpartition(".")
            yield Row(f"{label}.", [stem], whole, module.equations)
        elif module.equations or not module.definitions:
            yield Row(f"{self.name}.", exports, whole, module.equations)
        else:
            for node in module.definitions:
                if node.name in exports:
                    own = count_equations(ast.get_docstring(node) or "")
                    yield Row(f"{self.name}.", [node.name], summary(node), own)

    def foreign(self, name: str, package: Module) -> bool:
        """Tell whether the part's name is another thing than the inner package's."""
        origin = self.origins.get(name, package.name)
        return not (origin == package.name or origin.startswith(f"{package.name}."))

    def section(self, module: Module) -> list[str]:
        """Render a file of the part; of a package inside it, what that exports."""
        title = title_of(module, self.exports(module))
        label = module.name.replace(".", "-").replace("_", "-")
        lines = [f".. _{label}:", "", title, "-" * len(title), ""]
        lines += [f".. py:module:: {module.name}"]
        # init.fans is a function and the file it stands in: the function is linked
        lines += ["   :no-index:"] if module.stem in self.homes else []
        lines += [
            "",
            *self.facts(module),
            *self.text(module.docstring, "module", label),
        ]
        lines += ["", *(self.codes(module) if module.equations else [])]
        lines += self.members(module, self.homes)
        inside = [
            n for n in module.public if n not in self.homes or self.foreign(n, module)
        ]
        exported = self.homes | dict.fromkeys(inside, module.name)
        for part in submodules(self.root, module.name):
            inner = Module.read(self.root, part)
            lines += self.members(inner, exported, module.public)
        return lines

    def codes(self, module: Module) -> list[str]:
        """Show all code of a file that carries numbers of equations."""
        return folded([module.code(node) for node in module.numbered()])

    def members(
        self, module: Module, homes: dict[str, str], only: Container[str] | None = None
    ) -> Iterator[str]:
        """Render the public names of a module, each in its shortest home."""
        for node in module.definitions:
            if only is None or node.name in only:
                home, prefix, options = self.place(module, node.name, homes)
                yield from [f".. py:currentmodule:: {home}", ""]
                yield from self.member(module, node, prefix, options)
        for name, value in module.data.items():
            shown_here = name in module.public or self.is_home_of(module, name)
            if shown_here and (only is None or name in only):
                home, prefix, options = self.place(module, name, homes)
                shown = ast.unparse(value)
                fits = len(shown) <= LINE and not name.startswith("__")
                options += [f"   :value: {shown}"] if fits else []
                yield from [f".. py:currentmodule:: {home}", ""]
                yield from [f".. py:data:: {prefix}{name}", *options, ""]

    def place(
        self, module: Module, name: str, homes: dict[str, str]
    ) -> tuple[str, str, list[str]]:
        """Return the home of a name, what stands before it there, and its options."""
        home = homes.get(name)
        if home and (home != self.name or self.is_home_of(module, name)):
            # a docstring may name an object by the file it stands in: both are targets
            alias = [f"   :canonical: {module.name}.{name}"]
            return home, "", alias if home != module.name else []
        above, _, stem = module.name.rpartition(".")
        # init and update of many files stand on one page: each says whose it is
        return (above, f"{stem}.", []) if "." in above else (module.name, "", [])

    def member(
        self, module: Module, node: Definition, prefix: str, options: list[str]
    ) -> list[str]:
        """Render a function or a class."""
        docstring = ast.get_docstring(node) or ""
        owner = f"{module.name}.{node.name}"
        kind = "class" if isinstance(node, ast.ClassDef) else "function"
        text = self.text(docstring, kind, owner)
        if isinstance(node, ast.ClassDef):
            return class_(node, options, [*text, *self.methods(module, node)], prefix)
        if count_equations(docstring) and node in [*module.numbered()]:
            text = [*text, "", *folded([module.code(node)])]
        return function(node, options, text, prefix)

    def methods(self, module: Module, node: ast.ClassDef) -> Iterator[str]:
        """Render the public methods of a class that have a docstring."""
        for member in node.body:
            if (
                isinstance(member, ast.FunctionDef)
                and ast.get_docstring(member)
                and not member.name.startswith("_")
            ):
                owner = f"{module.name}.{node.name}.{member.name}"
                text = self.text(ast.get_docstring(member) or "", "method", owner)
                yield from ["", *function(member, [], text, method=True)]
