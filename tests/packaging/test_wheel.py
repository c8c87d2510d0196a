"""The wheel in an empty environment: nothing of the checkout helps it there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.packaging

CHECKS = """
import json
from coursekit.labs import check, exercises

def wrong(*args, **kwargs):
    return "no tensor"

def missing(*args, **kwargs):
    raise NotImplementedError

print(json.dumps({
    name: [check(name, f).passed for f in (exercise.reference, wrong, missing)]
    for name, exercise in exercises().items()
}))
"""


def run(*command: str | Path, cwd: Path) -> str:
    """Run a command outside the checkout and return what it says."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    done = subprocess.run(
        [str(c) for c in command], cwd=cwd, env=clean, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """Build the wheel."""
    folder = tmp_path_factory.mktemp("wheel")
    run(
        *(sys.executable, "-m", "build", "--wheel", "--outdir", folder, ROOT),
        cwd=folder,
    )
    return next(folder.glob("coursekit-*.whl"))


@pytest.fixture(scope="module")
def empty(wheel, tmp_path_factory) -> Path:
    """Install the wheel alone, with its dependencies, into a new environment."""
    folder = tmp_path_factory.mktemp("empty")
    venv.create(folder / "env", with_pip=True)
    index = os.environ.get("TORCH_INDEX")
    run(
        *(folder / "env" / "bin" / "python", "-m", "pip", "install", "--quiet"),
        *(["--extra-index-url", index] if index else []),
        *("--constraint", ROOT / "constraints.txt", wheel),
        cwd=folder,
    )
    return folder


def test_wheel_holds_every_file_of_the_package(wheel):
    """Scripts of the figures and other data travel; tests and caches do not."""
    source = ROOT / "src"
    expected = {
        path.relative_to(source).as_posix()
        for path in (source / "coursekit").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    held = {
        name
        for name in zipfile.ZipFile(wheel).namelist()
        if not name.split("/")[0].endswith(".dist-info")
    }
    assert held == expected
    assert any(name.endswith(".js") for name in held)


def test_lab_checks_run_there(empty):
    """Each check passes its own reference and no wrong or missing answer."""
    results = json.loads(run(empty / "env/bin/python", "-c", CHECKS, cwd=empty))
    assert results
    assert all(passed == [True, False, False] for passed in results.values()), results


def test_command_line_speaks(empty):
    """`coursekit --help` names its commands, without nbgrader installed."""
    assert "grade" in run(empty / "env/bin/coursekit", "--help", cwd=empty)


FIGURE = """
from coursekit.figures import Array, Cube, Dim, Figure, Lines, Say, Slider

x, gain = Dim("x", "layer", range(5)), Dim("gain", "gain g", [1.0, 2.0])
y = Array([[1, 1, 1, 1, 1], [1, 2, 4, 8, 16]], ["gain", "x"], "i16")
figure = Figure(
    "wheel", "Does it travel?", Cube([x, gain], {"y": y}, {}),
    panels=[Lines(x="x", y="y", alt="Powers of the gain.")],
    controls=[Slider("gain")], start={"gain": 1.0},
    says=[Say("Gain {gain}.")], alt="Powers of the gain.",
)
print(figure._repr_mimebundle_()["text/html"])
"""


def test_a_live_figure_is_made_there(empty):
    """The scripts of the figures are found inside the wheel and inlined."""
    html = run(empty / "env/bin/python", "-c", FIGURE, cwd=empty)
    assert "<script" in html
    assert len(html) > 20_000
