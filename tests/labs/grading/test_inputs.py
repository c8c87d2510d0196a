"""Notebooks as they really come: each is graded, or has a status that says why not."""

import csv
import json
import os
import socket
import stat

import pytest
from grading_notebooks import LAB, bare, code, released, solutions, submission

from coursekit.labs import lab
from coursekit.labs.grading.folder import printable, slug
from coursekit.labs.grading.gradebook import Gradebook
from coursekit.labs.grading.limits import Limits
from coursekit.labs.grading.run import grade

pytest.importorskip("nbgrader")
pytestmark = pytest.mark.sandbox
LIMITS = Limits(question=60, cell=60, submission=240)


def lines(text):
    return text.splitlines(keepends=True)


def changed(**changes):
    """Change the sources and metadata of a right notebook, cell by cell."""
    notebook = submission()
    for cell in notebook["cells"]:
        for key, change in changes.items():
            cell[key] = change(cell.get(key))
    return notebook


def vscode():
    """Give a notebook as VS Code saves it."""
    notebook = changed(metadata=lambda m: {**m, "vscode": {"languageId": "python"}})
    notebook["metadata"] = {
        "kernelspec": {
            "display_name": ".venv",
            "language": "python",
            "name": "python3",
        },
        "language_info": {"file_extension": ".py", "version": "3.12.1"},
        "orig_nbformat": 4,
    }
    return notebook


def colab():
    """Give a notebook as Colab saves it: no ids, installs, forms, a cell twice."""
    notebook = changed(metadata=lambda m: {"id": "AbC", "colab": {"base_uri": "x"}})
    setup = (
        "#@title Setup { run: 'auto' }\n!pip install -q coursekit\n"
        "%load_ext google.colab.data_table\n"
        "try:\n    from google.colab import drive\n    drive.mount('/content')\n"
        "except ImportError:\n    pass"
    )
    notebook["cells"].insert(0, code(setup))
    notebook["cells"].append(code("from google.colab import files\nfiles.upload()"))
    notebook["cells"].append(code(solutions()["he_std"]))
    notebook["metadata"] = {"colab": {"provenance": []}, "accelerator": "GPU"}
    return notebook


def stripped():
    """Give a notebook of which a tool has left as little as possible."""
    cells = [
        {"cell_type": cell["cell_type"], "source": cell["source"]}
        for cell in submission()["cells"]
    ]
    return {"cells": cells}


def with_strange_ids():
    """Give ids that occur twice, and that are those of the checks."""
    notebook = submission()
    mark = {"nbgrader": {"grade_id": "check_he_std", "points": 1000, "grade": True}}
    notebook["cells"] += [
        code("he_std = lambda *a: 1.0", **mark),
        code("x = 1", nbgrader={"grade_id": "he_std", "grade": True}),
        code("x = 2", nbgrader={"grade_id": "explain_flat_gradients"}),
        code("x = 3", nbgrader={"grade_id": ["he_std"]}),
        code("x = 4", nbgrader="he_std"),
    ]
    return notebook


def with_large_outputs():
    picture = {"output_type": "display_data", "metadata": {}, "data": {}}
    picture["data"] = {"image/png": "iVBORw0KGgo" * 10**6}
    notebook = submission()
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            cell["outputs"] = [picture, {"output_type": "execute_result", "data": 3}]
            break
    return notebook


def text(notebook):
    return json.dumps(notebook, ensure_ascii=False)


RIGHT = text(submission())
CONTENTS = {
    "vscode": text(vscode()).encode(),
    "colab": text(colab()).encode(),
    "stripped": text(stripped()).encode(),
    "no-kernel": text({**submission(), "metadata": {}}).encode(),
    "source-as-lists": text(
        changed(source=lambda s: lines(s if isinstance(s, str) else "".join(s)))
    ).encode(),
    "carriage-returns": text(
        changed(source=lambda s: "".join(s).replace("\n", "\r\n"))
    ).encode(),
    "crlf-file": json.dumps(submission(), indent=1).replace("\n", "\r\n").encode(),
    "byte-order-mark": b"\xef\xbb\xbf" + RIGHT.encode(),
    "utf-16": RIGHT.encode("utf-16"),
    "utf-16-no-mark": RIGHT.encode("utf-16-le"),
    "strange-ids": text(with_strange_ids()).encode(),
    "large-outputs": text(with_large_outputs()).encode(),
    "tabs": text(changed(source=lambda s: "".join(s).replace("    ", "\t"))).encode(),
    'o\'brien "é" `x` $(y)': RIGHT.encode(),
    "new\nline": RIGHT.encode(),
    "\u202egnirts\u202c": RIGHT.encode(),
    "\x1b[31mred\x07": RIGHT.encode(),
    "a" * 249: RIGHT.encode(),
    "-rf": RIGHT.encode(),
    "%s {x} \\": RIGHT.encode(),
    "latin-1": "é".encode("latin-1") + RIGHT.encode(),
    "html": b"<!doctype html><title>Sign in</title>",
    "python": solutions()["he_std"].encode(),
    "cut-off": RIGHT.encode()[: len(RIGHT) // 2],
    "two-in-one": (RIGHT + RIGHT).encode(),
    "zip": b"PK\x03\x04" + bytes(100),
    "conflict": RIGHT.replace("{", "<<<<<<< HEAD\n{", 1).encode(),
    "other-lab": text(bare("def adam_step(g): return g")).encode(),
    "unanswered": text(released()).encode(),
}
CORRUPT = (
    *(
        "utf-16-no-mark-cut",
        "latin-1",
        "html",
        "python",
        "cut-off",
        "two-in-one",
        "zip",
    ),
    *("conflict", "sparse", "folder-named", "broken-link", "pipe", "socket", "device"),
)
OTHERS = {"other-lab": "wrong lab", "unanswered": "missing answers"}


def special_files(folder):
    """Make what is no plain file, and name what can be made here."""
    with open(folder / "sparse.ipynb", "wb") as file:
        file.truncate(200 * 10**6)
    (folder / "folder-named.ipynb").mkdir()
    (folder / "folder-named.ipynb" / "lab.ipynb").write_text(RIGHT, encoding="utf-8")
    (folder / "broken-link.ipynb").symlink_to(folder / "nowhere")
    os.mkfifo(folder / "pipe.ipynb")
    names = ["sparse", "folder-named", "broken-link", "pipe"]
    here = os.getcwd()
    os.chdir(folder)  # the path of a socket is short
    try:
        with socket.socket(socket.AF_UNIX) as one:
            one.bind("socket.ipynb")
        names.append("socket")
        os.mknod("device.ipynb", 0o600 | stat.S_IFCHR, os.makedev(1, 5))
        names.append("device")
    except PermissionError:
        pass
    finally:
        os.chdir(here)
    return names


def litter(folder):
    """Leave what macOS and Jupyter leave."""
    for name in (".ipynb_checkpoints", "__MACOSX"):
        (folder / name).mkdir()
        (folder / name / "vscode-checkpoint.ipynb").write_text(RIGHT, encoding="utf-8")
    for name in ("._vscode.ipynb", "vscode.ipynb.bak", "vscode.pdf"):
        (folder / name).write_bytes(b"\0\5\x16\7")


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    root = tmp_path_factory.mktemp("inputs")
    folder = root / "submissions"
    folder.mkdir()
    for name, content in CONTENTS.items():
        (folder / f"{name}.ipynb").write_bytes(content)
    names = [*CONTENTS, *special_files(folder)]
    litter(folder)
    report = grade(
        LAB, folder, root / "out", secret=root / "secret", limits=LIMITS, progress=False
    )
    book = Gradebook(f"sqlite:///{root / 'out' / 'gradebook.db'}", lab(LAB))
    found = {o.student: o for _, o in book.graded()}
    book.close()
    return root / "out", report, names, found


def test_each_ends_in_a_status_that_fits(course):
    _, _, names, found = course
    assert set(found) == set(names)
    for name, outcome in found.items():
        fits = OTHERS.get(name, "corrupt" if name in CORRUPT else "ok")
        told = outcome.problem, outcome.cells, outcome.questions
        assert outcome.status == fits, (name, told)
        assert outcome.points == (21 if fits == "ok" else 0), (name, told)
        assert bool(outcome.problem) == (fits in ("corrupt", "wrong lab")), name


def test_nothing_is_passed_over_in_silence(course):
    _, report, names, _ = course
    assert report.graded == len(names)
    ignored = {"._vscode.ipynb", "__MACOSX", "vscode.ipynb.bak", "vscode.pdf"}
    assert set(report.ignored) == ignored


def test_each_has_a_row_and_a_page_under_a_harmless_name(course):
    out, _, names, _ = course
    with open(out / "grades.csv", encoding="utf-8", newline="") as file:
        shown = {row["student"].removeprefix("'") for row in csv.DictReader(file)}
    assert shown == {printable(name) for name in names}
    assert all(name.isprintable() for name in shown)
    pages = {path.name for path in (out / "feedback").iterdir()}
    assert {f"{slug(name)}.html" for name in names} <= pages
    assert all(page.isascii() and len(page) < 80 for page in pages)
