"""The notation page, rendered from `coursekit.notation`."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

if TYPE_CHECKING:
    from sphinx.application import Sphinx

HEADINGS = ("Symbol", "Meaning", "In the code")
WIDTHS = (26, 46, 28)


def table(headings: tuple[str, ...], widths: tuple[int, ...]) -> nodes.table:
    """Make an empty table with a head; its body is the last node of the group."""
    row = nodes.row()
    for heading in headings:
        row += nodes.entry("", nodes.paragraph("", heading))
    group = nodes.tgroup("", cols=len(headings))
    group += [nodes.colspec(colwidth=width) for width in widths]
    group += [nodes.thead("", row), nodes.tbody()]
    return nodes.table("", group)


class NotationTable(SphinxDirective):
    """List symbol, meaning, identifier and unit."""

    def run(self) -> list[nodes.Node]:
        """Build the table, one row an entry of ``SYMBOLS``."""
        notation = importlib.import_module("coursekit.notation")
        self.env.note_dependency(notation.__file__)
        listing = table(HEADINGS, WIDTHS)
        listing["classes"] += ["notation", "stacked"]
        for entry in notation.SYMBOLS:
            listing[0][-1] += self.row(entry)
        return [listing]

    @staticmethod
    def row(entry: Any) -> nodes.row:
        """Build the row of one symbol."""
        symbol = nodes.paragraph("", "", nodes.math(entry.latex, entry.latex))
        meaning = nodes.entry("", nodes.paragraph("", entry.meaning))
        where = f"in {', '.join(entry.scope)}" if entry.scope else ""
        details = ", ".join(part for part in (entry.unit, where) if part)
        if details:
            meaning += nodes.paragraph("", details, classes=["details"])
        code = nodes.paragraph()
        for name in entry.identifiers:
            code += [nodes.Text(", ")] if len(code) else []
            code += nodes.literal("", name)
        return nodes.row("", nodes.entry("", symbol), meaning, nodes.entry("", code))


def setup(app: Sphinx) -> None:
    """Register ``{notation-table}`` and make the package importable."""
    sys.path.insert(0, str(Path(app.srcdir) / "src"))
    app.add_directive("notation-table", NotationTable)
