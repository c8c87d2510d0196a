"""Fixtures for the tests of the grader."""

import json
import shutil
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from attacks import LIMITS, assert_nothing_left
from grading_notebooks import LAB

from coursekit.labs import lab
from coursekit.labs.grading.examine import examine
from coursekit.labs.grading.folder import Found
from coursekit.labs.grading.pool import Pool
from coursekit.labs.grading.submission import read


def pytest_collection_modifyitems(items):
    if shutil.which("bwrap"):
        return
    skip = pytest.mark.skip(reason="bubblewrap (bwrap) is not installed")
    for item in items:
        if item.get_closest_marker("sandbox"):
            item.add_marker(skip)


@pytest.fixture
def folder(tmp_path):
    """A folder of submissions, and a function that fills it."""
    path = tmp_path / "submissions"
    path.mkdir()

    def put(**notebooks):
        for name, notebook in notebooks.items():
            text = notebook if isinstance(notebook, str) else json.dumps(notebook)
            (path / f"{name}.ipynb").write_text(text, encoding="utf-8")
        return path

    return put


@pytest.fixture(scope="session")
def supply():
    """The warm pool; one zygote for all attacks, as for a class."""
    pool = Pool()
    yield pool
    pool.close()


@pytest.fixture
def outcome(tmp_path, supply):
    """A function that grades one notebook, and looks for what it left."""

    def run(notebook, limits=LIMITS):
        path = tmp_path / "mallory.ipynb"
        path.write_text(json.dumps(notebook), encoding="utf-8")
        found = read(Found("mallory", path), lab(LAB), tmp_path)
        result = examine(found, lab(LAB), b"s" * 32, limits, supply)
        assert_nothing_left(supply)
        return result

    return run
