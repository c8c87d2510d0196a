import json
import os

import pytest
from grading_notebooks import LAB, bare, released, submission

from coursekit.labs import lab
from coursekit.labs.grading.folder import Found, find, printable, slug
from coursekit.labs.grading.submission import read


def look(path):
    return read(Found(path.stem, path), lab(LAB), path.parent)


@pytest.mark.parametrize(
    "content",
    [
        b"", b"   \n", b"{", b"\xff\xfe", b"null", b"3", b'"text"', b"[]", b"{}",
        b'{"cells": 3}', b'{"cells": [3]}', b'{"cells": [{"source": 3}]}',
        b'{"cells": [{"source": [1]}]}', b'{"worksheets": [3]}',
        b"[" * 200_000, b'{"cells":' * 100_000, b"1" * 10_000,
        json.dumps({"cells": [{"cell_type": "code", "source": "x"}] * 2001}).encode(),
        json.dumps({"cells": [{"source": "x" * (2**21 + 1)}]}).encode(),
    ],
)  # fmt: skip
def test_what_is_no_notebook_is_corrupt(tmp_path, content):
    path = tmp_path / "a.ipynb"
    path.write_bytes(content)
    submission = look(path)
    assert submission.status == "corrupt"
    assert submission.problem.endswith(".")


def test_a_large_file_is_not_read_whole(tmp_path):
    path = tmp_path / "a.ipynb"
    with open(path, "wb") as file:
        file.truncate(2**30)
    assert "larger than 20 MB" in look(path).problem


@pytest.mark.parametrize("kind", ["link", "linked folder", "pipe", "folder", "secret"])
def test_what_is_no_plain_file_is_not_opened(tmp_path, kind):
    root = tmp_path / "submissions"
    root.mkdir()
    target = tmp_path / "target.ipynb"
    target.write_text(json.dumps(submission()), encoding="utf-8")
    path = root / "a.ipynb"
    if kind == "link":
        path.symlink_to(target)
    elif kind == "linked folder":
        (root / "a").symlink_to(tmp_path, target_is_directory=True)
        path = root / "a" / "target.ipynb"
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    else:
        path.symlink_to("/etc/passwd")
    assert read(Found("a", path), lab(LAB), root).status == "corrupt"


def test_a_notebook_of_another_lab_is_told(tmp_path):
    path = tmp_path / "a.ipynb"
    path.write_text(json.dumps(bare("def adam_step(): pass")), encoding="utf-8")
    assert look(path).status == "wrong lab"


@pytest.mark.parametrize(
    "notebook",
    [released(), bare("def he_std(s, m, a): return 1"), bare(), bare("he_std = abs")],
)
def test_a_notebook_of_this_lab_is_read(tmp_path, notebook):
    path = tmp_path / "a.ipynb"
    path.write_text(json.dumps(notebook), encoding="utf-8")
    assert look(path).status == ""


def test_the_written_answer_is_found_by_its_marks(tmp_path):
    path = tmp_path / "a.ipynb"
    for lost in ((), ("nbgrader",)):
        notebook = submission(written="Because.")
        for cell in notebook["cells"]:
            for key in lost:
                cell["metadata"].pop(key, None)
        path.write_text(json.dumps(notebook), encoding="utf-8")
        assert look(path).text("explain_flat_gradients") == "Because."


def test_both_layouts_are_found_and_nothing_is_passed_over_in_silence(tmp_path):
    for name in ("a.ipynb", ".hidden.ipynb", "notes.pdf"):
        (tmp_path / name).write_text("{}", encoding="utf-8")
    for folder, name in (("b", LAB), ("c", "own name")):
        (tmp_path / folder / LAB).mkdir(parents=True)
        (tmp_path / folder / LAB / f"{name}.ipynb").write_text("{}", encoding="utf-8")
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / f"{LAB}.ipynb").write_text("{}", encoding="utf-8")
    found, ignored = find(tmp_path, LAB)
    assert [one.student for one in found] == ["a", "b", "c", "d"]
    assert all(one.path.is_file() for one in found)
    assert ignored == [".hidden.ipynb", "notes.pdf"]


@pytest.mark.parametrize("other", ["a", "A", "e\u0301", slug("\u00e9")])
def test_two_submissions_of_a_student_are_an_error(tmp_path, other):
    for name in ("a", "\u00e9"):
        (tmp_path / f"{name}.ipynb").write_text("{}", encoding="utf-8")
    (tmp_path / other).mkdir()
    with pytest.raises(ValueError, match="two submissions of"):
        find(tmp_path, LAB)


def test_an_error_shows_names_without_what_a_terminal_would_obey(tmp_path):
    name = "\x1b[2Jx\u202e"
    (tmp_path / f"{name}.ipynb").write_text("{}", encoding="utf-8")
    (tmp_path / name).mkdir()
    with pytest.raises(ValueError, match="two submissions of") as error:
        find(tmp_path, LAB)
    assert str(error.value).isprintable()


def test_an_accent_is_the_same_however_it_is_written():
    assert slug("Andre\u0301") == slug("Andr\u00e9") != slug("Andre")


def test_what_macos_and_jupyter_leave_is_no_student(tmp_path):
    for name in ("__MACOSX", ".ipynb_checkpoints"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.ipynb").write_text("{}", encoding="utf-8")
    for name in ("a.ipynb", "._a.ipynb"):
        (tmp_path / name).write_text("{}", encoding="utf-8")
    found, ignored = find(tmp_path, LAB)
    assert [one.student for one in found] == ["a"]
    assert ignored == ["._a.ipynb", "__MACOSX"]


NAMES = [
    "ada",
    "../x",
    "a/b",
    "a b",
    "é",
    "x\n",
    "\u202egnp",
    "=1+1",
    "",
    ".",
    "..",
    "-x",
]
NAMES += ["a" * 300, os.fsdecode(b"\xff\xfe"), "con\x00", "'; drop table grade;--"]


def test_slugs_are_safe_and_different():
    slugs = [slug(name) for name in NAMES]
    assert len(set(slugs)) == len(NAMES)
    for one in slugs:
        assert one == os.path.basename(one)
        assert set(one) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                               "0123456789._-")  # fmt: skip
        assert 0 < len(one) <= 60
        assert not one.startswith(".")


@pytest.mark.parametrize("name", NAMES)
def test_shown_names_are_one_line_of_utf8(name):
    shown = printable(name)
    shown.encode("utf-8")
    assert shown.isprintable()
