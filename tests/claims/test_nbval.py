"""A stored notebook passes when a run confirms it and fails when it does not."""

import copy
import os
import subprocess
import sys
from pathlib import Path

import pytest

nbformat = pytest.importorskip("nbformat")
pytest.importorskip("nbval")
pytest.importorskip("ipykernel")
nbclient = pytest.importorskip("nbclient")

ROOT = Path(__file__).parents[2]
CLAIM = """\
claim_directional('E-0', 'lower', treatment=[.50, .61, .55, .52, .60],
                  control=[1, 1.2, 1.1, 1, 1.2], direction='less')"""
FIRST = """\
import sys
from coursekit.claims import claim_directional, glue_number
print('noise', file=sys.stderr)"""
GLUE = "glue_number('factor', 0.7071, '.2f')"


@pytest.fixture(scope="module")
def executed():
    cells = [FIRST, CLAIM, CLAIM, CLAIM, CLAIM, GLUE, "object()"]
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(source) for source in cells],
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}},
    )
    nbclient.NotebookClient(notebook, timeout=60).execute()
    return notebook


def nbval(notebook, folder):
    path = folder / "page.ipynb"
    nbformat.write(notebook, path)
    # where CI is set, pytest writes every failure twice
    environment = {
        k: v for k, v in os.environ.items() if k not in ("CI", "BUILD_NUMBER")
    }
    # the page lies outside the repository, so the repository's conftest is named
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q"]
    command += ["-c", str(ROOT / "pyproject.toml"), "--rootdir", str(ROOT)]
    command += ["-p", "conftest", "--nbval", "--nbval-current-env", str(path)]
    run = subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=120,
        cwd=ROOT,
        env={**environment, "PYTHONPATH": str(ROOT)},
        check=False,
    )
    return run.stdout + run.stderr


def edited(notebook, changes):
    notebook = copy.deepcopy(notebook)
    for number, (old, new) in changes.items():
        cell = nbformat.writes(nbformat.v4.new_notebook(cells=[notebook.cells[number]]))
        assert old in cell
        changed = nbformat.reads(cell.replace(old, new), as_version=4)
        notebook.cells[number] = changed.cells[0]
    return notebook


def test_an_unchanged_notebook_passes(executed, tmp_path):
    log = nbval(executed, tmp_path)
    assert "7 passed" in log, log


def test_the_noise_of_another_machine_passes(executed, tmp_path):
    log = nbval(
        edited(
            executed,
            {
                0: ("print('noise'", "print('other noise'"),
                1: (".55, .52", ".5502, .52"),
                5: ("0.7071", "0.7151"),
            },
        ),
        tmp_path,
    )
    assert "7 passed" in log, log


def test_a_changed_number_fails(executed, tmp_path):
    log = nbval(
        edited(
            executed,
            {
                1: (".55, .52", ".75, .52"),  # another measurement
                2: ("direction='less'", "direction='greater'"),  # another verdict
                3: ("−0.544", "−0.111"),  # text that the record does not give
                4: ('"estimate": -0.544', '"estimate": -0.444'),  # another record
                5: ("0.7071", "0.7371"),  # another glued number
            },
        ),
        tmp_path,
    )
    assert "5 failed, 2 passed" in log, log
    assert log.count("Cell outputs differ") == 5, log
