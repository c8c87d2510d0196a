"""The claims page, assembled from what the chapters' notebooks have stored.

A claim leaves a machine-readable record among the outputs of the cell that ran it.
``{claims-table}`` collects the records of every chapter in the table of contents and
draws them with the same function that drew them in the notebook; nothing on the page
is typed by hand.
"""

from __future__ import annotations

import collections
import importlib
import itertools
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

from bookext import curriculum, links

if TYPE_CHECKING:
    from sphinx.application import Sphinx

MIME = "application/vnd.coursekit.claim+json"
FULL = 20  # seeds from which on a run is one of COURSEKIT_FULL=1
HEADING = re.compile(r"^#{1,6} +(.+?) *$", re.MULTILINE)


def stored_claims(notebook: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the claims of a notebook in order, each with the heading above it."""
    heading = ""
    for cell in json.loads(notebook.read_text(encoding="utf-8"))["cells"]:
        if cell["cell_type"] == "markdown":
            headings = HEADING.findall("".join(cell["source"]))
            heading = headings[-1] if headings else heading
        for output in cell.get("outputs", []):
            record = output.get("data", {}).get(MIME)
            if record is not None:
                yield heading, record


def spans(numbers: list[int]) -> str:
    """Write increasing numbers as ranges: 0–4, 100."""
    first = [n for n in numbers if n - 1 not in numbers]
    last = [n for n in numbers if n + 1 not in numbers]
    pairs = zip(first, last, strict=True)
    return ", ".join(f"{a}–{b}" if a < b else f"{a}" for a, b in pairs)


def run_size(records: list[dict[str, Any]]) -> str:
    """Say whether a chapter's stored claims are fast or full runs, and on which seeds.

    Claims of a single run, which compute rather than sample, are left out.
    """
    sampled = [record for record in records if record["n"] > 1]
    if not sampled:
        return "One run a claim."
    counts = sorted({record["n"] for record in sampled})
    seeds = sorted({seed for record in sampled for seed in record["seeds"]})
    *some, most = map(str, counts)
    number = f"{', '.join(some)} or {most}" if some else most
    words = f"{number} seeds a claim, numbers {spans(seeds)}"
    if counts[0] >= FULL:
        return f"Full size: {words}."
    return f"Fast size: {words}. COURSEKIT_FULL=1 runs at least {FULL}."


class ClaimsTable(SphinxDirective):
    """List every stored claim with its measured value and its verdict."""

    def run(self) -> list[nodes.Node]:
        """Build one section a chapter, with a count of verdicts above them all."""
        found = {}
        for page in sorted(self.env.found_docs):
            notebook = Path(self.env.srcdir) / f"{page}.ipynb"
            if page.startswith("chapters/") and notebook.exists():
                self.env.note_dependency(f"{page}.ipynb")
                found[page] = list(stored_claims(notebook))
        records = [record for claims in found.values() for _, record in claims]
        chapters = curriculum.read(Path(self.env.srcdir))["chapters"]
        titles = {c["file"]: curriculum.label(c) for c in chapters}
        sections = [
            self.section(page, titles.get(Path(page).name), claims)
            for page, claims in found.items()
            if claims
        ]
        return [self.summary(records), *sections]

    @staticmethod
    def summary(records: list[dict[str, Any]]) -> nodes.paragraph:
        """Count the verdicts in words."""
        render = importlib.import_module("coursekit.claims.render")
        verdicts = collections.Counter(map(render.verdict_words, records))
        words = [
            f"{number} {glyph} {word}" for (glyph, word), number in verdicts.items()
        ]
        text = (
            f"{len(records)} claims: {' · '.join(words)}" if words else "No claims yet."
        )
        return nodes.paragraph("", text, classes=["claims-summary"])

    @staticmethod
    def section(page: str, label: str | None, claims: list) -> nodes.section:
        """Build a chapter's tables, one for each of its sections with claims."""
        render = importlib.import_module("coursekit.claims.render")
        title = nodes.title("", "", links.to_page(page, label))
        section = nodes.section("", title, ids=[nodes.make_id(f"claims-{page}")])
        section += nodes.paragraph("", run_size([record for _, record in claims]))
        for heading, group in itertools.groupby(claims, key=lambda claim: claim[0]):
            where = nodes.paragraph("", "", links.to_section(page, heading))
            table = render.table([record for _, record in group])
            section += [where, nodes.raw("", table, format="html")]
        return section


def setup(app: Sphinx) -> None:
    """Register ``{claims-table}``."""
    app.add_directive("claims-table", ClaimsTable)
