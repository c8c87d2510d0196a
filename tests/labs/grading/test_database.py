"""Where a gradebook lies: SQLite by default, PostgreSQL by URL, one run at a time."""

import contextlib
import csv
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from grading_notebooks import LAB, submission

from coursekit.cli import main
from coursekit.labs import lab
from coursekit.labs.grading.database import database, opened, without_password

pytest.importorskip("nbgrader")

PASSWORD = "q%w@e:1/x"
QUOTED = "q%25w%40e%3A1%2Fx"


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://ada:{PASSWORD}@host/course",  # its signs are not quoted
        f"postgresql://ada:{QUOTED}@host:port/course",
        f"mysql://ada:{QUOTED}@host/course",
        f"ada:{QUOTED}@host",
        "sqlite://",
    ],
)
def test_what_is_no_url_of_a_database_is_refused_without_its_password(tmp_path, url):
    with pytest.raises(
        ValueError, match=r"--gradebook got .* expected postgres"
    ) as error:
        database(tmp_path, url)
    assert not any(word in str(error.value) for word in ("q%", "q%25", "e:1", "1/x"))


def test_a_url_is_shown_without_its_password(tmp_path):
    plain = f"postgresql://ada:{QUOTED}@host/course?sslmode=require"
    url = database(tmp_path, f"{plain}&password={QUOTED}&sslpassword=z")
    assert url.password == PASSWORD
    shown = without_password(url)
    assert shown == "postgresql+psycopg://ada@host/course?sslmode=require"


def test_a_folder_keeps_to_its_database(tmp_path):
    one, other = f"sqlite:///{tmp_path}/one.db", f"sqlite:///{tmp_path}/other.db"
    with opened(tmp_path, database(tmp_path, one), lab(LAB)):
        pass
    assert database(tmp_path) == database(tmp_path, one)
    with pytest.raises(ValueError, match=r"graded into .*one\.db, not .*other\.db"):
        database(tmp_path, other)
    assert not (tmp_path / "gradebook.db").exists()


def test_one_file_lets_one_run_in(tmp_path):
    url = database(tmp_path, f"sqlite:///{tmp_path}/one.db")
    with (
        opened(tmp_path, url, lab(LAB)),
        pytest.raises(ValueError, match=r"another run is grading into .*one\.db"),
        opened(tmp_path, url, lab(LAB)),
    ):
        pass
    with opened(tmp_path, url, lab(LAB)) as book:
        assert list(book.graded()) == []


# from here on: a PostgreSQL of our own


def programs():
    """Find PostgreSQL's server, which Debian keeps out of the path."""
    if found := shutil.which("initdb"):
        return Path(found).resolve().parent
    at = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return at[-1].parent if at else None


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """Start a server on a socket of its own, and give its URL."""
    pytest.importorskip("psycopg", reason="pip install 'coursekit[postgres]'")
    if (at := programs()) is None:
        pytest.skip("PostgreSQL is not installed (apt-get install postgresql)")
    as_other = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    home = Path(subprocess.check_output([*as_other, "mktemp", "-d"], text=True).strip())

    def run(*words, **more):
        log = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        subprocess.run(
            [*as_other, *map(str, words)], check=True, cwd="/", **log, **more
        )

    run("chmod", "755", home)
    run("tee", home / "word", input=PASSWORD.encode())
    run(at / "initdb", "-D", home / "data", "-A", "scram-sha-256", "-U", "ada",
        f"--pwfile={home / 'word'}")  # fmt: skip
    options = f"-c listen_addresses='' -c unix_socket_directories={home} -c fsync=off"
    control = (at / "pg_ctl", "-D", home / "data", "-w")
    run(*control, "-o", options, "-l", home / "log", "start")
    yield f"postgresql://ada:{{}}@/postgres?host={home}", run, control, options
    with contextlib.suppress(subprocess.CalledProcessError):
        run(*control, "-m", "immediate", "stop")
    run("rm", "-r", home)


def rows_of(path):
    with open(path, encoding="utf-8", newline="") as file:
        return {row["student"]: row for row in csv.DictReader(file)}


@pytest.fixture
def course(tmp_path, folder, cluster):
    """Give the words that grade two students into PostgreSQL."""
    folder(
        ada=submission(), bob=submission({"he_std": "def he_std(*a):\n    return 1"})
    )
    (tmp_path / "submissions" / ".tries").mkdir(exist_ok=True)
    times = "student,time\nada,2026-11-20T12:00Z\nbob,2026-11-21T12:00Z\n"
    (tmp_path / "submissions" / ".tries" / "times.csv").write_text(times)

    def words(out, url=None):
        call = ["grade", LAB, str(tmp_path / "submissions"), "--quiet"]
        call += ["--out", str(tmp_path / out), "--secret", str(tmp_path / "secret")]
        return [*call, "--gradebook", url] if url else call

    return words


@pytest.mark.sandbox
def test_postgresql_holds_what_sqlite_would(
    tmp_path, cluster, course, capfd, monkeypatch
):
    url = cluster[0].format(QUOTED)
    late = ["--deadline", "2026-11-20T23:59Z", "--late", "10%/day"]
    assert main([*course("out", url), *late]) == 0
    assert main([*course("plain"), *late]) == 0
    table = (tmp_path / "out" / "grades.csv").read_bytes()
    assert table == (tmp_path / "plain" / "grades.csv").read_bytes()
    assert rows_of(tmp_path / "out" / "grades.csv")["bob"]["penalty"] == "1.7"
    assert not (tmp_path / "out" / "gradebook.db").exists()
    from nbgrader.api import Gradebook

    with Gradebook(
        str(database(tmp_path / "out", url).render_as_string(False))
    ) as book:
        given = book.find_grade("explain_flat_gradients", LAB, LAB, "bob")
        given.manual_score, given.needs_manual_grade = 4, False
        book.db.commit()
    to = str(tmp_path / "to.csv")
    monkeypatch.setenv("PGPASSWORD", PASSWORD)  # the folder knows all but this
    assert main(["export", str(tmp_path / "out"), to]) == 0
    assert rows_of(to)["bob"]["points"] == "18.9"  # 21 less a tenth
    capfd.readouterr()
    assert main(course("out")) == 0
    assert "0 graded, 2 kept" in capfd.readouterr().out
    for path in (tmp_path / "out").rglob("*"):
        if path.is_file():
            assert not any(w.encode() in path.read_bytes() for w in (PASSWORD, QUOTED))


@pytest.mark.sandbox
def test_two_runs_into_one_database_are_refused(tmp_path, cluster, course, capfd):
    url = cluster[0].format(QUOTED)
    out = tmp_path / "first"
    out.mkdir()
    with opened(out, database(out, url), lab(LAB)):
        assert main(course("second", url)) == 2
    said = capfd.readouterr()
    assert "another run is grading into postgresql+psycopg://ada@" in said.err
    assert PASSWORD not in said.err + said.out
    assert QUOTED not in said.err + said.out
    assert main(course("second", url)) == 0


@pytest.mark.sandbox
def test_a_wrong_password_and_a_server_that_ends_are_said(
    tmp_path, cluster, course, capfd
):
    assert main(course("a", cluster[0].format("wrong-word"))) == 2
    said = capfd.readouterr().err
    assert "authentication failed" in said
    assert "wrong-word" not in said
    pytest.importorskip("psycopg")
    url, (_, run, control, options) = cluster[0].format(QUOTED), cluster
    out = tmp_path / "b"
    out.mkdir()

    def interrupted():
        with opened(out, database(out, url), lab(LAB)) as book:
            run(*control, "-m", "immediate", "stop")
            book.entries()

    with pytest.raises(ValueError, match="What is recorded there is kept") as error:
        interrupted()
    assert PASSWORD not in str(error.value)
    run(*control, "-o", options, "start")
    assert main(course("b", url)) == 0
