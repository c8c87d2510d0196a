"""What being late costs: the rule as arithmetic, and through every result of a run."""

import csv
import json
import os
import time
import zipfile
from datetime import UTC, datetime, timedelta, timezone

import pytest
from grading_notebooks import LAB, submission
from hypothesis import given
from hypothesis import strategies as st

from coursekit.cli import main
from coursekit.labs import lab
from coursekit.labs.grading.late import Handed, Rule, parse
from coursekit.labs.grading.times import Times, moment, read_times

CET = timezone(timedelta(hours=1))
DUE = datetime(2026, 11, 20, 23, 59, tzinfo=CET)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.mark.parametrize(
    ("text", "share"),
    [
        ("none", [0, 0, 0, 0, 0]),
        ("zero", [0, 1, 1, 1, 1]),
        ("zero, grace 60 min", [0, 0, 1, 1, 1]),
        ("10%/day", [0, 0.1, 0.1, 0.2, 1]),
        ("10%/day, max 15%", [0, 0.1, 0.1, 0.15, 0.15]),
        ("grace 60 min, 2.5 % / hour", [0, 0, 0.6, 0.625, 1]),
    ],
)
def test_a_rule_takes_a_share_for_each_unit_begun(text, share):
    late = [timedelta(0), HOUR, DAY, DAY + timedelta(seconds=1), 30 * DAY]
    assert [parse(text).share(t) for t in late] == pytest.approx(share)
    assert parse(text).share(-DAY) == 0


@pytest.mark.parametrize(
    "text",
    ["", "10", "10%", "10%/week", "110%/day", "0%/day", "zero, none", "max 50%",
     "10%/day, 5%/day", "10%/day, max 0%", "grace 5 min", "10%/day; max 5%"],
)  # fmt: skip
def test_a_rule_that_cannot_be_read_is_refused(text):
    with pytest.raises(ValueError, match="expected none, zero, or a share"):
        parse(text)


RULES = st.builds(
    Rule,
    st.sampled_from([0.0, 0.5, 10.0, 33.3, 100.0]),
    st.sampled_from(["day", "hour"]),
    st.sampled_from([12.5, 50.0, 100.0]),
    st.integers(0, 3000),
)
POINTS = st.floats(-5, 1000)
SECONDS = st.integers(-(10**7), 10**7)


@given(RULES, POINTS, SECONDS, SECONDS)
def test_a_penalty_is_no_reward_and_leaves_no_negative_total(rule, points, a, b):
    early, later = (
        Handed(DUE + timedelta(seconds=t), DUE, rule).penalty(points)
        for t in sorted((a, b))
    )
    assert 0 <= early <= later <= max(points, 0)
    assert later <= rule.most / 100 * max(points, 0) + 0.005


@given(RULES, SECONDS)
def test_a_written_rule_reads_as_the_same(rule, seconds):
    again, late = parse(str(rule)), timedelta(seconds=seconds)
    assert again.share(late) == rule.share(late)
    assert parse(str(again)) == again


def test_the_sentence_says_when_what_and_by_which_rule():
    rule = parse("10%/day, max 50%, grace 15 min")
    said = Handed(DUE + DAY + 2 * HOUR, DUE, rule).sentence(21)
    assert said == (
        "This came on 2026-11-22 01:59 (UTC+01:00), 1 day 2 h after it was due on "
        "2026-11-20 23:59 (UTC+01:00); that costs 20 % of the points, 4.2 of 21 (being "
        "late costs 10 % of the points for each day begun, at most 50 %; the first 15 "
        "minutes are forgiven)."
    )
    assert "in time" in Handed(DUE, DUE, rule).sentence(21)
    assert "costs nothing" in Handed(DUE + HOUR / 10, DUE, rule).sentence(21)
    assert "not recorded" in Handed(None, DUE, rule).sentence(21)


def test_a_time_without_a_zone_is_local_and_a_date_alone_is_refused(monkeypatch):
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    try:
        assert moment("2026-11-20T23:59", "x") == DUE
        assert moment("2026-07-01T12:00", "x").utcoffset() == 2 * HOUR
        assert moment("2026-11-20T22:59Z", "x") == DUE
    finally:
        monkeypatch.undo()
        time.tzset()
    for text in ("2026-11-20", "soon", ""):
        with pytest.raises(ValueError, match="a date with a time"):
            moment(text, "--deadline")


def test_a_table_of_times_by_hand_and_one_that_is_none(tmp_path):
    assert read_times(tmp_path) == Times()
    (tmp_path / ".tries").mkdir()
    table = tmp_path / ".tries" / "times.csv"
    table.write_text("student,time\nO'Brien Zoë,2026-11-20T23:59+01:00\nann,\n")
    times = read_times(tmp_path)
    assert list(times.known.values()) == [(DUE, "")]
    (name,) = times.known
    assert times.of(name, "any") == DUE
    table.write_text("student,time\nada,yesterday\n")
    with pytest.raises(ValueError, match="expected a date with a time"):
        read_times(tmp_path)
    table.write_text("name,when\nada,1\n")
    with pytest.raises(ValueError, match="no column"):
        read_times(tmp_path)


# from here on: a real course


@pytest.fixture
def berlin(monkeypatch):
    """Be in Berlin, where exports have local times and nbgrader keeps UTC."""
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.fixture
def course(tmp_path, berlin, capsys):
    """Collect three notebooks, one of them 8 hours late, and give a way to grade."""
    pytest.importorskip("nbgrader")
    with zipfile.ZipFile(tmp_path / "export.zip", "w") as file:
        for name, when in (
            ("ada_1_10", (2026, 11, 20, 12, 0, 0)),
            ("bob_LATE_2_13", (2026, 11, 21, 8, 0, 0)),
        ):
            text = json.dumps(submission())
            file.writestr(zipfile.ZipInfo(f"{name}_lab.ipynb", when), text)
    into = ["--into", str(tmp_path / "in"), "--deadline", "2026-11-20T23:59"]
    assert main(["collect", str(tmp_path / "export.zip"), *into]) == 0
    (tmp_path / "in" / "zoe.ipynb").write_text(json.dumps(submission()))

    def run(*more):
        capsys.readouterr()
        call = ["grade", LAB, str(tmp_path / "in"), "--out", str(tmp_path / "out")]
        call += ["--secret", str(tmp_path / "secret"), "--quiet", *more]
        assert main(call) == 0
        return capsys.readouterr().out

    run.out, run.folder = tmp_path / "out", tmp_path
    return run


def table(out):
    with open(out / "grades.csv", encoding="utf-8", newline="") as file:
        return {row["student"]: row for row in csv.DictReader(file)}


def penalties(out):
    return {name: row["penalty"] for name, row in table(out).items()}


@pytest.mark.sandbox
def test_a_rule_reaches_table_page_report_export_and_nbgrader(course):
    said = course("--deadline", "2026-11-20T22:59Z", "--late", "10%/day, max 50%")
    assert "Late (1): bob" in said
    assert "Not recorded when it came, so nothing is taken off (1): zoe" in said
    rows = table(course.out)
    bob = rows["bob"]
    assert (bob["points_before"], bob["penalty"], bob["total"]) == ("21", "2.1", "18.9")
    assert bob["handed_in"] == "2026-11-21T07:00:00+00:00"
    assert bob["late_rule"] == "10%/day, max 50%"
    assert (rows["ada"]["penalty"], rows["ada"]["total"]) == ("0", "21")
    assert (rows["zoe"]["handed_in"], rows["zoe"]["total"]) == ("", "21")
    page = (course.out / "feedback" / "bob.html").read_text("utf-8")
    assert "18.9 of 26 points" in page
    assert "8 h 1 min after it was due" in page
    assert "2.1 of 21" in page
    assert "1 came late, which cost them 2.1 points together; of 1 it is not" in (
        course.out / "report.html"
    ).read_text("utf-8")
    roster, to = course.folder / "roster.csv", course.folder / "to.csv"
    roster.write_text("Full name,Grade\nada,\nbob,\nzoe,\n")
    kind = ["--format", "moodle", "--roster", str(roster)]
    assert main(["export", str(course.out), str(to), *kind]) == 0
    assert to.read_text() == "Full name,Grade\nada,21\nbob,18.9\nzoe,21\n"
    assert exported_by_nbgrader(course) == {"ada": 21, "bob": 18.9, "zoe": 21}


def exported_by_nbgrader(course):
    """Let nbgrader's own exporter write its table."""
    from nbgrader.api import Gradebook
    from nbgrader.plugins import CsvExportPlugin

    with Gradebook(f"sqlite:///{course.out / 'gradebook.db'}") as book:
        one = book.find_submission(LAB, "bob")
        assert one.timestamp == datetime(2026, 11, 21, 7, 0)  # UTC
        assert one.total_seconds_late == 8 * 3600 + 60
        assert book.find_assignment(LAB).duedate == datetime(2026, 11, 20, 22, 59)
        plugin = CsvExportPlugin()
        plugin.to = str(course.folder / "nbgrader.csv")
        plugin.export(book)
    with open(course.folder / "nbgrader.csv", encoding="utf-8", newline="") as file:
        return {row["student_id"]: float(row["score"]) for row in csv.DictReader(file)}


@pytest.mark.sandbox
def test_a_changed_rule_runs_no_code_and_is_said(course):
    first = course("--late", "10%/day")  # by the deadline of collect
    assert "3 graded" in first
    assert penalties(course.out) == {"ada": "0", "bob": "2.1", "zoe": "0"}
    kept = course()  # nothing is given: all stays
    assert "0 graded, 3 kept" in kept
    assert "Until now" not in kept
    assert penalties(course.out)["bob"] == "2.1"
    changed = course("--late", "zero")
    assert "0 graded, 3 kept" in changed
    assert (
        "Until now it was: due 2026-11-20 23:59 (UTC+01:00), late: 10%/day." in changed
    )
    assert table(course.out)["bob"]["total"] == "0"
    moved = course("--deadline", "2026-11-21T08:00")
    assert "But `collect` chose among the tries by 2026-11-20 23:59" in moved
    assert penalties(course.out) == {"ada": "0", "bob": "0", "zoe": "0"}
    course("--deadline", "2026-11-20T23:59", "--late", "none")
    assert penalties(course.out)["bob"] == "0"
    assert table(course.out)["bob"]["handed_in"] == "2026-11-21T08:00:00+01:00"


@pytest.mark.sandbox
def test_points_of_a_person_count_and_an_extension_moves_the_deadline(course):
    course("--late", "10%/day")
    from nbgrader.api import Gradebook

    with Gradebook(f"sqlite:///{course.out / 'gradebook.db'}") as book:
        given_ = book.find_grade("explain_flat_gradients", LAB, LAB, "bob")
        given_.manual_score, given_.needs_manual_grade = 5, False
        book.db.commit()
    course()
    assert penalties(course.out)["bob"] == "2.6"
    with Gradebook(f"sqlite:///{course.out / 'gradebook.db'}") as book:
        book.grant_extension(LAB, "bob", hours=9)
    assert "Late (" not in course()
    assert (penalties(course.out)["bob"], table(course.out)["bob"]["total"]) == (
        "0",
        "26",
    )
    assert table(course.out)["bob"]["due"] == "2026-11-21T08:59:00+01:00"


@pytest.mark.sandbox
def test_times_survive_their_table_but_not_another_notebook(course):
    course("--late", "10%/day")
    os.remove(course.folder / "in" / ".tries" / "times.csv")
    assert "Late (1): bob" in course()
    text = json.dumps(submission(first="1 + 1"))
    (course.folder / "in" / "bob.ipynb").write_text(text)
    said = course()
    assert "1 graded, 2 kept" in said
    assert "Not recorded when it came, so nothing is taken off (2): bob, zoe" in said
    assert table(course.out)["bob"]["handed_in"] == ""


def test_a_rule_without_any_deadline_is_refused(tmp_path):
    pytest.importorskip("nbgrader")
    from coursekit.labs.grading.deadline import agree
    from coursekit.labs.grading.gradebook import Gradebook

    book = Gradebook(f"sqlite:///{tmp_path / 'gradebook.db'}", lab(LAB))
    with pytest.raises(ValueError, match="--late needs --deadline"):
        agree(book, None, parse("zero"))
    assert agree(book, None, parse("none")) == (None, None)
    before, now = agree(book, DUE, parse("zero"))
    assert before is None
    assert (now.due, now.due.utcoffset()) == (DUE, HOUR)
    assert agree(book) == (now, now)
    book.book.update_or_create_assignment(LAB, duedate="2026-12-01 12:00 UTC")
    assert agree(book)[1].due == datetime(2026, 12, 1, 12, tzinfo=UTC)
    book.close()
