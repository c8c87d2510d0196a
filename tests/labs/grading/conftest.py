"""Fixtures for the tests of the grader."""

import json
import shutil
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))


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
