"""The students' notebooks are what the source gives today, and nothing more."""

import json
import re
from pathlib import Path

import nbformat
import pytest
from nbgrader.preprocessors import CheckCellMetadata
from nbgrader.utils import compute_checksum

from coursekit.labs import exercises, lab, labs
from coursekit.labs.release import main, release, release_notebook

ROOT = Path(__file__).resolve().parents[2]
SOURCE, RELEASED = ROOT / "labs" / "source", ROOT / "labs"
NAMES = [path.stem for path in sorted(SOURCE.glob("*.ipynb"))]


def read(folder, name):
    return nbformat.read(folder / f"{name}.ipynb", as_version=4)


def graded(notebook, key):
    return {
        c.metadata.nbgrader.grade_id: c
        for c in notebook.cells
        if c.metadata.get("nbgrader", {}).get(key)
    }


def test_every_lab_has_a_source_and_the_other_way_round():
    assert set(NAMES) == set(labs())


def test_make_labs_changes_nothing(tmp_path):
    for path in release(SOURCE, tmp_path):
        stored = (RELEASED / path.name).read_text(encoding="utf-8")
        assert path.read_text(encoding="utf-8") == stored, (
            f"labs/{path.name} is not what its source gives; run `make labs`"
        )
    assert len(list(tmp_path.iterdir())) == len(NAMES)


def test_an_unchanged_notebook_is_not_written_again(tmp_path):
    paths = release(SOURCE, tmp_path)
    before = [path.stat().st_mtime_ns for path in paths]
    assert main([str(SOURCE), str(tmp_path)]) == 0
    assert [path.stat().st_mtime_ns for path in paths] == before


def test_a_folder_without_notebooks_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError, match="labs/source"):
        release(tmp_path, tmp_path / "out")


@pytest.mark.parametrize("name", NAMES)
def test_no_solution_and_no_note_is_left(name):
    text = (RELEASED / f"{name}.ipynb").read_text(encoding="utf-8")
    for secret in ("SOLUTION", "MARK", "arking guide", "instructor", "lab:"):
        assert secret not in text
    source, released = read(SOURCE, name), read(RELEASED, name)
    kept = {cell.id: cell.source for cell in released.cells}
    for grade_id, cell in graded(source, "solution").items():
        assert kept[cell.id] != cell.source, grade_id
        for line in cell.source.splitlines()[3:]:
            assert line.strip() not in kept[cell.id] or len(line.strip()) < 12
    assert not any(cell.get("outputs") for cell in released.cells)
    assert all(cell.get("execution_count") is None for cell in released.cells)


@pytest.mark.parametrize("name", NAMES)
def test_stubs_raise_and_keep_the_signature(name):
    answers = graded(read(RELEASED, name), "solution")
    for exercise in lab(name).exercises:
        source = answers[exercise.name].source
        assert f"def {exercise.signature}:" in source
        assert "raise NotImplementedError" in source
        space: dict = {}
        exec(source, space)
        with pytest.raises(NotImplementedError):
            space[exercise.name](*[None] * exercise.signature.count(",") + [None])


@pytest.mark.parametrize("name", NAMES)
def test_points_and_ids_agree_with_the_registry(name):
    graded_cells = graded(read(RELEASED, name), "grade")
    expected = {f"check_{e.name}": e.points for e in lab(name).exercises}
    expected |= {w.name: w.points for w in lab(name).written}
    found = {k: c.metadata.nbgrader.points for k, c in graded_cells.items()}
    assert found == expected
    assert sum(found.values()) == lab(name).points
    for exercise in lab(name).exercises:
        cell = graded_cells[f"check_{exercise.name}"]
        assert cell.source == f'check("{exercise.name}", {exercise.name})'
        assert cell.metadata.nbgrader.locked
        assert cell.metadata.editable is False


@pytest.mark.parametrize("name", NAMES)
def test_nbgrader_accepts_the_metadata(name):
    released = read(RELEASED, name)
    nbformat.validate(released)
    CheckCellMetadata().preprocess(released, {})
    for cell in released.cells:
        if "nbgrader" in cell.metadata:
            assert cell.metadata.nbgrader.checksum == compute_checksum(cell)


@pytest.mark.parametrize("name", NAMES)
def test_ids_are_chosen_by_people_and_unique(name):
    ids = [cell.id for cell in read(SOURCE, name).cells]
    assert len(set(ids)) == len(ids)
    assert all("-" in i or i.isalpha() for i in ids)


@pytest.mark.parametrize("name", NAMES)
def test_hints_and_equations_of_every_exercise_are_in_the_notebook(name):
    text = "\n".join(cell.source for cell in read(RELEASED, name).cells)
    for exercise in lab(name).exercises:
        assert text.count("<summary>") >= len(exercise.hints)
        assert all(hint.text in text for hint in exercise.hints)
        assert f"{exercise.minutes} minutes" in text
    assert "\\tag{1}" in text


def test_the_equations_of_docstring_and_check_have_the_same_numbers():
    from importlib import import_module

    for exercise in exercises().values():
        doc = import_module(f"coursekit.labs.tasks.{exercise.name}").__doc__
        assert [f"({i})" for i in range(1, doc.count("\\tag{") + 1)] == list(
            exercise.equations
        )


@pytest.mark.parametrize("name", NAMES)
def test_the_lab_fits_a_session_and_instructors_are_told_how_long(name):
    one = lab(name)
    graded_minutes = sum(e.minutes for e in one.exercises)
    graded_minutes += sum(w.minutes for w in one.written)
    text = "\n".join(cell.source for cell in read(RELEASED, name).cells)
    [last] = re.findall(r"\*(\d+) minutes · [^*]*not graded\*", text)
    assert 45 <= graded_minutes <= 80
    assert 60 <= graded_minutes + int(last) <= 90
    page = (ROOT / "book" / "instructors.md").read_text(encoding="utf-8")
    assert f"(../labs/{name}.ipynb) | {graded_minutes + int(last)} |" in page


def test_the_source_stores_the_outputs_of_passed_checks():
    for name in NAMES:
        for cell in graded(read(SOURCE, name), "grade").values():
            if cell.cell_type == "code":
                assert "✓" in json.dumps(cell.outputs, ensure_ascii=False)


def test_an_unknown_directive_is_an_error():
    one = lab("11_initialization")
    bad = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_markdown_cell("<!-- lab:solution he_std -->")]
    )
    with pytest.raises(ValueError, match="is no directive"):
        release_notebook(bad, one)


def test_releasing_leaves_the_source_alone():
    source = read(SOURCE, "11_initialization")
    before = json.dumps(source)
    release_notebook(source, lab("11_initialization"))
    assert json.dumps(source) == before
