"""The commands: what they promise in the README, and the audit's own faults."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

import audit
import environment
import task

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = [ROOT / name for name in ("README.md", "CONTRIBUTING.md")]


def test_every_command_has_a_make_target():
    """The Makefile forwards exactly the commands that task.py knows."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = re.search(r"^\.PHONY: (.+)$", makefile, re.MULTILINE)[1].split()
    assert set(targets) == {*task.COMMANDS, "help"}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_named_commands_exist(document):
    """A command that a document names can be run."""
    text = document.read_text(encoding="utf-8")
    named = set(re.findall(r"(?:make|tools/task\.py) ([a-z]+)\b", text))
    assert named
    assert named <= {*task.COMMANDS, "help"}


def test_links_of_the_readme_exist():
    """A file that the README links to is there."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    links = re.findall(r"\]\(([^)#\s]+)[^)]*\)", text)
    inner = [link for link in links if "://" not in link]
    assert inner
    assert [link for link in inner if not (ROOT / link).exists()] == []


def test_help_names_every_command():
    """`task.py help` says what each command does, without any environment."""
    command = [sys.executable, ROOT / "tools" / "task.py", "help"]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert all(name in said for name in task.COMMANDS)


def test_fingerprint_follows_the_requirements(tmp_path, monkeypatch):
    """A changed requirement changes the stamp, so that it is installed."""
    for name in environment.FILES["all"]:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("a==1\n")
    monkeypatch.setattr(environment, "ROOT", tmp_path)
    before = environment.fingerprint("all"), environment.fingerprint("book")
    (tmp_path / "requirements.txt").write_text("a==2\n")
    after = environment.fingerprint("all"), environment.fingerprint("book")
    assert after[0] != before[0]
    assert after[1] == before[1]


def test_another_torch_index_is_another_environment(monkeypatch):
    """TORCH_INDEX reaches pip and the stamp."""
    monkeypatch.delenv("TORCH_INDEX", raising=False)
    before = environment.fingerprint("all")
    monkeypatch.setenv("TORCH_INDEX", "https://example.org/whl")
    assert environment.torch_source() == [
        "--extra-index-url",
        "https://example.org/whl",
    ]
    assert environment.fingerprint("all") != before


@pytest.fixture
def half(tmp_path, monkeypatch):
    """Make an environment that looks finished, and note what `ensure` then does."""
    home, done = tmp_path / ".venv", []
    (home / "bin").mkdir(parents=True)
    for name in environment.PROGRAMS["all"]:
        (home / "bin" / name).touch()
    (home / "bin" / "python").symlink_to(sys.executable)
    monkeypatch.setattr(environment, "HOME", home)
    monkeypatch.setattr(environment, "BIN", home / "bin")
    monkeypatch.setattr(environment, "PYTHON", home / "bin" / "python")
    (home / "installed-all").write_text(environment.fingerprint("all"))
    monkeypatch.setattr(environment, "run", lambda *words: done.append(words))

    def made(place, with_pip, clear):
        done.append(("venv", clear))

    monkeypatch.setattr(environment.venv, "create", made)
    return home, done


def test_a_whole_environment_is_left_alone(half):
    """Nothing is installed where everything stands."""
    environment.ensure("all")
    assert half[1] == []


@pytest.mark.parametrize("lost", ["python", "ruff", "jupyter-book"])
def test_a_half_deleted_environment_is_made_anew(half, lost, capsys):
    """A missing program, or python itself, is noticed and named; all is made again."""
    home, done = half
    (home / "bin" / lost).unlink()
    environment.ensure("all")
    assert f".venv has lost {lost}: making it anew." in capsys.readouterr().out
    assert done[0] == ("venv", True)
    assert any("--requirement" in words for words in done[1:])


def test_a_python_that_does_not_start_is_missing(half, capfd):
    """A link to an interpreter that is gone, or a broken file, counts as none."""
    home, _ = half
    (home / "bin" / "python").unlink()
    (home / "bin" / "python").symlink_to(home / "gone")
    assert environment.missing("all") == ["python"]
    (home / "bin" / "python").unlink()
    (home / "bin" / "python").write_text("#!/bin/sh\nexit 3\n")
    (home / "bin" / "python").chmod(0o755)
    assert environment.missing("all") == ["python"]


@pytest.fixture
def page(tmp_path):
    """Write a page into a small book and return what the audit says."""

    def faults(body: str, css: str = "") -> list[str]:
        (tmp_path / "other.html").write_text('<h1 id="there">Other</h1>')
        (tmp_path / "page.html").write_text(f'<h1 id="top">Page</h1>{body}')
        (tmp_path / "style.css").write_text(css)
        return audit.pages(tmp_path)

    return faults


@pytest.mark.parametrize(
    "body",
    [
        '<a href="missing.html">x</a>',
        '<a href="other.html#nowhere">x</a>',
        '<a href="#nowhere">x</a>',
        '<img src="missing.png">',
        '<img src="https://example.org/a.png">',
        '<script src="//example.org/a.js"></script>',
        '<link rel="preconnect" href="https://example.org">',
        "<style>@import 'https://example.org/a.css';</style>",
        '<p style="background: url(http://example.org/a.png)">x</p>',
        '<div class="output traceback highlight">Error</div>',
    ],
)
def test_audit_finds(page, body):
    """Each kind of fault is found."""
    assert len(page(body)) == 1


@pytest.mark.parametrize(
    "body",
    [
        '<a href="other.html#there">x</a><a href="#top">x</a>',
        '<a href="#top?rate=0.1&amp;depth=30">the state of a figure</a>',
        '<a href="https://example.org">a link is no resource</a>',
        '<a href="mailto:a@example.org">x</a>',
        '<img src="data:image/png;base64,AA==">',
        '<link rel="canonical" href="https://example.org/page.html">',
        '<div class="output text_plain">fine</div>',
    ],
)
def test_audit_is_content(page, body):
    """What is allowed is not reported."""
    assert page(body) == []


def test_audit_weighs_a_page_with_its_pictures(page, tmp_path):
    """A picture counts once however often it is shown."""
    (tmp_path / "a.png").write_bytes(bytes(audit.PAGE_BYTES - 1000))
    shown = '<img src="a.png">'
    assert page(2 * shown) == []
    (fault,) = page(shown + "x" * 1000)
    assert fault.startswith("page.html: weighs 2,50")


def test_audit_reads_style_sheets(page):
    """A font of another host in a style sheet is a fault."""
    assert len(page("", "@font-face{src:url(https://example.org/f.woff2)}")) == 1


def test_audit_finds_stored_errors(tmp_path):
    """An error among the stored outputs stops the build before Sphinx starts."""
    output = {
        "output_type": "error",
        "ename": "ValueError",
        "evalue": "",
        "traceback": [],
    }
    cells = [{"cell_type": "code", "source": "", "outputs": [output]}]
    (tmp_path / "chapters").mkdir()
    (tmp_path / "chapters" / "1.ipynb").write_text(json.dumps({"cells": cells}))
    assert audit.stored_errors(tmp_path) == [
        "chapters/1.ipynb: cell 1 ends in ValueError"
    ]


def test_nothing_committed_names_a_machine():
    """No tracked text holds a path of the machine it was written on."""
    try:
        listed = subprocess.run(
            ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True
        )
    except (FileNotFoundError, subprocess.CalledProcessError):
        pytest.skip("not a git checkout")
    paths = re.compile(rb"/(?:home|root|Users|work|tmp/bash)/[\w.-]+/")
    found = {}
    for name in listed.stdout.decode().split("\0"):
        file = ROOT / name
        if name and file.is_file() and (hit := paths.search(file.read_bytes())):
            found[name] = hit[0]
    assert found == {}
