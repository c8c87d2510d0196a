"""What a learning system imports has its own rows, our points, and loses nobody."""

import csv

import pytest

from coursekit.labs.grading.export import export

GRADES = """student,status,he_std,total,max,needs_manual_grading
ada,ok,4,21,26,
"O'Brien, Zoë",ok,3,17.5,26,explain
'=cmd,timeout,0,0,26,
李雷,ok,4,26,26,
"""
CANVAS = """Student,ID,SIS User ID,SIS Login ID,Section,Lab 11 (4711),Other (4712)
    Points Possible,,,,,26,10
"Lovelace, Ada",101,,ada@example.edu,A,,9
"O'Brien, Zoë",102,,o'brien-zoe@example.edu,A,,
"=cmd",103,,=cmd,B,,1
"李雷",104,,李雷,B,,
"Absent, Ann",105,,ann,B,,3
"""
MOODLE = """Identifier,Full name,Email address,Status,Grade,Maximum Grade
Participant 1,ada,ada@x.org,Submitted,,
Participant 2,"O'Brien, Zoë",zoe@x.org,Submitted,,30
"""


@pytest.fixture
def files(tmp_path):
    def write(**texts):
        for name, text in texts.items():
            (tmp_path / f"{name}.csv").write_text(text, encoding="utf-8")
        return tmp_path

    return write


def read(path):
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def test_canvas_keeps_its_rows_and_columns_and_gets_one_filled(files):
    at = files(grades=GRADES, roster=CANVAS)
    to = at / "to.csv"
    done = export(
        at / "grades.csv", to, "canvas", at / "roster.csv", "Lab 11 (4711)", None
    )
    before, after = read(at / "roster.csv"), read(to)
    assert done.matched_by == "SIS Login ID"
    assert [row[5] for row in after[2:]] == ["21", "17.5", "0", "26", ""]
    assert [row[:5] + row[6:] for row in after] == [r[:5] + r[6:] for r in before]
    assert (done.written, done.not_in_roster) == (4, [])
    assert done.without_submission == ["ann"]


def test_canvas_gets_a_column_that_it_does_not_have(files):
    at = files(grades=GRADES, roster=CANVAS)
    export(at / "grades.csv", at / "to.csv", "canvas", at / "roster.csv", "New (1)")
    after = read(at / "to.csv")
    assert after[0][-1] == "New (1)"
    assert after[1][-1] == "26"
    assert after[2][-1] == "21"


def test_moodle_gets_grade_and_the_maximum_it_lacks(files):
    at = files(grades=GRADES, roster=MOODLE)
    done = export(at / "grades.csv", at / "to.csv", "moodle", at / "roster.csv")
    assert done.matched_by == "Full name"
    assert [row[4:] for row in read(at / "to.csv")[1:]] == [
        ["21", "26"],
        ["17.5", "30"],
    ]
    assert done.not_in_roster == ["=cmd", "李雷"]


def test_plain_csv_needs_no_roster_and_goes_round(files):
    at = files(grades=GRADES)
    done = export(at / "grades.csv", at / "to.csv", "csv")
    assert done.written == 4
    assert read(at / "to.csv")[2] == ["O'Brien, Zoë", "17.5", "26", "ok"]
    assert read(at / "to.csv")[3][0] == "'=cmd"  # no formula of a spreadsheet


@pytest.mark.parametrize(
    ("kind", "texts", "options", "said"),
    [
        ("xml", {}, {}, "expected one of"),
        ("canvas", {}, {}, "needs --roster"),
        ("canvas", {"roster": MOODLE}, {"column": "x"}, "no column 'ID'"),
        ("canvas", {"roster": CANVAS}, {}, "needs --column"),
        ("moodle", {"roster": CANVAS}, {}, "no column 'Grade'"),
        ("moodle", {"roster": MOODLE}, {"column": "Mark"}, "no column 'Mark'"),
        ("moodle", {"roster": MOODLE}, {"match": "Nick"}, "no column 'Nick'"),
        ("moodle", {"roster": "Grade,Name\n,nobody\n"}, {}, "no column of the roster"),
        ("moodle", {"roster": "Grade,Name\n,ada\n,Ada\n"}, {}, "two rows for 'Ada'"),
        ("moodle", {"roster": ""}, {}, "is empty"),
        ("csv", {"grades": "a,b\n1,2\n"}, {}, "no table of grades"),
    ],
)
def test_what_cannot_be_exported_is_said(files, kind, texts, options, said):
    at = files(**{"grades": GRADES, **texts})
    roster = at / "roster.csv" if "roster" in texts else None
    with pytest.raises(ValueError, match=said):
        export(at / "grades.csv", at / "to.csv", kind, roster, **options)
    assert not (at / "to.csv").exists()


def test_names_that_cannot_be_told_apart_are_not_guessed(files):
    grades = GRADES.replace("李雷", "A da")
    at = files(grades=grades, roster=MOODLE)
    with pytest.raises(ValueError, match="cannot be told apart"):
        export(at / "grades.csv", at / "to.csv", "moodle", at / "roster.csv")
