"""Make the virtual environment that the commands run in, and keep it up to date.

Only the standard library is used here: this is what runs on a fresh machine.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HOME = ROOT / ".venv"
BIN = HOME / ("Scripts" if os.name == "nt" else "bin")
PYTHON = BIN / ("python.exe" if os.name == "nt" else "python")
TORCH = "torch==2.13.0"
CONSTRAINTS = ["--constraint", "constraints.txt"]
FILES = {
    "book": ["book/requirements.txt", "constraints.txt", "pyproject.toml"],
    "all": [
        "requirements.txt",
        "book/requirements.txt",
        "constraints.txt",
        "pyproject.toml",
    ],
}

# what the commands call by name: gone when somebody has deleted half of it
PROGRAMS = {
    "book": ["jupyter-book"],
    "all": ["jupyter-book", "jupyter", "pytest", "ruff", "pyright"],
}

# one thread a process and a fixed hash: what is run again must say the same again
ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "PYTHONHASHSEED": "0",
    "JUPYTER_PLATFORM_DIRS": "1",
}


class Failed(Exception):
    """A command ended badly; its output says why."""


def run(*command: str | Path, env: dict[str, str] | None = None) -> None:
    """Run a command in the repository; raise `Failed` if it fails."""
    settings = os.environ | (env or {})
    done = subprocess.run([str(c) for c in command], cwd=ROOT, env=settings)
    if done.returncode:
        words = " ".join(str(c) for c in command)
        raise Failed(f"'{words}' ended with exit status {done.returncode}.")


def fingerprint(kind: str) -> str:
    """Hash everything that decides what must be installed."""
    digest = hashlib.sha256(f"{sys.version_info[:2]} {torch_source()}".encode())
    for name in FILES[kind]:
        digest.update((ROOT / name).read_bytes())
    return digest.hexdigest()


def torch_source() -> list[str]:
    """Turn the variable TORCH_INDEX into pip's arguments; empty if it is not set."""
    index = os.environ.get("TORCH_INDEX")
    return ["--extra-index-url", index] if index else []


def ensure(kind: str) -> None:
    """Install the environment for the ``book`` or for ``all``, unless it stands."""
    stamp = HOME / f"installed-{kind}"
    stands = stamp.exists() and stamp.read_text() == fingerprint(kind)
    lost = missing(kind)
    if stands and not lost:
        return
    if stands:
        print(f"{HOME.name} has lost {', '.join(lost)}: making it anew.", flush=True)
    create(anew=stands)
    print(f"Installing what '{kind}' needs into {HOME.name} (once) …", flush=True)
    pip = [PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    if kind == "all":
        run(*pip, TORCH, *torch_source(), *CONSTRAINTS)
        run(*pip, "--requirement", "requirements.txt", *CONSTRAINTS)
    else:
        run(*pip, "--requirement", "book/requirements.txt", *CONSTRAINTS)
    run(*pip, "--no-deps", "--editable", ".")
    # the whole environment contains the book's
    for done in ("book", "all") if kind == "all" else ("book",):
        (HOME / f"installed-{done}").write_text(fingerprint(done))


def missing(kind: str) -> list[str]:
    """Name the programs that the environment must hold and does not, or cannot run."""
    suffix = PYTHON.suffix
    lost = [n for n in PROGRAMS[kind] if not (BIN / f"{n}{suffix}").exists()]
    runs = PYTHON.exists() and not subprocess.run([PYTHON, "-c", ""]).returncode
    return lost if runs else ["python", *lost]


def create(anew: bool = False) -> None:
    """Create the virtual environment if there is none, or in place of what is left."""
    if sys.version_info < (3, 11):  # ruff: ignore[outdated-version-block]
        found = ".".join(map(str, sys.version_info[:3]))
        raise Failed(
            f"Python {found} was found, 3.11 or newer is needed. "
            "Name another one: make PYTHON=python3.12 …"
        )
    if PYTHON.exists() and not anew:
        return
    try:
        venv.create(HOME, with_pip=True, clear=anew)
    except subprocess.CalledProcessError as error:
        raise Failed(
            "Python's 'venv' module could not make an environment with pip. "
            "On Debian and Ubuntu: apt-get install python3-venv, then delete .venv."
        ) from error
