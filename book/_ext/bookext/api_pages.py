"""API pages from docstrings, read from the source without importing it.

``.. coursekit-api:: coursekit.init`` renders the page of one part of the package; what
stands in the directive comes between its overview and its methods.
``.. coursekit-api-index::`` lists every public name. Reading the syntax tree instead of
importing keeps torch out of the book's environment.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.util.docutils import SphinxDirective
from sphinx.util.nodes import nested_parse_with_titles

from bookext import api_names
from bookext.api_page import Page
from bookext.api_source import Module, summary

if TYPE_CHECKING:
    from sphinx.application import Sphinx


class ApiPage(SphinxDirective):
    """Render the page of one public part of the package."""

    required_arguments = 1
    has_content = True

    def run(self) -> list[nodes.Node]:
        """Parse the rendered text in place."""
        source, name = Path(self.env.srcdir), self.arguments[0]
        page = Page(source, name, self.env.found_docs)
        lines = page.render(list(self.content))
        return parsed(self, lines, f"docstrings of {name}")


class ApiIndex(SphinxDirective):
    """List every public name of the package by family."""

    def run(self) -> list[nodes.Node]:
        """Parse the rendered list in place."""
        source = Path(self.env.srcdir)
        lines = [line for group in api_names.GROUPS for line in index(source, group)]
        return parsed(self, lines, "docstrings")


def parsed(
    directive: SphinxDirective, lines: list[str], source: str
) -> list[nodes.Node]:
    """Parse reStructuredText with headings where a directive stands."""
    holder = nodes.section()
    holder.document = directive.state.document
    nested_parse_with_titles(directive.state, StringList(lines, source=source), holder)
    return holder.children


def index(source: Path, group: str) -> Iterator[str]:
    """Yield a section of the index: an entry a part, with its names."""
    known = api_names.public_names(source / "src")
    yield from [group, "-" * len(group), "", ".. rst-class:: api-index", ""]
    for part, title in api_names.GROUPS[group].items():
        full = f"{api_names.PACKAGE}.{part}"
        module = Module.read(source / "src", full)
        names = sorted((n for n in known if known[n] == full), key=str.lower)
        links = (f":py:obj:`{n.removeprefix(f'{full}.')} <{n}>`" for n in names)
        yield from [f":doc:`{title} </book/api/{full}>` ``{full}``"]
        yield from [f"   {summary(module.tree)}", ""]
        yield from ["   .. rst-class:: api-names", "", f"   {' · '.join(links)}", ""]


def setup(app: Sphinx) -> None:
    """Register the directives; bare backticks in docstrings become links."""
    app.add_directive("coursekit-api", ApiPage)
    app.add_directive("coursekit-api-index", ApiIndex)
    app.config.default_role = "py:obj"
