"""The book's extension: what it makes of chapters, docstrings, claims and settings."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from bookext import accessible, claims_table, colab, curriculum, stored_figure

ROOT = Path(__file__).resolve().parents[2]


def notebook(folder: Path, name: str, cells: list[dict]) -> Path:
    """Write a notebook with these cells."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"cells": cells, "metadata": {}, "nbformat": 4}))
    return path


def test_chapters_are_numbered_and_every_symptom_leads_somewhere():
    """Seventeen chapters in order; a symptom names only codes that exist."""
    data = curriculum.read(ROOT)
    assert [c["number"] for c in data["chapters"]] == list(range(1, 18))
    codes = {c["code"] for c in data["chapters"]}
    assert all(s["read"].keys() <= codes for s in data["symptoms"])
    assert all(c["file"].startswith(f"{c['number']:02d}_") for c in data["chapters"])


def test_every_notebook_of_the_chapters_is_in_the_curriculum():
    """A chapter's file has the name that the curriculum expects."""
    known = {c["file"] for c in curriculum.read(ROOT)["chapters"]}
    assert {path.stem for path in ROOT.glob("chapters/*.ipynb")} <= known


def test_a_chapter_is_planned_until_its_notebook_exists(tmp_path):
    """The same entry is words first and a link later."""
    source = tmp_path / "book" / "curriculum.yml"
    source.parent.mkdir()
    source.write_text((ROOT / "book" / "curriculum.yml").read_text(encoding="utf-8"))
    planned = curriculum.read(tmp_path)["chapters"][11]
    assert "planned" in curriculum.chapter_reference(planned).astext()
    notebook(tmp_path, f"chapters/{planned['file']}.ipynb", [])
    written = curriculum.read(tmp_path)["chapters"][11]
    reference = curriculum.chapter_reference(written)
    assert reference["reftarget"] == f"/chapters/{planned['file']}"
    assert "planned" not in reference.astext()


def test_claims_are_read_with_the_heading_above_them(tmp_path):
    """Records come in order, outputs without a record are passed over."""

    def claim(name: str) -> dict:
        data = {claims_table.MIME: {"id": name}, "text/plain": "…"}
        return {"output_type": "execute_result", "data": data}

    stream = {"output_type": "stream", "text": "no claim"}
    path = notebook(
        tmp_path,
        "c.ipynb",
        [
            {"cell_type": "markdown", "source": ["# Title\n", "text\n", "## First"]},
            {"cell_type": "code", "source": "", "outputs": [stream, claim("E-1")]},
            {"cell_type": "markdown", "source": ["words only"]},
            {"cell_type": "code", "source": "", "outputs": [claim("E-2")]},
            {"cell_type": "markdown", "source": ["## Second\n"]},
            {"cell_type": "code", "source": "", "outputs": [claim("E-3")]},
        ],
    )
    found = [
        (heading, record["id"]) for heading, record in claims_table.stored_claims(path)
    ]
    assert found == [("First", "E-1"), ("First", "E-2"), ("Second", "E-3")]


def test_a_stored_figure_is_the_one_that_is_named(tmp_path):
    """One output begins with the words; none, or two, stop the build."""

    def output(text: str, html: str) -> dict:
        data = {"text/plain": [f"Figure: {text}"], "text/html": [html]}
        return {"output_type": "execute_result", "data": data}

    outputs = [output("One way.", "<p>1"), output("Two ways.", "<p>2")]
    cell = {"cell_type": "code", "source": "", "outputs": outputs}
    path = notebook(tmp_path, "g.ipynb", [cell])
    assert stored_figure.stored(path, "Two") == "<p>2"
    for words in ("Three", ""):
        with pytest.raises(ValueError, match="figures begin with"):
            stored_figure.stored(path, words)


FAULTY = {
    "region": '<a class="navbar-brand logo" href="i.html"><p>B</p></a>',
    "label-content-name-mismatch": '<i data-mode="light" title="Light"></i>',
    "summary-name": '<a class="x" href="a">API</a><details><summary><i></i></summary>',
    "definition-list": '<dl>\n<dd><em class="sig-param">a</em>,</dd>\n</dl>',
    "aria-deprecated-role": '<div class="citation" id="a" role="doc-biblioentry">',
    "aria-required-children": '<div role="list" class="citation-list">',
    "valid-lang": '<dt id="term-1">批大小<a class="headerlink"></a></dt>',
}


@pytest.mark.parametrize("rule", FAULTY)
def test_a_fault_is_repaired_once(rule):
    """A repair changes its fault, and finds nothing left to do in what it wrote."""
    mine = [r for r in accessible.REPAIRS if r.rule.split(":")[0] == rule]
    counts = [repair.apply(FAULTY[rule]) for repair in mine]
    repaired = next(text for text, count in counts if count)
    assert repaired != FAULTY[rule]
    assert [repair.apply(repaired)[1] for repair in mine] == [0] * len(mine)


def test_glossary_is_bilingual():
    """At least eighty terms, each with Chinese beside it and a definition."""
    text = (ROOT / "book" / "glossary.md").read_text(encoding="utf-8")
    entries = re.search(r"```\{glossary\}\n(.*?)\n```", text, re.DOTALL)[1]
    terms = [entry.split("\n") for entry in entries.split("\n\n")]
    assert len(terms) >= 80
    for english, chinese, definition in terms:
        assert re.search(r"[A-Za-z]", english)
        assert re.search(r"[\u4e00-\u9fff]", chinese), english
        assert definition.endswith("."), english
    names = [term[0].lower() for term in terms]
    assert names == sorted(names)
    assert len(set(names)) == len(names)


def test_colours_are_those_of_the_figures():
    """The style sheet repeats the palette; this keeps the two equal."""
    from coursekit.figures.palette import PALETTE

    css = (ROOT / "book" / "_static" / "book.css").read_text(encoding="utf-8")
    roles = {"ground": "ground", "ink": "ink", "muted": "muted", "edge": "edge"}
    roles |= {"grid": "grid", "link": "blue", "warm": "vermillion", "focus": "focus"}
    for theme in ("light", "dark"):
        block = re.search(rf'data-theme="{theme}"\] \{{(.*?)\}}', css, re.DOTALL)[1]
        given = dict(re.findall(r"--book-([a-z]+): (#[0-9a-f]{6});", block))
        for name, role in roles.items():
            assert given[name] == PALETTE[theme][role].lower(), (theme, name)


@pytest.fixture
def small_book(tmp_path):
    """Build a book of one chapter with the repository's address set or unset."""
    sphinx = pytest.importorskip("sphinx.application")

    def build(url: str) -> Path:
        source, out = tmp_path / "source", tmp_path / "out"
        markdown = {
            "cell_type": "markdown",
            "id": "a",
            "metadata": {},
            "source": "# One",
        }
        path = notebook(source, "chapters/01_one.ipynb", [markdown])
        content = json.loads(path.read_text()) | {"nbformat_minor": 5}
        path.write_text(json.dumps(content))
        front = "# Front\n\n```{toctree}\nchapters/01_one\n```\n"
        (source / "index.md").write_text(front)
        settings = {
            "extensions": ["myst_nb", "sphinx_book_theme", "bookext.colab"],
            "html_theme": "sphinx_book_theme",
            "nb_execution_mode": "off",
            "html_theme_options": {"repository_url": url, "repository_branch": "v1"},
        }
        app = sphinx.Sphinx(
            source, None, out, tmp_path / "trees", "html", settings, status=None
        )
        app.build()
        return out

    return build


def test_colab_buttons_are_absent_while_no_repository_is_set(small_book):
    """No button, no file, no trace."""
    out = small_book("")
    assert "colab" not in (out / "chapters" / "01_one.html").read_text(encoding="utf-8")
    assert not (out / "colab").exists()


def test_colab_buttons_open_a_notebook_that_installs_the_book(small_book):
    """The button's address and the file it opens agree; the file starts the book."""
    out = small_book("https://github.com/someone/a-book")
    page = (out / "chapters" / "01_one.html").read_text(encoding="utf-8")
    address = f"{colab.HOST}/someone/a-book/blob/gh-pages/colab/chapters/01_one.ipynb"
    assert f'href="{address}"' in page
    cells = json.loads((out / "colab/chapters/01_one.ipynb").read_text())["cells"]
    assert "".join(cells[0]["source"]).splitlines() == [
        "!git clone --quiet --depth 1 --branch v1 https://github.com/someone/a-book",
        "%pip install --quiet ./a-book",
        "%cd a-book/chapters",
    ]
    assert cells[1]["source"] == "# One"
    assert "colab" not in (out / "index.html").read_text(encoding="utf-8")
