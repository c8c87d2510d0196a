"""Node's own test runner on the modules that need no page."""

import shutil
import subprocess
from pathlib import Path

import pytest

from coursekit.figures.modules import JS


def test_modules_pass_their_own_tests():
    if shutil.which("node") is None:
        pytest.skip("node is not installed")
    tests = sorted(map(str, (Path(__file__).parent / "js").glob("*.test.mjs")))
    done = subprocess.run(
        ["node", "--test", *tests],
        capture_output=True,
        text=True,
        env={"PATH": "/usr/bin:/bin:/usr/local/bin", "FIGURES_JS": JS.as_uri()},
    )
    assert done.returncode == 0, done.stdout[-4000:]
    assert "# fail 0" in done.stdout
