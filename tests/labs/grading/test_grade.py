"""A folder of submissions, graded once by the real sandbox, and what came of each."""

import csv
import ctypes
import dataclasses
import json
import os
import sqlite3

import pytest
from attacks import control_groups, named, processes
from grading_notebooks import LAB, QUESTIONS, bare, released, solutions, submission

from coursekit.labs import lab, registry
from coursekit.labs.grading.folder import slug
from coursekit.labs.grading.gradebook import Gradebook
from coursekit.labs.grading.limits import Limits
from coursekit.labs.grading.run import grade

pytest.importorskip("nbgrader")
pytestmark = pytest.mark.sandbox

BEFORE = set()  # processes of other tests
LIMITS = Limits(question=6, cell=6, submission=60)
VARIANCE = "def he_std(shape, mode, a):\n    return _he(shape, mode, a) ** 2"
ODD = 'o\'brien "é" <b>x<i>\n=1'
FULL = {name: lab(LAB).exercises[i].points for i, name in enumerate(QUESTIONS)}


def renamed(name, new):
    return solutions()[name].replace(f"def {name}(", f"def {new}(")


def colab():
    """Give a notebook as Colab may leave it: no ids, a cell twice, installs."""
    notebook = submission()
    for cell in notebook["cells"]:
        cell["metadata"] = {"id": "xyz"}
        cell.pop("id", None)
    first = next(i for i, c in enumerate(notebook["cells"]) if c["cell_type"] == "code")
    install = "!pip install -q coursekit\nfrom google.colab import drive"
    notebook["cells"].insert(first, bare(install)["cells"][0])
    stub = "def zero_last(res_model):\n    raise NotImplementedError"
    notebook["cells"].append(bare(stub)["cells"][0])
    return notebook


def edited_checks():
    notebook = submission({"he_std": "def he_std(shape, mode, a):\n    return 1.0"})
    for cell in notebook["cells"]:
        if cell["metadata"].get("nbgrader", {}).get("grade_id") == "check_he_std":
            cell["source"] = "check = lambda *a: print('4 of 4 points')\ncheck()"
            cell["metadata"]["nbgrader"]["points"] = 400
    return notebook


NOTEBOOKS = {
    "right": submission(),
    "partly": submission({"he_std": renamed("he_std", "_he") + "\n\n" + VARIANCE}),
    "unanswered": released(),
    "bare": {"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5},
    "colab": colab(),
    "format3": {
        "worksheets": [
            {
                "cells": [
                    {"cell_type": "code", "input": s, "language": "py"}
                    for s in (
                        "import math, torch\nfrom torch import nn\n"
                        "from torch.nn.functional import *",
                        *solutions().values(),
                    )
                ]
            }
        ],
        "metadata": {},
        "nbformat": 3,
        "nbformat_minor": 0,
    },
    "edited-checks": edited_checks(),
    "looping": submission({
        "he_std": "def he_std(shape, mode, a):\n"
        "    while True:\n        try:\n            while True: pass\n"
        "        except BaseException: pass"
    }),
    "looping-cell": submission(first="while True: pass"),
    "failing-cell": submission(first="1 / 0", last="undefined_name"),
    "unused-error": submission({"he_std": "def he_std(:"}),
    "greedy": submission({
        "symmetry_rank": "def symmetry_rank(W):\n    return torch.ones(2**33).sum()"
    }),
    "exits": submission({"zero_last": "import os\ndef zero_last(m): os._exit(0)"}),
    "polite-exit": submission({"zero_last": "def zero_last(m): raise SystemExit(0)"}),
    "other-lab": bare("def adam_step(state, g):\n    return g"),
    "not-json": "{",
    "nothing": "",
    "no-cells": "[]",
    ODD: submission(),
}
POINTS = {
    "right": 21, "partly": 17, "unanswered": 0, "bare": 0, "colab": 21, "format3": 21,
    "edited-checks": 17, "looping": 17, "looping-cell": 21, "failing-cell": 21,
    "unused-error": 17, "greedy": 17, "exits": 17, "polite-exit": 17, "other-lab": 0,
    "not-json": 0, "nothing": 0, "no-cells": 0, ODD: 21, "linked": 0, "pipe": 0,
    "folder": 0, "layout": 21,
}  # fmt: skip
STATUSES = {
    "unanswered": "missing answers", "bare": "missing answers", "looping": "timeout",
    "unused-error": "missing answers", "greedy": "out of memory", "exits": "killed",
    "other-lab": "wrong lab", "not-json": "corrupt", "nothing": "corrupt",
    "no-cells": "corrupt", "linked": "corrupt", "pipe": "corrupt", "folder": "corrupt",
}  # fmt: skip


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """Grade all notebooks once."""
    ctypes.CDLL(None).prctl(36, 1)  # PR_SET_CHILD_SUBREAPER: orphans come to us
    BEFORE.update(processes(os.getpid()))
    root = tmp_path_factory.mktemp("course")
    folder = root / "submissions"
    folder.mkdir()
    for name, notebook in NOTEBOOKS.items():
        text = notebook if isinstance(notebook, str) else json.dumps(notebook)
        (folder / f"{name}.ipynb").write_text(text, encoding="utf-8")
    (folder / "linked.ipynb").symlink_to(folder / "right.ipynb")
    os.mkfifo(folder / "pipe.ipynb")
    (folder / "folder").mkdir()
    (folder / "layout" / LAB).mkdir(parents=True)
    path = folder / "layout" / LAB / f"{LAB}.ipynb"
    path.write_text(json.dumps(submission()), encoding="utf-8")
    (folder / "notes.txt").write_text("not a notebook", encoding="utf-8")
    report = grade(
        LAB, folder, root / "out", secret=root / "secret", limits=LIMITS, progress=False
    )
    return root, report


def outcomes(root):
    book = Gradebook(f"sqlite:///{root / 'out' / 'gradebook.db'}", lab(LAB))
    found = {outcome.student: outcome for _, outcome in book.graded()}
    book.close()
    return found


@pytest.mark.parametrize("name", POINTS)
def test_every_submission_ends_as_it_should(course, name):
    outcome = outcomes(course[0])[name]
    told = [(q.name, q.kind, q.sentences) for q in outcome.questions], outcome.cells
    assert outcome.points == POINTS[name], told
    assert outcome.status == STATUSES.get(name, "ok"), told


def test_every_file_is_accounted_for(course):
    _, report = course
    assert report.graded == len(POINTS) == sum(report.statuses.values())
    assert report.ignored == ["notes.txt"]
    assert report.left == 0


def test_a_loop_costs_only_its_own_question(course):
    questions = {q.name: q for q in outcomes(course[0])["looping"].questions}
    assert questions["he_std"].kind == "timeout"
    for name in QUESTIONS[1:]:
        assert questions[name].points == FULL[name]


def test_a_wrong_answer_is_diagnosed(course):
    question = outcomes(course[0])["partly"].questions[0]
    assert question.diagnosis == "returns_variance"
    assert "variance" in question.sentences[0]
    assert question.parts == {"linear": (0, 2), "convolution": (0, 1), "leaky": (0, 1)}


def test_cells_that_fail_are_reported_and_cost_nothing(course):
    found = outcomes(course[0])
    assert "ZeroDivisionError" in found["failing-cell"].cells[0]
    assert "did not end in time" in found["looping-cell"].cells[0]
    assert any("SyntaxError" in said for said in found["unused-error"].cells)


def test_the_table_has_a_line_for_each(course):
    with open(course[0] / "out" / "grades.csv", encoding="utf-8", newline="") as file:
        rows = {row["student"]: row for row in csv.DictReader(file)}
    assert len(rows) == len(POINTS)
    assert rows["right"] == {
        "student": "right", "status": "ok", "he_std": "4", "glorot_std": "3",
        "forward_backward_std": "6", "symmetry_rank": "4", "zero_last": "4",
        "explain_flat_gradients": "", "total": "21", "max": "26",
        "needs_manual_grading": "explain_flat_gradients",
    }  # fmt: skip
    assert rows["unanswered"]["needs_manual_grading"] == ""
    assert rows['o\'brien "é" <b>x<i>?=1']["total"] == "21"


def test_every_student_gets_a_page_and_no_page_carries_markup_of_theirs(course):
    folder = course[0] / "out" / "feedback"
    assert {path.stem for path in folder.iterdir()} == {slug(name) for name in POINTS}
    page = (folder / f"{slug(ODD)}.html").read_text(encoding="utf-8")
    assert "<b>x" not in page
    assert "&lt;b&gt;x" in page


def test_nbgrader_reads_its_gradebook(course):
    from nbgrader.api import Gradebook as Nbgrader

    url = f"sqlite:///{course[0] / 'out' / 'gradebook.db'}"
    with Nbgrader(url) as book:
        right = book.find_submission(LAB, "right")
        assert (right.score, right.max_score) == (21, 26)
        assert (right.code_score, right.written_score) == (21, 0)
        assert right.needs_manual_grade
        assert not book.find_submission(LAB, "unanswered").needs_manual_grade
        grade_ = book.find_grade("check_he_std", LAB, LAB, "partly")
        assert (grade_.auto_score, grade_.failed_tests) == (0, True)
        comment = book.find_comment("he_std", LAB, LAB, "partly")
        assert "variance" in comment.auto_comment
        assert len(book.students) == len(POINTS)


def test_the_copies_for_formgrader_carry_marks_and_no_markup(course):
    import nbformat

    for name in ("right", "bare", "colab"):
        path = course[0] / "out" / "autograded" / name / LAB / f"{LAB}.ipynb"
        notebook = nbformat.read(path, as_version=4)
        nbformat.validate(notebook)
        marks = [
            c.metadata.nbgrader for c in notebook.cells if "nbgrader" in c.metadata
        ]
        graded = [mark.grade_id for mark in marks if mark.grade]
        wanted = [f"check_{q}" for q in QUESTIONS] + ["explain_flat_gradients"]
        assert sorted(graded) == sorted(wanted)


def test_the_secret_is_in_no_file_of_the_output(course):
    secret = (course[0] / "secret").read_bytes().strip()
    assert len(secret) == 64
    assert (course[0] / "secret").stat().st_mode & 0o077 == 0
    for path in (course[0] / "out").rglob("*"):
        if path.is_file():
            assert secret not in path.read_bytes(), path
            assert bytes.fromhex(secret.decode()) not in path.read_bytes(), path


def test_nothing_is_left_behind(course):
    left = named(processes(os.getpid()) - BEFORE, "grading.worker", "grading.zygote")
    assert left == []
    assert control_groups(os.getpid()) == []
    assert not list((course[0] / "out").rglob("*.new"))
    handed_in = course[0] / "submissions"
    assert len(list(handed_in.iterdir())) == len(POINTS) + 1
    for name, notebook in NOTEBOOKS.items():
        text = notebook if isinstance(notebook, str) else json.dumps(notebook)
        assert (handed_in / f"{name}.ipynb").read_text(encoding="utf-8") == text


def rows_of(root):
    with sqlite3.connect(root / "out" / "gradebook.db") as connection:
        return connection.execute("select count(*) from grade").fetchone()[0]


def test_a_second_run_keeps_what_is_graded_and_what_a_person_gave(course):
    root, first = course
    from nbgrader.api import Gradebook as Nbgrader

    before = rows_of(root)
    with Nbgrader(f"sqlite:///{root / 'out' / 'gradebook.db'}") as book:
        given = book.find_grade("explain_flat_gradients", LAB, LAB, "right")
        given.manual_score, given.needs_manual_grade = 4.5, False
        comment = book.find_comment("explain_flat_gradients", LAB, LAB, "right")
        comment.manual_comment = "Well <put>."
        book.db.commit()
    again = grade(
        LAB, root / "submissions", root / "out", secret=root / "secret", limits=LIMITS,
        progress=False,
    )  # fmt: skip
    assert (again.graded, again.kept) == (0, first.graded)
    assert rows_of(root) == before
    assert "submissions were graded" in (root / "out" / "report.html").read_text(
        "utf-8"
    )
    page = (root / "out" / "feedback" / "right.html").read_text(encoding="utf-8")
    assert "25.5 of 26 points" in page
    assert "Well &lt;put&gt;." in page
    table = (root / "out" / "grades.csv").read_text(encoding="utf-8")
    assert "right,ok,4,3,6,4,4,4.5,25.5,26,\n" in table


def test_a_resubmission_replaces_the_first(tmp_path, folder):
    where = {"secret": tmp_path / "secret", "limits": LIMITS, "progress": False}
    path = folder(eve=released())
    grade(LAB, path, tmp_path / "out", **where)
    report = grade(LAB, folder(eve=submission()), tmp_path / "out", **where)
    assert report.graded == 1
    assert report.statuses == {"ok": 1}
    table = (tmp_path / "out" / "grades.csv").read_text(encoding="utf-8")
    assert table.count("eve") == 1
    assert "eve,ok,4,3,6,4,4,,21,26,explain_flat_gradients" in table


def test_one_question_is_graded_anew_and_the_others_stay(tmp_path, folder, monkeypatch):
    where = {"secret": tmp_path / "secret", "limits": LIMITS, "progress": False}
    wrong = {"he_std": "def he_std(shape, mode, a):\n    return 1.0"}
    path = folder(ada=submission(), bob=submission(wrong))
    grade(LAB, path, tmp_path / "out", **where)
    before = outcomes(tmp_path)
    lenient = [
        dataclasses.replace(e, compare=lambda case, got, expected: None)
        for e in lab(LAB).exercises
    ]
    mended = dataclasses.replace(lab(LAB), exercises=tuple(lenient))
    monkeypatch.setattr(registry, "labs", lambda: {LAB: mended})
    report = grade(LAB, path, tmp_path / "out", only=["he_std"], **where)
    assert (report.graded, report.kept) == (2, 0)
    after = outcomes(tmp_path)
    points = {n: [q.points for q in o.questions] for n, o in after.items()}
    assert points == {"ada": [4, 3, 6, 4, 4, None], "bob": [4, 3, 6, 4, 4, None]}
    assert before["bob"].questions[0].points == 0
    assert after["bob"].questions[1:] == before["bob"].questions[1:]
    assert "bob,ok,4,3,6,4,4" in (tmp_path / "out" / "grades.csv").read_text("utf-8")


def test_a_question_that_the_lab_does_not_have_is_refused(tmp_path, folder):
    with pytest.raises(ValueError, match="no question"):
        grade(LAB, folder(), tmp_path / "out", only=["he"], progress=False)
