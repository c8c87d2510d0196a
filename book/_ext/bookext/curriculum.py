"""The chapter map and the list of symptoms, from ``book/curriculum.yml``.

A chapter is linked when its notebook exists and called *planned* until then, so a
page can never point at a chapter that nobody has written.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from docutils import nodes
from sphinx.util.docutils import SphinxDirective

from bookext import links

if TYPE_CHECKING:
    from sphinx.application import Sphinx

DATA = "book/curriculum.yml"


def read(source: Path) -> dict[str, Any]:
    """Read chapters and symptoms, and mark the chapters that exist."""
    data = yaml.safe_load((source / DATA).read_text(encoding="utf-8"))
    for chapter in data["chapters"]:
        notebook = source / "chapters" / f"{chapter['file']}.ipynb"
        chapter["written"] = notebook.exists()
    return data


def label(chapter: dict[str, Any]) -> str:
    """Name a chapter by number and title."""
    return f"{chapter['number']} · {chapter['title']}"


def chapter_reference(chapter: dict[str, Any], section: str = "") -> nodes.Node:
    """Name a chapter: a link when it is written, plain words with a mark when not."""
    name = label(chapter)
    page = f"chapters/{chapter['file']}"
    if not chapter["written"]:
        planned = nodes.inline("", name, classes=["planned-chapter"])
        planned += [nodes.Text(" "), nodes.inline("", "planned", classes=["planned"])]
        return planned
    if section:
        return links.to_section(page, section, f"{name}: {section}")
    return links.to_page(page, name)


class ChapterMap(SphinxDirective):
    """List the chapters in teaching order, each with its question and its state."""

    def run(self) -> list[nodes.Node]:
        """Build the numbered list."""
        self.env.note_dependency(DATA)
        listing = nodes.enumerated_list(classes=["chapter-map"])
        for chapter in read(Path(self.env.srcdir))["chapters"]:
            title = nodes.paragraph("", "", chapter_reference(chapter))
            question = nodes.paragraph("", chapter["question"], classes=["question"])
            state = ["written"] if chapter["written"] else ["not-written"]
            listing += nodes.list_item("", title, question, classes=state)
        return [listing]


class Symptoms(SphinxDirective):
    """List what goes wrong, what to look at first, and where it is explained."""

    def run(self) -> list[nodes.Node]:
        """Build one card a symptom."""
        self.env.note_dependency(DATA)
        data = read(Path(self.env.srcdir))
        by_code = {chapter["code"]: chapter for chapter in data["chapters"]}
        listing = nodes.bullet_list(classes=["symptoms"])
        for symptom in data["symptoms"]:
            read_on = nodes.bullet_list(classes=["read"])
            for code, section in symptom["read"].items():
                reference = chapter_reference(by_code[code], section or "")
                read_on += nodes.list_item("", nodes.paragraph("", "", reference))
            listing += self.item(symptom, read_on)
        return [listing]

    @staticmethod
    def item(symptom: dict[str, Any], read_on: nodes.bullet_list) -> nodes.list_item:
        """Build the card of one symptom."""
        says = nodes.paragraph("", "", nodes.strong("", symptom["says"]))
        look = nodes.paragraph("", "Look first: ", classes=["look"])
        look += nodes.Text(symptom["look"])
        return nodes.list_item("", says, look, read_on)


def setup(app: Sphinx) -> None:
    """Register ``{chapter-map}`` and ``{symptoms}``."""
    app.add_directive("chapter-map", ChapterMap)
    app.add_directive("symptoms", Symptoms)
