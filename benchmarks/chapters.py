"""Execute every chapter and lab source, and print its seconds beside what is allowed.

The notebooks are executed in memory; nothing is stored. Wall time says little on a busy
machine, so the processor's time of the kernel and its children is printed with it. Name
notebooks to measure only those; ``COURSEKIT_FULL=1`` measures the full size.
"""

from __future__ import annotations

import os
import resource
import sys
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient

ROOT = Path(__file__).resolve().parent.parent
FAST, FULL = 60, 600


def processor_seconds() -> float:
    """Read the processor time of all children that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def execute(path: Path) -> tuple[float, float]:
    """Execute a notebook where it stands.

    Args:
        path: The notebook; its stored outputs are left alone.

    Returns:
        Seconds of the processor and on the wall.
    """
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(
        notebook,
        timeout=2 * FULL,
        kernel_name="python3",
        allow_errors=path.parent.name == "source",
        resources={"metadata": {"path": str(path.parent)}},
    )
    used, start = processor_seconds(), time.perf_counter()
    client.execute()
    return processor_seconds() - used, time.perf_counter() - start


def main(names: list[str]) -> None:
    """Print a line a notebook.

    Args:
        names: Paths of notebooks; all chapters and lab sources if empty.
    """
    os.environ |= {"OMP_NUM_THREADS": "1", "PYTHONHASHSEED": "0"}
    allowed = FULL if os.environ.get("COURSEKIT_FULL") == "1" else FAST
    found = [*ROOT.glob("chapters/*.ipynb"), *ROOT.glob("labs/source/*.ipynb")]
    for path in [Path(name).resolve() for name in names] or sorted(found):
        used, wall = execute(path)
        print(
            f"{path.relative_to(ROOT).as_posix():42} {used:6.1f} s of processor, "
            f"{wall:6.1f} s on the wall, {used / allowed:.2f} of {allowed} s allowed",
            flush=True,
        )


if __name__ == "__main__":
    main(sys.argv[1:])
