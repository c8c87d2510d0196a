"""Every chapter covers its items, and its text tells what its runs show.

The constants of ``test_<topic>.py`` say what is promised, and are all that a chapter
needs here: ``ITEMS`` that a claim serves, ``CORRECTIONS`` that have a box,
``VERDICTS`` that the text tells, and ``FIGURES`` in their order, each with the number
of sentences it has at least and with words of the one it says at rest.
"""

import runpy
from pathlib import Path

import pytest

HERE, ROOT = Path(__file__).parent, Path(__file__).parents[2]
TOPICS = [path.stem[3:] for path in sorted(ROOT.glob("chapters/[0-9][0-9]_*.ipynb"))]
FILES = {topic: HERE / f"test_{topic}.py" for topic in TOPICS}
PROMISES = {t: runpy.run_path(str(file)) for t, file in FILES.items() if file.exists()}


def each(constant, *names):
    """Run a test for every entry of a constant of every chapter."""
    entries = [
        pytest.param(topic, *(entry if len(names) > 1 else [entry]))
        for topic, promised in PROMISES.items()
        for entry in listed(promised.get(constant, []))
    ]
    return pytest.mark.parametrize(("chapter", *names), entries, indirect=["chapter"])


def listed(entries):
    return entries.items() if isinstance(entries, dict) else entries


@pytest.mark.parametrize("topic", TOPICS)
def test_every_chapter_promises_something(topic):
    assert topic in PROMISES, f"write tests/chapters/test_{topic}.py"
    for constant in ("ITEMS", "CORRECTIONS", "VERDICTS", "FIGURES"):
        assert PROMISES[topic].get(constant), f"{constant} of {topic}"


@each("ITEMS", "item")
def test_every_item_is_served_by_a_claim(claims, item):
    assert [c["id"] for c in claims.values() if item in c["items"]]


@each("CORRECTIONS", "correction")
def test_every_correction_has_a_box(notebook, correction):
    assert any(
        ":class: misconception" in c.source and f"({correction})" in c.source
        for c in notebook.cells
    )


@each("VERDICTS", "id", "verdict")
def test_the_verdicts_are_those_the_text_tells(claims, id, verdict):
    assert claims[id]["verdict"] == verdict


@pytest.mark.parametrize("chapter", PROMISES, indirect=True)
def test_the_live_figures_are_those_promised(figures, chapter):
    promised = PROMISES[chapter.stem[3:]]["FIGURES"]
    assert [f.id for f in figures] == list(promised)


@each("FIGURES", "id", "promised")
def test_a_live_figure_tells_its_states_apart(figures, id, promised):
    least, *findings = promised
    figure = next(f for f in figures if f.id == id)
    assert len({s.text for s in figure.sentences()}) >= least
    for finding in findings:
        assert finding in figure.sentence()
