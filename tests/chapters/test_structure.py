"""Every chapter keeps the anatomy that the book promises."""

import json
import re
from itertools import pairwise
from pathlib import Path
from statistics import median

import nbformat
import pytest

from coursekit.claims.claim import MIME

ROOT = Path(__file__).parents[2]
CHAPTERS = sorted((ROOT / "chapters").glob("[0-9][0-9]_*.ipynb"))
VERDICTS = {"holds", "does not hold here", "inconclusive"}

pytestmark = pytest.mark.parametrize("path", CHAPTERS, ids=lambda p: p.stem)


def cells(path, kind=None):
    found = nbformat.read(path, 4).cells
    return [c for c in found if kind is None or c.cell_type == kind]


def prose(path):
    return "\n\n".join(c.source for c in cells(path, "markdown"))


def words(text):
    text = re.sub(r"```.*?```|\$\$.*?\$\$|\$.*?\$|`[^`]*`", " ", text, flags=re.S)
    return re.findall(r"[A-Za-zÀ-ÿ’'-]{2,}", text)


def outputs(path):
    for cell in cells(path, "code"):
        for output in cell.outputs:
            yield cell, output


def claims_of(path):
    return [
        o.data[MIME]
        for _, o in outputs(path)
        if o.output_type == "display_data" or o.output_type == "execute_result"
        if MIME in o.data
    ]


def test_it_is_executed_without_errors_and_small(path):
    assert path.stat().st_size <= 1_500_000
    assert all(c.execution_count for c in cells(path, "code"))
    assert not [c.id for c, o in outputs(path) if o.output_type == "error"]
    assert not [c.id for c, o in outputs(path) if o.get("name") == "stderr"]


def test_code_cells_are_short_and_stand_between_prose(path):
    lengths = [len(c.source.splitlines()) for c in cells(path, "code")]
    assert median(lengths) <= 5
    assert max(lengths) <= 15
    kinds = [c.cell_type for c in cells(path)]
    assert ("code", "code") not in pairwise(kinds)


def test_functions_in_cells_are_short(path):
    for cell in cells(path, "code"):
        for body in re.findall(
            r"^def .*\n(?:(?:    .*)?\n)*", cell.source + "\n", re.M
        ):
            assert len(body.strip().splitlines()) <= 8, body


def test_the_first_cell_imports_the_package_and_nothing_installs(path):
    sources = [c.source for c in cells(path, "code")]
    assert "from coursekit" in sources[0]
    assert not re.search(r"sys\.path|pip install|^[%!]", "\n".join(sources), re.M)


def test_the_prose_stands_alone(path):
    text = prose(path)
    assert 2500 <= len(words(text)) <= 5000
    for part in (
        "Learning objectives",
        "**Prerequisites.**",
        "Predict",
        "**What to see.**",
        "## What to do when",
        "## Exercises",
        "../labs/",
    ):
        assert part in text, part
    assert not re.search(r"!(?=\s|$)", text), "an exclamation mark"


def test_equations_are_numbered_and_found(path):
    text = prose(path)
    labels = re.findall(r"\$\$ \(([\w-]+)\)", text)
    assert len(labels) == len(set(labels)) >= 5
    assert set(re.findall(r"\{eq\}`([\w-]+)`", text)) <= set(labels)


def test_citations_are_in_the_bibliography(path):
    cited = set(re.findall(r"\{cite:[pt]\}`([^`]+)`", prose(path)))
    known = set(re.findall(r"@\w+\{(\w+),", (ROOT / "book/references.bib").read_text()))
    assert cited
    assert cited <= known


def test_numbers_glued_are_the_numbers_inserted(path):
    inserted = set(re.findall(r"\{glue:\w+\}`([^`]+)`", prose(path)))
    glued = {
        o.metadata["scrapbook"]["name"]
        for _, o in outputs(path)
        if "scrapbook" in o.get("metadata", {})
    }
    assert inserted == glued


def test_claims_carry_numbers_an_interval_and_a_verdict(path):
    records = claims_of(path)
    ids = [r["id"] for r in records]
    assert len(ids) == len(set(ids)) >= 3
    for record in records:
        assert record["verdict"] in VERDICTS, record["id"]
        assert record["low"] <= record["estimate"] <= record["high"], record["id"]
        assert record["rule"] != "A" or record["n"] >= 5, record["id"]
        assert record["items"], record["id"]


def test_misconceptions_are_followed_by_a_check_that_runs(path):
    found = cells(path)
    boxes = [
        k
        for k, c in enumerate(found)
        if c.cell_type == "markdown" and ":class: misconception" in c.source
    ]
    assert boxes
    for k in boxes:
        assert found[k + 1].cell_type == "code", found[k].source[:80]
        assert found[k + 1].outputs, found[k].source[:80]


def test_every_picture_states_its_finding_and_is_not_compared(path):
    live = 0
    for cell, output in outputs(path):
        data = output.get("data", {})
        if not {"image/png", "image/svg+xml"} & data.keys():
            continue
        assert "nbval-ignore-output" in cell.metadata.get("tags", []), cell.id
        assert re.search(r"(alt|caption)=", cell.source), cell.id
        live += "<script" in data.get("text/html", "")
    assert live >= 2


def test_no_machine_or_person_is_named(path):
    text = path.read_text(encoding="utf-8")
    home = str(Path.home())
    assert home == "/" or home not in json.dumps(json.loads(text)["metadata"])
    assert not re.search(r"/(home|root|Users|work)/\w", text)
