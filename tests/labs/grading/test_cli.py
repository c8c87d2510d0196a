import os
import signal
import stat
import subprocess
import sys
import time

import pytest
from grading_notebooks import LAB, bare, solutions, submission

from coursekit.cli import main


def words(tmp_path, folder, *more):
    return [
        "grade", LAB, str(folder), "--out", str(tmp_path / "out"),
        "--secret", str(tmp_path / "secret"), "--quiet", *more,
    ]  # fmt: skip


def test_help_needs_neither_torch_nor_numpy():
    code = (
        "import sys, coursekit.cli as c\n"
        "try: c.main(['grade', '--help'])\n"
        "except SystemExit: pass\n"
        "heavy = {'torch', 'numpy', 'nbgrader'} & set(sys.modules)\n"
        "sys.exit(str(heavy) if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "WITHOUT a sandbox" in done.stdout


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (["grade", "11_initialisation"], "did you mean '11_initialization'?"),
        (["--seconds", "0"], "expected a positive number"),
        (["--secret", "SUB/secret"], "lies in the folder of submissions"),
        (["--secret", "OUT/secret"], "lies in the output"),
        (["--out", "SUB/out"], "lies in the folder of submissions"),
        (["--out", "/usr/local/grades"], "which every submission can read"),
    ],
)
def test_a_wrong_call_says_what_is_wrong(tmp_path, folder, capsys, change, said):
    path = folder()
    call = words(tmp_path, path)
    change = [c.replace("SUB", str(path)).replace("OUT", str(tmp_path / "out"))
              for c in change]  # fmt: skip
    call = [*change, *call[2:]] if change[0] == "grade" else [*call, *change]
    assert main(call) == 2
    assert said in capsys.readouterr().err
    assert list(path.iterdir()) == []


def test_a_folder_that_is_not_there(tmp_path, capsys):
    assert main(words(tmp_path, tmp_path / "nowhere")) == 2
    assert "is no folder" in capsys.readouterr().err


@pytest.mark.sandbox
def test_a_secret_that_others_can_read_is_refused(tmp_path, folder, capsys):
    (tmp_path / "secret").write_text("x" * 64, encoding="ascii")
    (tmp_path / "secret").chmod(0o644)
    assert main(words(tmp_path, folder(a=submission()))) == 2
    assert "chmod 600" in capsys.readouterr().err


def fake_path(tmp_path, monkeypatch, script):
    """Put one program in front of all others, or hide bubblewrap."""
    programs = tmp_path / "bin"
    programs.mkdir()
    if script:
        (programs / "bwrap").write_text(script, encoding="ascii")
        (programs / "bwrap").chmod(stat.S_IRWXU)
    monkeypatch.setenv("PATH", str(programs))


REFUSED = "#!/bin/sh\necho 'bwrap: setting up uid map: Permission denied' >&2\nexit 1\n"


@pytest.mark.parametrize(
    ("script", "reason"), [("", "not installed"), (REFUSED, "setting up uid map")]
)
def test_without_a_sandbox_nothing_is_graded(
    tmp_path, folder, monkeypatch, capsys, script, reason
):
    fake_path(tmp_path, monkeypatch, script)
    assert main(words(tmp_path, folder(a=submission()))) == 3
    said = capsys.readouterr().err
    assert reason in said
    assert "nothing was graded" in said
    assert "--unsafe" in said
    assert not (tmp_path / "out" / "gradebook.db").exists()


def test_unsafe_grades_and_says_what_it_means(tmp_path, folder, monkeypatch, capsys):
    pytest.importorskip("nbgrader")
    fake_path(tmp_path, monkeypatch, "")
    needed = (
        "import math, torch\nfrom torch import nn\nfrom torch.nn.functional import *"
    )
    path = folder(a=bare(needed, *solutions().values()))
    assert main(words(tmp_path, path, "--unsafe")) == 0
    assert "it can read and change your files" in capsys.readouterr().err
    table = (tmp_path / "out" / "grades.csv").read_text(encoding="utf-8")
    assert "a,ok,4,3,6,4,4,,21,26" in table


@pytest.mark.sandbox
def test_without_nbgrader_it_says_what_to_install(
    tmp_path, folder, monkeypatch, capsys
):
    monkeypatch.setitem(sys.modules, "nbgrader", None)
    assert main(words(tmp_path, folder(a=submission()))) == 2
    assert "pip install 'coursekit[grade]'" in capsys.readouterr().err


@pytest.mark.sandbox
def test_ctrl_c_keeps_what_is_graded(tmp_path, folder):
    pytest.importorskip("nbgrader")
    slow = submission(first="import time\ntime.sleep(15)")
    path = folder(a=submission(), b=slow, c=submission())
    command = [sys.executable, "-m", "coursekit", *words(tmp_path, path)]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    while not (tmp_path / "out" / "autograded" / "a").exists():
        assert process.poll() is None
        time.sleep(0.1)
    time.sleep(1)  # now it waits for b
    os.killpg(process.pid, signal.SIGINT)
    said = process.communicate(timeout=60)[0]
    assert process.returncode == 130
    assert "run the same command to go on" in said
    table = (tmp_path / "out" / "grades.csv").read_text(encoding="utf-8")
    assert "a,ok,4,3,6,4,4,,21,26" in table
    assert "b," not in table


def test_release_writes_the_students_notebook(tmp_path, capsys):
    pytest.importorskip("nbgrader")
    from grading_notebooks import ROOT

    assert main(["release", str(ROOT / "labs" / "source"), str(tmp_path)]) == 0
    released = tmp_path / f"{LAB}.ipynb"
    assert str(released) in capsys.readouterr().out
    assert "NotImplementedError" in released.read_text(encoding="utf-8")


def test_export_fills_a_roster_and_names_who_is_missing(tmp_path, capsys):
    (tmp_path / "grades.csv").write_text("student,status,total,max\nada,ok,3,4\n")
    (tmp_path / "roster.csv").write_text("Full name,Grade\nAda,\nBob,\n")
    call = ["export", str(tmp_path), str(tmp_path / "to.csv"), "--format", "moodle"]
    assert main([*call, "--roster", str(tmp_path / "roster.csv")]) == 0
    assert "Without a submission (1): Bob" in capsys.readouterr().out
    assert (tmp_path / "to.csv").read_text() == "Full name,Grade\nAda,3\nBob,\n"


def test_what_was_never_graded_is_not_marked(tmp_path, capsys):
    assert main(["mark", str(tmp_path)]) == 2
    assert "grade a lab first" in capsys.readouterr().err
