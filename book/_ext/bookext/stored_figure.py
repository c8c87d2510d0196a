"""A figure on another page than its own, from what a notebook has stored.

``.. stored-figure:: book/gallery.ipynb Ten schedules`` shows the output whose text
begins with *Figure: Ten schedules*: a drawing needs no torch, and no second run.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

if TYPE_CHECKING:
    from sphinx.application import Sphinx


def stored(notebook: Path, words: str) -> str:
    """Return the HTML of the output whose text begins with some words."""
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    pages = [
        "".join(data["text/html"])
        for cell in cells
        for output in cell.get("outputs", [])
        if "text/html" in (data := output.get("data", {}))
        and "".join(data.get("text/plain", "")).startswith(f"Figure: {words}")
    ]
    if len(pages) != 1:
        raise ValueError(f"{notebook.name}: {len(pages)} figures begin with {words!r}")
    return pages[0]


class StoredFigure(SphinxDirective):
    """Show one figure of a notebook."""

    required_arguments = 2
    final_argument_whitespace = True

    def run(self) -> list[nodes.Node]:
        """Take the figure as it is."""
        name, words = self.arguments
        path = Path(self.env.srcdir) / name
        self.env.note_dependency(str(path))
        return [nodes.raw("", stored(path, " ".join(words.split())), format="html")]


def setup(app: Sphinx) -> None:
    """Register ``stored-figure``."""
    app.add_directive("stored-figure", StoredFigure)
