"""Launch buttons for Colab, from one setting, and the notebooks they open.

``repository: url`` in ``_config.yml`` decides. While it is empty there is no button
and no file. When it is set, every chapter and lab gets a button, and a variant of its
notebook is written under ``colab/``: the same cells after one that fetches the book
and installs `coursekit` beside Colab's own torch.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlparse

if TYPE_CHECKING:
    from sphinx.application import Sphinx

PAGES_BRANCH = "gh-pages"
HOST = "https://colab.research.google.com/github"
FOLDERS = ("chapters/", "labs/")


def repository(app: Sphinx) -> tuple[str, str]:
    """Return URL and ref of the repository; the URL is empty while unset."""
    options = app.config.html_theme_options
    url = (options.get("repository_url") or "").removesuffix("/").removesuffix(".git")
    return url, options.get("repository_branch") or "main"


def setup_cell(url: str, ref: str, folder: str) -> dict[str, Any]:
    """Build the first cell of a variant: fetch, install, and stand beside the data."""
    name = url.rsplit("/", 1)[1]
    source = [
        f"!git clone --quiet --depth 1 --branch {ref} {url}\n",
        f"%pip install --quiet ./{name}\n",
        f"%cd {name}/{folder}",
    ]
    return {
        "cell_type": "code",
        "id": "colab-setup",
        "metadata": {"tags": ["colab"]},
        "execution_count": None,
        "outputs": [],
        "source": source,
    }


def variant(notebook: dict[str, Any], url: str, ref: str, folder: str) -> dict:
    """Put the set-up cell before a notebook's own cells."""
    return notebook | {"cells": [setup_cell(url, ref, folder), *notebook["cells"]]}


def add_button(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: Any
) -> None:
    """Put the button into the header of a chapter or a lab."""
    url, _ = repository(app)
    if not url or not page.startswith(FOLDERS):
        return
    owner_and_name = urlparse(url).path.strip("/")
    target = f"{HOST}/{owner_and_name}/blob/{PAGES_BRANCH}/colab/{page}.ipynb"
    button = {
        "type": "link",
        "url": target,
        "text": "Colab",
        "icon": "fas fa-play",
        "tooltip": "Run this page in Colab",
        "label": "launch-colab",
    }
    context["header_buttons"].insert(0, button)


def write_variants(app: Sphinx, error: Exception | None) -> None:
    """Write the variants under ``colab/`` of the built book."""
    url, ref = repository(app)
    if error or not url:
        return
    for page in sorted(app.env.found_docs):
        source = Path(app.srcdir) / f"{page}.ipynb"
        if page.startswith(FOLDERS) and source.exists():
            notebook = json.loads(source.read_text(encoding="utf-8"))
            folder = page.rsplit("/", 1)[0]
            target = Path(app.outdir) / "colab" / f"{page}.ipynb"
            target.parent.mkdir(parents=True, exist_ok=True)
            text = json.dumps(variant(notebook, url, ref, folder), ensure_ascii=False)
            target.write_text(text, encoding="utf-8")


def setup(app: Sphinx) -> None:
    """Connect the button and the files."""
    app.connect("html-page-context", add_button, priority=700)
    app.connect("build-finished", write_variants)
