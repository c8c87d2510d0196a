"""A real browser on the built book, with every door to the network shut."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HTML = ROOT / "_build" / "html"
# one experimental rule more, which the stock theme is known to break; style sheets are
# not fetched a second time, which file:// forbids
AXE = {
    "rules": {"label-content-name-mismatch": {"enabled": True}},
    "preload": False,
    "resultTypes": ["violations"],
}


def page_names() -> list[str]:
    """Name every page, relative to the book; the entry page alone while none is."""
    found = sorted(
        path.relative_to(HTML).as_posix()
        for path in HTML.rglob("*.html")
        if not {"_static", "_sources", "colab"} & set(path.relative_to(HTML).parts)
    )
    # the entry page only forwards to the front page
    return [name for name in found if name != "index.html"] or ["index.html"]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give a test that asks for a `page_name` every page in turn."""
    if "page_name" in metafunc.fixturenames:
        metafunc.parametrize("page_name", page_names())


@dataclass
class Visit:
    """A page that has been opened, and what it did meanwhile."""

    page: object
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)


@pytest.fixture(scope="session")
def html() -> Path:
    """Return the folder of the built book."""
    if not (HTML / "index.html").exists():
        pytest.skip("the book is not built (make book)")
    return HTML


@pytest.fixture
def visit(chromium, html) -> Iterator[Callable[..., Visit]]:
    """Open a page of the book from file://, as a reader without a network does."""
    contexts = []

    def opened(name: str, theme: str = "light", width: int = 1280) -> Visit:
        size = {"width": width, "height": 900}
        context = chromium.new_context(viewport=size, color_scheme=theme)
        contexts.append(context)
        context.route("http*://**", lambda route: route.abort())
        result = Visit(context.new_page())
        note_what_happens(result)
        path, _, query = name.partition("?")
        result.page.goto(f"{(html / path).as_uri()}{'?' if query else ''}{query}")
        result.page.wait_for_timeout(300)
        return result

    yield opened
    for context in contexts:
        context.close()


@pytest.fixture(scope="session")
def violations() -> Callable[..., list[str]]:
    """Return what axe-core finds wrong with a page, a line for each rule."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()

    def found(page) -> list[str]:
        results = axe.run(page, options=AXE).response["violations"]
        return [
            f"{one['id']}: {one['nodes'][0]['failureSummary']} "
            f"{one['nodes'][0]['html'][:200]}"
            for one in results
        ]

    return found


def note_what_happens(result: Visit) -> None:
    """Record requests to other hosts, errors on the console and failed files."""

    def request(request) -> None:
        if not request.url.startswith(("file:", "data:", "blob:")):
            result.requests.append(request.url)

    def console(message) -> None:
        if message.type == "error":
            result.complaints.append(message.text)

    page = result.page
    page.on("request", request)
    page.on("console", console)
    page.on("pageerror", lambda error: result.complaints.append(str(error)))
    page.on("requestfailed", lambda failed: result.complaints.append(failed.url))
