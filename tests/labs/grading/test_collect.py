"""Exports of learning systems become one notebook a student, and no try is lost."""

import csv
import os
import zipfile
from datetime import datetime

import pytest

from coursekit.labs.grading.collect import collect
from coursekit.labs.grading.folder import slug
from coursekit.labs.grading.tries import student_of

NOON = (2026, 11, 20, 12, 0, 0)
EVE = (2026, 11, 20, 23, 0, 0)
NEXT = (2026, 11, 21, 8, 0, 0)
DEADLINE = datetime(2026, 11, 20, 23, 59)


@pytest.fixture
def zipped(tmp_path):
    def make(entries, name="export.zip"):
        path = tmp_path / name
        with zipfile.ZipFile(path, "w") as file:
            for entry, when, text in entries:
                file.writestr(zipfile.ZipInfo(entry, when), text)
        return path

    return make


def times(into):
    with open(into / ".tries" / "times.csv", encoding="utf-8", newline="") as file:
        return list(csv.reader(file))[1:]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("nowakada_101_20455_lab.ipynb", ("nowakada", "101", 0, False)),
        ("nowakada_101_20455_lab-3.ipynb", ("nowakada", "101", 3, False)),
        ("nowakada_LATE_101_20455_my_lab.ipynb", ("nowakada", "101", 0, True)),
        (
            "Zoë O'Brien_12_assignsubmission_file_/a/b.ipynb",
            ("Zoë O'Brien", "12", 0, False),
        ),
        (
            "w/Ada Nowak_4711_assignsubmission_file_/x.ipynb",
            ("Ada Nowak", "4711", 0, False),
        ),
        (
            "Mal Ory_1_assignsubmission_file_/Ada Nowak_4711_assignsubmission_file_/x",
            ("Mal Ory", "1", 0, False),
        ),
        ("M_1_assignsubmission_file_/ada_101_20455_lab.ipynb", ("M", "1", 0, False)),
        ("ada_nowak.ipynb", ("ada_nowak", "", 0, False)),
        ("ada-1.ipynb", ("ada-1", "", 0, False)),
    ],
)
def test_names_of_the_systems_are_read(name, expected):
    assert student_of(name) == expected


def test_the_last_try_before_the_deadline_counts_and_all_are_kept(zipped, tmp_path):
    path = zipped([
        ("ada_1_10_lab.ipynb", NOON, "first"),
        ("ada_1_11_lab-1.ipynb", EVE, "second"),
        ("ada_LATE_1_12_lab-2.ipynb", NEXT, "third"),
        ("bob_LATE_2_13_lab.ipynb", NEXT, "only"),
    ])  # fmt: skip
    into = tmp_path / "in"
    done = collect([path], into, DEADLINE)
    assert (done.students, done.tries, done.late) == (2, 4, ["bob"])
    assert (into / "ada.ipynb").read_text() == "second"
    assert (into / "bob.ipynb").read_text() == "only"
    kept = sorted(p.read_text() for p in (into / ".tries" / "ada").iterdir())
    assert kept == ["first", "second", "third"]
    assert [row[3] for row in times(into) if row[0] == "ada"] == ["", "yes", ""]


def test_tries_of_one_moment_are_ordered_by_their_number(zipped, tmp_path):
    path = zipped([
        ("ada_1_11_lab-2.ipynb", EVE, "third"), ("ada_1_10_lab.ipynb", EVE, "first"),
        ("ada_1_12_lab-1.ipynb", EVE, "second"),
    ])  # fmt: skip
    collect([path], tmp_path / "in")
    assert (tmp_path / "in" / "ada.ipynb").read_text() == "third"


def test_the_systems_own_word_late_is_taken_without_a_deadline(zipped, tmp_path):
    path = zipped([("bob_LATE_2_13_lab.ipynb", NEXT, "only")])
    assert collect([path], tmp_path / "in").late == ["bob"]


def test_two_people_of_one_name_stay_two(zipped, tmp_path):
    path = zipped([
        ("nowak_1_10_lab.ipynb", EVE, "one"), ("nowak_2_11_lab.ipynb", EVE, "two"),
    ])  # fmt: skip
    assert collect([path], tmp_path / "in").students == 2
    assert (tmp_path / "in" / "nowak-1.ipynb").read_text() == "one"
    assert (tmp_path / "in" / "nowak-2.ipynb").read_text() == "two"


def test_a_folder_and_its_times(tmp_path):
    folder = tmp_path / "Ada Nowak_4711_assignsubmission_file_"
    folder.mkdir()
    (folder / "lab.ipynb").write_text("{}")
    os.utime(folder / "lab.ipynb", (1.8e9, 1.8e9))
    (folder / "notes.txt").write_text("x")
    (tmp_path / "link.ipynb").symlink_to("/etc/passwd")
    done = collect([tmp_path], tmp_path / "in", DEADLINE)
    assert done.students == 1
    assert done.late == ["Ada Nowak"]
    assert len(done.ignored) == 2
    found = list((tmp_path / "in").glob("*.ipynb"))
    assert [p.read_text() for p in found] == ["{}"]


def test_names_cannot_lead_out_of_the_folder(zipped, tmp_path):
    path = zipped([
        ("../../evil.ipynb", EVE, "a"), ("/etc/cron.ipynb", EVE, "b"),
        ("x\ny\u202e_1_2_lab.ipynb", EVE, "c"), ("o'b\"_1_3_lab.ipynb", EVE, "d"),
    ])  # fmt: skip
    into = tmp_path / "deep" / "in"
    collect([path], into)
    written = {p for p in tmp_path.rglob("*.ipynb")}
    assert all(into in p.parents for p in written)
    assert len(list(into.glob("*.ipynb"))) == 4


def test_what_is_no_notebook_or_too_large_is_named(zipped, tmp_path, monkeypatch):
    monkeypatch.setattr("coursekit.labs.grading.tries.MAX_BYTES", 10)
    path = zipped([
        ("big_1_1_lab.ipynb", EVE, "x" * 99), ("ok_1_2_lab.ipynb", EVE, "x" * 10),
        ("ok_1_2_lab.pdf", EVE, "x"), ("__MACOSX/._a.ipynb", EVE, "x"),
    ])  # fmt: skip
    done = collect([path], tmp_path / "in")
    assert done.students == 2
    assert done.ignored == ["ok_1_2_lab.pdf: no notebook"]
    assert (tmp_path / "in" / "ok.ipynb").read_text() == "x" * 10
    assert (tmp_path / "in" / "big.ipynb").read_text() == "x" * 11  # grading names it


def test_nothing_and_names_that_are_one_are_refused(zipped, tmp_path):
    with pytest.raises(ValueError, match="no notebook"):
        collect([zipped([("a.pdf", EVE, "")])], tmp_path / "in")
    with pytest.raises(ValueError, match="is no zip"):
        collect([tmp_path / "nowhere"], tmp_path / "in")
    both = zipped([("Ada_1_2_x.ipynb", EVE, ""), ("ada_1_3_x.ipynb", EVE, "")])
    with pytest.raises(ValueError, match="are one name"):
        collect([both], tmp_path / "in")


def test_what_macos_and_jupyter_leave_is_no_try(zipped, tmp_path):
    student = "Ada_7_assignsubmission_file_"
    litter = [
        f"__MACOSX/{student}/lab.ipynb", f"{student}/._lab.ipynb", "._x.ipynb",
        f"{student}/.ipynb_checkpoints/lab-checkpoint.ipynb",
    ]  # fmt: skip
    old = [(name, NEXT, "old") for name in litter]
    path = zipped([(f"{student}/lab.ipynb", NOON, "right"), *old])
    unpacked = tmp_path / "unpacked"
    for name in [*litter, f"{student}/lab.ipynb"]:
        (unpacked / name).parent.mkdir(parents=True, exist_ok=True)
        (unpacked / name).write_text("old" if name in litter else "right")
    for source, into in ((path, tmp_path / "a"), (unpacked, tmp_path / "b")):
        done = collect([source], into)
        assert (done.students, done.tries, done.ignored) == (1, 1, [])
        assert (into / "Ada.ipynb").read_text() == "right"


def test_nobody_hands_in_for_another(zipped, tmp_path):
    hers = "Ada_7_assignsubmission_file_/lab.ipynb"
    his = f"Mal_8_assignsubmission_file_/{hers}"
    path = zipped([(hers, NOON, "hers"), (his, EVE, "")])
    collect([path], tmp_path / "in")
    assert (tmp_path / "in" / "Ada.ipynb").read_text() == "hers"
    assert (tmp_path / "in" / "Mal.ipynb").read_text() == ""


def test_entries_of_one_name_and_of_windows_stay_two(zipped, tmp_path):
    with pytest.warns(UserWarning, match="Duplicate name"):
        path = zipped([
            ("ada_1_1_lab.ipynb", NOON, "first"), ("ada_1_1_lab.ipynb", EVE, "second"),
            ("Bob_2_assignsubmission_file_\\lab.ipynb", EVE, "his"),
        ])  # fmt: skip
    collect([path], tmp_path / "in")
    kept = sorted(p.read_text() for p in (tmp_path / "in" / ".tries" / "ada").iterdir())
    assert kept == ["first", "second"]
    assert (tmp_path / "in" / "Bob.ipynb").read_text() == "his"


SPOILED = {  # offset in an entry's local and central header, and what is written there
    "content": None,
    "compression": (8, 10, b"\x63\x00"),
    "encrypted": (6, 8, b"\x01\x00"),
    "month": (12, 14, b"\x00\x00"),
}


@pytest.mark.parametrize("how", SPOILED)
def test_a_damaged_entry_costs_only_its_own_student(zipped, tmp_path, how):
    path = zipped([("bad_1_1_x.ipynb", EVE, "x" * 9), ("ok_2_2_x.ipynb", EVE, "fine")])
    data = bytearray(path.read_bytes())
    if SPOILED[how] is None:
        at = data.index(b"x" * 9)
        data[at : at + 2] = b"yy"
    else:
        local, central, new = SPOILED[how]
        for signature, offset in ((b"PK\x03\x04", local), (b"PK\x01\x02", central)):
            at = data.index(signature) + offset
            data[at : at + 2] = new
    path.write_bytes(bytes(data))
    done = collect([path], tmp_path / "in")
    assert done.students == 2
    assert (tmp_path / "in" / "ok.ipynb").read_text() == "fine"
    read = (tmp_path / "in" / "bad.ipynb").read_text()
    assert read == ("x" * 9 if how == "month" else "")
    assert len(done.ignored) == (how != "month")
    assert all("bad_1_1_x.ipynb: cannot be read" in said for said in done.ignored)


def test_a_damaged_zip_is_said(tmp_path):
    path = tmp_path / "export.zip"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("ada_1_1_lab.ipynb", "x" * 1000)
    data = path.read_bytes()
    path.write_bytes(data.replace(b"PK\x01\x02", b"PK\xff\xff"))
    with pytest.raises(ValueError, match="is damaged"):
        collect([path], tmp_path / "in")


def test_a_bomb_in_a_zip_writes_no_more_than_a_notebook_may_have(tmp_path, monkeypatch):
    monkeypatch.setattr("coursekit.labs.grading.tries.MAX_BYTES", 1000)
    path = tmp_path / "export.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("ada_1_1_lab.ipynb", b"\0" * 10**8)
    collect([path], tmp_path / "in")
    assert (tmp_path / "in" / "ada.ipynb").stat().st_size == 1001


@pytest.mark.parametrize(
    ("one", "two"),
    [("ada", "Ada"), ("Ren\u00e9", "Rene\u0301"), ("O'B", slug("O'B"))],
)
def test_names_that_would_be_taken_for_one_are_refused(zipped, tmp_path, one, two):
    entry = "{}_1_assignsubmission_file_/lab.ipynb"
    both = zipped([(entry.format(one), EVE, ""), (entry.format(two), EVE, "")])
    with pytest.raises(ValueError, match="are one name"):
        collect([both], tmp_path / "in")
