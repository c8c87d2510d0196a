import csv
import dataclasses
import re
import sqlite3

import pytest
from grading_notebooks import LAB

from coursekit.labs import lab
from coursekit.labs.grading.cgroup import Cgroup
from coursekit.labs.grading.feedback import page
from coursekit.labs.grading.gradebook import Entry, Gradebook, check_cell
from coursekit.labs.grading.outcome import STATUSES, Outcome, Question, status
from coursekit.labs.grading.seccomp import program
from coursekit.labs.grading.secret import draw, load
from coursekit.labs.grading.submission import Cell, Submission
from coursekit.labs.grading.table import write_table
from coursekit.labs.grading.view import harmless, write_view

TRICKS = (
    "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "<!-- x -->",
    "[a](javascript:alert(1))", "[a] ( javascript:alert(1) )", "[a](\tjava\nscript:x)",
    "[a](java&#115;cript:x)", "![a](data:text/html,x)", "[a][b]\n\n[b]: javascript:x",
    "<javascript:alert(1)>", "[a](<javascript:x>)", "[a](../../secret)",
)  # fmt: skip
EVIL = "<script>alert(1)</script>\"'&\n"


def outcome(student="ada", **changes):
    exercises = [
        Question(
            e.name, e.title, 1.0, e.points, "wrong",
            parts=dict.fromkeys(e.parts, (0.5, 1.0)), sentences=(f"See `x`. {EVIL}",),
            line="(1)", equation="a < b", diagnosis="mutant",
        )
        for e in lab(LAB).exercises
    ]  # fmt: skip
    written = [
        Question(w.name, w.title, None, w.points, "open", written=True)
        for w in lab(LAB).written
    ]
    one = Outcome(
        student, student, LAB, "ok", "00", questions=(*exercises, *written),
        cells=(f"Code cell 1 stops: {EVIL}",),
    )  # fmt: skip
    return dataclasses.replace(one, **changes)


def entries(one):
    return {
        check_cell(q): Entry(q.points, q.points is None, EVIL) for q in one.questions
    }


def test_an_outcome_survives_the_database():
    assert Outcome.from_json(outcome().to_json()) == outcome()


def test_every_status_can_be_told():
    for kind in ("violation", "killed", "memory", "timeout", "check failed", "missing"):
        assert status(["passed", kind]) in STATUSES
    assert status(["passed", "wrong", "raised", "open"]) == "ok"


def test_a_page_escapes_what_it_is_given():
    one = outcome(student=EVIL)
    text = page(one, "Title", entries(one))
    assert "<script" not in text
    assert "alert(1)" in text
    assert "default-src 'none'" in text
    assert "http" not in text.replace("http-equiv", "")
    assert "<code>x</code>" in text
    assert "a &lt; b" in text
    assert '<html lang="en">' in text
    assert "prefers-color-scheme: dark" in text


def test_a_problem_is_told_instead_of_questions():
    one = outcome(status="corrupt", problem="The file is empty.")
    text = page(one, "Title", entries(one))
    assert "The file is empty." in text
    assert "Questions and points" in text
    assert "Look at" not in text


@pytest.mark.parametrize("name", ["=cmd()", "+1", "-x", "@x", "a,b", 'a"b', "a\nb"])
def test_a_table_has_a_row_for_any_name_and_runs_nothing(tmp_path, name):
    one = outcome(student=name, slug="s")
    write_table(tmp_path / "t.csv", lab(LAB), [one], {"s": entries(one)})
    with open(tmp_path / "t.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    assert len(rows) == 2
    assert len(rows[0]) == len(rows[1])
    assert rows[1][0][0] not in "=+-@"


def count(path, table):
    with sqlite3.connect(path) as connection:
        return connection.execute(f"select count(*) from {table}").fetchone()[0]


@pytest.fixture
def book(tmp_path):
    pytest.importorskip("nbgrader")
    book = Gradebook(f"sqlite:///{tmp_path / 'g.db'}", lab(LAB))
    yield book
    book.close()


TABLES = ("student", "submitted_assignment", "grade", "comment", "coursekit_outcome")


def test_a_record_that_fails_leaves_nothing(book, tmp_path, monkeypatch):
    monkeypatch.setattr(Outcome, "to_json", lambda self: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        book.record(outcome(), "k")
    assert [count(tmp_path / "g.db", table) for table in TABLES] == [0] * len(TABLES)


def test_a_record_written_twice_is_there_once(book, tmp_path):
    book.record(outcome(), "k")
    before = [count(tmp_path / "g.db", table) for table in TABLES]
    book.record(outcome(), "other")
    assert [count(tmp_path / "g.db", table) for table in TABLES] == before
    assert list(book.graded()) == [("other", outcome())]


def test_a_persons_score_outlives_a_regrade_and_is_looked_at_again(book):
    book.record(outcome(), "k")
    grade = book.book.find_grade("check_he_std", LAB, LAB, "ada")
    grade.manual_score, grade.needs_manual_grade = 3.0, False
    book.book.db.commit()
    book.record(outcome(), "other")
    assert book.entries()["ada"]["check_he_std"] == Entry(3, True)


def test_the_secret_decides_the_cases(tmp_path):
    one, two = load(tmp_path / "one"), load(tmp_path / "two")
    assert one != two
    assert load(tmp_path / "one") == one
    exercise = lab(LAB).exercises[0]
    told = [
        [case.says for case in exercise.cases(draw(secret, LAB, exercise.name), False)]
        for secret in (one, one, two)
    ]
    assert told[0] == told[1] != told[2]


def test_a_short_secret_is_refused(tmp_path):
    path = tmp_path / "secret"
    path.write_text("short", encoding="ascii")
    path.chmod(0o600)
    with pytest.raises(ValueError, match="5 characters"):
        load(path)


def run(code, architecture, number, argument=0):
    """Run a filter as the kernel would: classic BPF on one system call."""
    import struct

    data = struct.pack("<IIQ6Q", number, architecture, 0, argument, 0, 0, 0, 0, 0)
    steps = [struct.unpack_from("HBBI", code, i) for i in range(0, len(code), 8)]
    at = accumulator = 0
    while True:
        kind, yes, no, k = steps[at]
        at += 1
        if kind == 0x20:
            accumulator = struct.unpack_from("<I", data, k)[0]
        elif kind == 0x06:
            return k
        else:
            true = {
                0x15: accumulator == k, 0x35: accumulator >= k, 0x45: accumulator & k
            }[kind]  # fmt: skip
            at += yes if true else no


@pytest.mark.parametrize(
    ("machine", "architecture", "clone", "socket", "read"),
    [("x86_64", 0xC000003E, 56, 41, 0), ("aarch64", 0xC00000B7, 220, 198, 63)],
)
def test_the_filter_allows_and_denies(machine, architecture, clone, socket, read):
    code = program(machine)
    assert code is not None
    allow, deny = 0x7FFF0000, 0x00050001
    assert run(code, architecture, read) == allow
    assert run(code, architecture, clone, 0x00010000) == allow  # a thread
    assert run(code, architecture, clone, 17) == deny  # a process
    assert run(code, architecture, 435) == 0x00050000 | 38  # clone3: not implemented
    assert run(code, architecture, socket) == deny
    assert run(code, architecture, 0x40000000 + read) == deny
    assert run(code, architecture ^ 1, read) == 0x80000000


def test_groups_of_version_2_go_where_limits_are_passed_on(tmp_path, monkeypatch):
    from coursekit.labs.grading import cgroup

    root = tmp_path / "cgroup"
    (root / "user" / "session").mkdir(parents=True)
    (root / "cgroup.subtree_control").write_text("cpu memory pids", encoding="ascii")
    (root / "user" / "cgroup.subtree_control").write_text("memory", encoding="ascii")
    info, own = tmp_path / "mountinfo", tmp_path / "own"
    info.write_text(f"1 2 0:1 / {root} rw - cgroup2 cgroup2 rw\n", encoding="ascii")
    own.write_text("0::/user/session\n", encoding="ascii")
    monkeypatch.setattr(cgroup, "MOUNTS", info)
    monkeypatch.setattr(cgroup, "OWN", own)
    group = Cgroup.make(1000, 10)
    assert group is not None
    (directory,) = group.directories
    assert directory.parent == root
    assert (directory / "memory.max").read_text() == "1000"
    assert (directory / "pids.max").read_text() == "10"
    assert str(directory) in " ".join(group.entry())


@pytest.mark.parametrize("text", TRICKS)
def test_nothing_in_a_students_text_runs_in_the_graders_browser(tmp_path, text):
    nbformat = pytest.importorskip("nbformat")
    exporters = pytest.importorskip("nbconvert.exporters")
    cells = (Cell("markdown", text, "explain_flat_gradients"), Cell("raw", text))
    write_view(tmp_path, Submission("ada", "00", cells), outcome())
    path = tmp_path / "autograded" / "ada" / LAB / f"{LAB}.ipynb"
    notebook = nbformat.read(path, as_version=4)
    markdown = [c.source for c in notebook.cells if c.cell_type == "markdown"]
    assert not [c for c in notebook.cells if c.cell_type == "raw"]
    html = exporters.HTMLExporter(template_name="basic").from_notebook_node(
        nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell(markdown[0])])
    )[0]
    assert "<script>alert" not in html
    assert not re.search(r"<[^>]*(onerror|javascript|data:|java)", html), html
    assert 'href="..' not in html


def test_mathematics_and_web_links_stay_as_they_are():
    text = "Because $a < b$ and [this](https://example.org) or [that](#task)."
    assert harmless(text) == text
