r"""The command ``coursekit mark``: nbgrader's formgrader on the results of a lab."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from coursekit.cli.status import GRADEBOOK

__all__ = ["add_mark"]

DESCRIPTION = (
    "Start JupyterLab in the folder of the results, and say which address shows "
    "formgrader. Afterwards run `coursekit grade` again: it takes points and comments "
    "into the table and the pages."
)
VARIABLE = "COURSEKIT_GRADEBOOK"  # not an argument: anyone here can list those
CONFIG = f"""\
import os

c = get_config()
c.CourseDirectory.db_url = os.environ["{VARIABLE}"]
c.FormgradeExtension.debug = False  # it would show this on a page
"""


def add_mark(commands: Any) -> None:
    """Add ``mark`` to the commands.

    Args:
        commands: What `argparse.ArgumentParser.add_subparsers` gives.
    """
    one = commands.add_parser(
        "mark",
        help="mark the written questions in nbgrader's formgrader",
        description=DESCRIPTION,
    )
    one.add_argument("out", metavar="OUT", type=Path, help="folder of the results")
    one.add_argument("--port", type=int, default=8888, help="(default: %(default)s)")
    one.add_argument("--no-browser", action="store_true", help="open no browser")
    one.add_argument("--gradebook", metavar="URL", help=GRADEBOOK)
    one.set_defaults(run=_mark)


def _mark(options: argparse.Namespace) -> int:
    from coursekit.labs.grading.database import database, is_graded

    if not (options.gradebook or is_graded(options.out)):
        raise ValueError(f"{options.out} holds no gradebook.db; grade a lab first.")
    url = database(options.out, options.gradebook)
    command = [sys.executable, "-m", "jupyterlab", f"--port={options.port}"]
    command += ["--ServerApp.default_url=/formgrader/gradebook"]
    command += ["--ServerApp.port_retries=0"]  # the address below has to be right
    command += ["--no-browser"] * options.no_browser
    print(f"Open http://localhost:{options.port}/formgrader/gradebook", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "nbgrader_config.py").write_text(CONFIG, encoding="utf-8")
        env = _environment(folder, url.render_as_string(hide_password=False))
        return subprocess.run(command, cwd=options.out, env=env).returncode


def _environment(folder: str, url: str) -> dict[str, str]:
    """Let Jupyter find nbgrader's settings, and programs of this environment.

    Returns:
        Variables of the process.
    """
    env = {**os.environ, VARIABLE: url}
    more = {"PATH": str(Path(sys.executable).parent), "JUPYTER_CONFIG_PATH": folder}
    for name, first in more.items():
        env[name] = os.pathsep.join([first, *filter(None, [env.get(name)])])
    return env
