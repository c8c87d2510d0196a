"""Stored figures carry the script and the style of today's engine.

nbval leaves out the cells of live figures, so a change of the engine would not show
there: `make execute` renews what this finds stale.
"""

import json
import re
from pathlib import Path

import pytest

from coursekit.figures.html import stylesheet
from coursekit.figures.modules import join_modules

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted([*ROOT.glob("chapters/*.ipynb"), *ROOT.glob("book/*.ipynb")])


def live_figures(notebook):
    cells = json.loads(notebook.read_text("utf-8"))["cells"]
    outputs = [o for cell in cells for o in cell.get("outputs", [])]
    pages = ["".join(o.get("data", {}).get("text/html", "")) for o in outputs]
    return [page for page in pages if "core_render.mount(" in page]


def parts(page):
    call = page[page.rindex("core_render.mount(") :]
    return re.findall(r"\.\.\.(marks|models)_(\w+)", call)


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_stored_figures_are_of_this_engine(notebook):
    figures = live_figures(notebook)
    assert figures
    for page in figures:
        names = [f"{folder}/{name}" for folder, name in parts(page)]
        assert any(name.startswith("marks/") for name in names)
        assert join_modules(["core/render", *names]) in page, "run: make execute"
        assert stylesheet() in page, "run: make execute"


def test_a_stale_script_is_seen():
    page = live_figures(NOTEBOOKS[0])[0]
    names = [f"{folder}/{name}" for folder, name in parts(page)]
    assert join_modules(["core/render", *names]) not in page.replace("===", "==", 1)
