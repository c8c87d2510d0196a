"""What the tests of figures share: figures, Node, a browser without network."""

import importlib.util
import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from coursekit.figures import Figure
from coursekit.figures.html import page
from coursekit.figures.modules import JS


@pytest.fixture(scope="session")
def samples() -> ModuleType:
    path = Path(__file__).parent / "samples.py"
    spec = importlib.util.spec_from_file_location("figure_samples", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def figures(samples: ModuleType) -> dict[str, Figure]:
    made = [make() for make in samples.ALL]
    return {figure.id: figure for figure in made}


class Node:
    """Run JavaScript of the figures outside a browser and get JSON back."""

    def __call__(self, code: str, data: Any = None) -> Any:
        text = (
            f"const data = JSON.parse(await new Response(process.stdin).text());{code}"
        )
        command = ["node", "--input-type=module", "-e", text]
        done = subprocess.run(
            command, input=json.dumps(data), capture_output=True, text=True, cwd=JS
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)


@pytest.fixture(scope="session")
def node() -> Node:
    if shutil.which("node") is None:
        pytest.skip("node is not installed")
    return Node()


@pytest.fixture(scope="session")
def page_file(figures: dict[str, Figure], tmp_path_factory: Any) -> Path:
    path = tmp_path_factory.mktemp("figures") / "all.html"
    path.write_text(page(list(figures.values()), "Test figures"), encoding="utf-8")
    return path


class Opener:
    """Open pages whose every request but files is refused and remembered."""

    def __init__(self, browser: Any, path: Path) -> None:
        self.browser, self.path = browser, path
        self.refused: list[str] = []
        self.errors: list[str] = []
        self.contexts: list[Any] = []

    def __call__(self, width=900, theme="light", hash="", path=None, **options) -> Any:
        context = self.browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme=theme, **options
        )
        self.contexts.append(context)
        context.set_default_timeout(20_000)
        context.route("**/*", self._guard)
        found = context.new_page()
        found.on("console", lambda m: m.type == "error" and self.errors.append(m.text))
        found.on("pageerror", lambda e: self.errors.append(str(e)))
        found.goto(f"file://{path or self.path}{hash}")
        if options.get("java_script_enabled", True) and path is None:
            found.wait_for_selector("#fig-crit-saddle .ck-panels svg path")
        return found

    def _guard(self, route: Any) -> None:
        if route.request.url.startswith(("file:", "data:", "blob:")):
            route.continue_()
        else:
            self.refused.append(route.request.url)
            route.abort()


@pytest.fixture(scope="module")
def still_page(chromium: Any, page_file: Path) -> Iterator[Any]:
    """Open a page for tests that only look, once for each width and theme."""
    opener = Opener(chromium, page_file)
    pages: dict[tuple[int, str], Any] = {}

    def still(width: int = 900, theme: str = "light") -> Any:
        if (width, theme) not in pages:
            pages[width, theme] = opener(width, theme)
        return pages[width, theme]

    yield still
    for context in opener.contexts:
        context.close()
    assert opener.refused == [], "a figure asked the network for something"
    assert opener.errors == [], "a figure wrote an error to the console"


@pytest.fixture
def open_page(chromium: Any, page_file: Path) -> Iterator[Opener]:
    opener = Opener(chromium, page_file)
    yield opener
    for context in opener.contexts:
        context.close()
    assert opener.refused == [], "a figure asked the network for something"
    assert opener.errors == [], "a figure wrote an error to the console"
