"""Look through the built book for what Sphinx does not warn about.

Broken links inside the book, resources of other hosts, error outputs, and pages that
are too heavy with their pictures. Only the standard library is used, so that the same
checks run anywhere.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

RESOURCE = {
    *(("script", "src"), ("img", "src"), ("iframe", "src"), ("source", "src")),
    *(("video", "src"), ("audio", "src"), ("embed", "src"), ("object", "data")),
    *(("link", "href"), ("img", "srcset"), ("use", "href")),
}
LOCAL_LINKS = {"canonical", "license", "alternate"}
STYLE_URL = re.compile(r"(?:url\(|@import)\s*['\"]?((?:https?:)?//[^'\")\s]+)")
PAGE_BYTES = 2_500_000  # a page and its own pictures
ERROR_CLASSES = {"traceback", "error"}


class Page(HTMLParser):
    """What the audit needs to know of one page."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.ids: set[str] = set()
        self.links: list[str] = []
        self.resources: list[str] = []
        self.pictures: set[str] = set()
        self.errors = 0
        self.in_style = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note ids, links, resources and error outputs."""
        given = {name: value or "" for name, value in attrs}
        self.in_style = tag == "style"
        self.ids.update(given[name] for name in ("id", "name") if name in given)
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        for name, value in given.items():
            foreign_rel = tag == "link" and given.get("rel") in LOCAL_LINKS
            if (tag, name) in RESOURCE and not foreign_rel:
                self.resources.append(value)
            if (tag, name) == ("img", "src") and not value.startswith("data:"):
                self.pictures.add(value)
        self.resources += STYLE_URL.findall(given.get("style", ""))
        classes = set(given.get("class", "").split())
        self.errors += "output" in classes and bool(classes & ERROR_CLASSES)

    def handle_data(self, data: str) -> None:
        """Note what a style sheet inside the page asks for."""
        if self.in_style:
            self.resources += STYLE_URL.findall(data)


def is_foreign(address: str) -> bool:
    """Tell whether loading an address would leave this book."""
    return address.startswith("//") or urlsplit(address).scheme in {"http", "https"}


def stored_errors(root: Path) -> list[str]:
    """Name every error among the stored outputs of the book's notebooks."""
    faults = []
    for notebook in sorted([
        *root.glob("chapters/*.ipynb"),
        *root.glob("book/*.ipynb"),
    ]):
        cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
        for number, cell in enumerate(cells, start=1):
            for output in cell.get("outputs", []):
                if output["output_type"] == "error":
                    name = notebook.relative_to(root).as_posix()
                    faults.append(f"{name}: cell {number} ends in {output['ename']}")
    return faults


def pages(html: Path) -> list[str]:
    """Name every fault of the built pages and style sheets."""
    found = {
        path: Page(path.read_text(encoding="utf-8"))
        for path in sorted(html.rglob("*.html"))
        if "_static" not in path.relative_to(html).parts
    }
    faults = [
        f"{path.relative_to(html).as_posix()}: {fault}"
        for path, page in found.items()
        for fault in page_faults(path, page, found)
    ]
    for sheet in sorted(html.rglob("*.css")):
        for address in STYLE_URL.findall(sheet.read_text(encoding="utf-8")):
            faults.append(f"{sheet.relative_to(html).as_posix()}: loads {address}")
    return faults


def page_faults(path: Path, page: Page, found: dict[Path, Page]) -> Iterator[str]:
    """Yield the faults of one page."""
    if page.errors:
        yield f"{page.errors} error outputs"
    if (weight := page_bytes(path, page)) > PAGE_BYTES:
        yield f"weighs {weight:,} bytes with its pictures, more than {PAGE_BYTES:,}"
    for address in page.resources:
        if is_foreign(address):
            yield f"loads {address}"
        elif (
            not address.startswith(("data:", "#"))
            and not target(path, address).exists()
        ):
            yield f"misses its file {address}"
    for address in page.links:
        if urlsplit(address).scheme or address.startswith("//"):
            continue
        goal = target(path, address)
        # what follows "?" in a figure's address is the state that it shows
        anchor = unquote(urlsplit(address).fragment).partition("?")[0]
        if not goal.exists():
            yield f"links to {address}, which does not exist"
        elif anchor and goal in found and anchor not in found[goal].ids:
            yield f"links to {address}, a place its page does not have"


def page_bytes(path: Path, page: Page) -> int:
    """Add up a page and the pictures of the book that it shows."""
    shown = {
        target(path, address) for address in page.pictures if not is_foreign(address)
    }
    files = [path, *(picture for picture in shown if picture.is_file())]
    return sum(file.stat().st_size for file in files)


def target(path: Path, address: str) -> Path:
    """Find the file that a relative address on a page means."""
    name = unquote(urlsplit(address).path)
    return (path.parent / name).resolve() if name else path
