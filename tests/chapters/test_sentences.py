"""Every sentence of every live figure can be read: no field is left open."""

import re
from pathlib import Path

import pytest

from coursekit.figures.sentence import fill

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted([*ROOT.glob("chapters/*.ipynb"), *ROOT.glob("book/*.ipynb")])
BROKEN = r"[{}]|\b(nan|NaN|inf|None|undefined|True|False)\b|n/a|  | [.,;:]|\.\."

pytestmark = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)


def spoken(figure):
    """Collect what a figure can say: its sentences, its reply, its caption, its alt."""
    texts = {s.text for s in figure.sentences()} if figure.says else set()
    if figure.predict:
        texts.add(fill(figure.reply, figure.space, figure.state))
    return (texts | {figure.caption, figure.alt}) - {""}


def test_the_figures_are_those_the_page_shows(path, live_figures):
    stored = path.read_text(encoding="utf-8").count("core_render.mount(")
    assert len(live_figures(path)) == stored
    ids = [f.id for f in live_figures(path)]
    assert len(ids) == len(set(ids))


def test_sentences_are_whole_in_every_state(path, live_figures):
    for figure in live_figures(path):
        for text in spoken(figure):
            assert not re.search(BROKEN, text), f"{figure.id}: {text}"
            assert text[-1] in ".?", f"{figure.id}: {text}"
