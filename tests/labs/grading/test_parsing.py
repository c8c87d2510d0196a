"""Text that would take the coordinator for ever, or much memory, if it were believed.

Sizes are such that a pattern whose time grows with the square takes minutes here.
"""

import json

import pytest
from grading_notebooks import LAB, bare, code, submission

from coursekit.labs import lab
from coursekit.labs.grading.folder import Found
from coursekit.labs.grading.submission import MAX_NESTED, Cell, read
from coursekit.labs.grading.view import harmless

N = 4 * 10**5
REPEATED = ("\n", " ", "[", "[\n", "]", "] ", "](", "\\[", "<", "`", "[a]\n", "$")


@pytest.fixture
def look(tmp_path):
    """A function that reads what one student handed in, given as bytes or objects."""

    def run(content, name="mallory"):
        path = tmp_path / f"{name}.ipynb"
        data = content if isinstance(content, bytes) else json.dumps(content).encode()
        path.write_bytes(data)
        return read(Found(name, path), lab(LAB), tmp_path)

    return run


@pytest.mark.parametrize("piece", REPEATED, ids=repr)
def test_repeated_characters_take_no_time(look, piece):
    text = "x" + piece * N
    assert look(bare(text)).status == "wrong lab"
    assert len(harmless(text)) >= len(text)


@pytest.mark.parametrize("nested", ["[],", "{},", "[" * 10 + "]" * 10 + ","])
def test_many_small_containers_are_refused_before_they_are_parsed(look, nested):
    filled = (nested * (MAX_NESTED // nested.count(nested[0]) + 1))[:-1]
    data = f'{{"cells": [{{"source": ""}}], "metadata": {{"x": [{filled}]}}}}'
    said = look(data.encode())
    assert said.status == "corrupt"
    assert "Clear its outputs" in said.problem


@pytest.mark.parametrize("value", [3, None, ["code"], {"a": [1]}, "x" * 10_000])
def test_names_that_are_none_are_passed_over(look, value):
    notebook = submission()
    odd = {**code("x = 1"), "cell_type": value, "id": value}
    odd["metadata"] = {"nbgrader": {"grade_id": value}}
    notebook["cells"].append(odd)
    read_ = look(notebook)
    assert read_.status == ""
    assert read_.cells[-1] == Cell("none", "x = 1")
    assert len(read_.cells) == len(notebook["cells"])


def test_a_cell_of_ten_megabytes_and_a_hundred_thousand_cells_are_named(look):
    assert "more text" in look(bare("x" * 10**7)).problem
    cells = [{"cell_type": "code", "source": "x"}] * 10**5
    assert "2000 cells" in look({"cells": cells}).problem
