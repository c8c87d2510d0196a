"""From docstrings to reStructuredText: mathematics, sections, and works cited."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from sphinx.ext.napoleon import Config, GoogleDocstring

STYLE = Config(
    napoleon_custom_sections=[("Shape", "notes_style")],
    napoleon_use_rtype=False,
    napoleon_use_ivar=True,
)
DISPLAY = re.compile(r"^\$\$(.+?)\$\$$", re.DOTALL | re.MULTILINE)
INLINE = re.compile(r"(?<![\\$`])\$([^$`]+?)\$(?!\d)")
BLOCK = re.compile(r"^( *)\.\. math::\n\n((?:\1 +\S.*\n|\n)+)", re.MULTILINE)
ONE_LINE = re.compile(r"^( *)\.\. math:: (\S.*(?:\n\1 +\S.*)*)\n", re.MULTILINE)
QUAD = re.compile(r"\s*(?:\\qquad\s*\((\d+)\)|\\tag\{(\d+)\})")
# a size |x| in prose, which reStructuredText would replace by something else
BARS = re.compile(
    rf"{BLOCK.pattern}|(?:``|:math:`)[^`]*`+|(?P<size>\|[^\s|`]+\|)", re.M
)
WORKS = re.compile(r"^References:\n((?:[ ]+\S.*\n?|\n)+)", re.MULTILINE)
# the full stop of "et al." ends no work
NAMES = r"(?:[^.()]|\bet al\.)*?"
NEXT_WORK = re.compile(rf"(?<=\.)\s+(?=[^\W\d_a-z]{NAMES}\s\(\d{{4}}[a-z]?\))")
AUTHORS = re.compile(rf"([^\W\d_]{NAMES})\s*\((\d{{4}})[a-z]?\)")
ARXIV = re.compile(r"\b(arXiv[ :])(\d{4}\.\d{4,5}|[a-z-]+/\d{7})")
FIELD = re.compile(r"^\s*(\w+)\s*=\s*\{?(.*?)\}?,?\s*$", re.MULTILINE)
ENTRY = re.compile(r"^@\w+\{([^,]+),(.*?)^\}", re.DOTALL | re.MULTILINE)


def docstring(text: str, what: str, owner: str, bibliography: Path) -> list[str]:
    """Turn a docstring into lines of reStructuredText; `owner` makes ids unique."""
    text = WORKS.sub(lambda m: works(m[1], bibliography), mathematics(text, owner))
    return str(GoogleDocstring(text, STYLE, what=what)).splitlines()


def mathematics(text: str, owner: str) -> str:
    """Turn ``$...$`` into roles, and number lines of equations at the margin."""
    text = DISPLAY.sub(lambda m: f"\n.. math::\n\n   {' '.join(m[1].split())}\n", text)
    text = INLINE.sub(r":math:`\1`", text)
    text = BARS.sub(lambda m: m[0].replace("|", r"\|") if m["size"] else m[0], text)
    text = ONE_LINE.sub(r"\1.. math::\n\n\1   \2\n", f"{text}\n")
    return BLOCK.sub(lambda m: numbered(m[1], m[2], owner), text).rstrip("\n")


def numbered(margin: str, block: str, owner: str) -> str:
    """Set a block whose lines carry numbers so that these stand at the right margin."""
    if not QUAD.search(block) and "&" not in block:
        return f"{margin}.. math::\n\n{block}"
    # a label of its own keeps the ids on a page apart, where each method counts from 1
    body = QUAD.sub(
        lambda m: rf" \tag{{{m[1] or m[2]}}}\label{{{owner}-{m[1] or m[2]}}}",
        block.rstrip(),
    )
    return (
        f"{margin}.. math::\n{margin}   :nowrap:\n\n{margin}   \\begin{{align}}\n"
        f"{body}\n{margin}   \\end{{align}}\n\n"
    )


def works(block: str, bibliography: Path) -> str:
    """Write the works of a section as a list, linked to the bibliography."""
    known = entries(bibliography)
    paragraphs = re.split(r"\n\s*\n", block.strip())
    items = [
        cited(item.strip(), known)
        for paragraph in paragraphs
        for item in NEXT_WORK.split(" ".join(paragraph.split()))
    ]
    return "References:\n" + "".join(f"    * {item}\n" for item in items) + "\n"


def cited(item: str, known: list[Work]) -> str:
    """Link a work's authors to the bibliography and its arXiv number to arXiv."""
    authors = AUTHORS.match(item)
    work = next((work for work in known if authors and work.is_in(item)), None)
    item = ARXIV.sub(r"`\1\2 <https://arxiv.org/abs/\2>`__", item)
    return f":cite:t:`{work.key}`{item[authors.end() :]}" if work else item


@dataclass(frozen=True)
class Work:
    """An entry of the bibliography, and what a docstring may name it by."""

    key: str
    first: str
    year: str
    title: str
    arxiv: str

    def is_in(self, item: str) -> bool:
        """Tell whether an item of a docstring is this work."""
        if (found := ARXIV.search(item)) and self.arxiv:
            return found[2] == self.arxiv
        same = letters(item).startswith(self.first) and f"({self.year}" in item
        return same and self.title[:10] in letters(item)


@cache
def entries(bibliography: Path) -> list[Work]:
    """Read the bibliography."""
    text = bibliography.read_text(encoding="utf-8") if bibliography.exists() else ""
    works = []
    for key, body in ENTRY.findall(text):
        fields = dict(FIELD.findall(body))
        first = fields.get("author", "").split(" and ")[0].split(",")[0]
        arxiv = re.search(r"arXiv[:\s]+(\d{4}\.\d{4,5}|[a-z-]+/\d{7})", body)
        title = letters(fields.get("title", ""))
        year = fields.get("year", "")
        works.append(Work(key, letters(first), year, title, arxiv[1] if arxiv else ""))
    return works


def letters(text: str) -> str:
    """Keep the letters alone, without accents and case, for comparison."""
    plain = unicodedata.normalize("NFKD", re.sub(r"\\[a-zA-Z]*", "", text))
    return "".join(c for c in plain if c.isalpha()).lower()
