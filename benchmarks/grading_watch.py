"""Watch a grading run from outside: what it holds, and what it has done, over time."""

from __future__ import annotations

import csv
import sqlite3
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import psutil

__all__ = ["Sample", "done", "load", "watch"]

CGROUPS = Path("/sys/fs/cgroup")


@dataclass(frozen=True)
class Sample:
    """Hold what a run had at one moment.

    Args:
        run: Number of the run; a run that was stopped is followed by another.
        seconds: Since its start.
        done: Submissions in the gradebook.
        coordinator: Its memory in MB, pages it shares with others by share (PSS).
        graders: The same of all its descendants that are no student's worker.
        cpu: Seconds of processor of the coordinator.
        cpu_all: The same with all its descendants, those that have ended included.
        processes: Descendants.
        files: Open files of the coordinator and of its graders.
        cgroups: Control groups that its graders made.
        temporary: Entries of its directory for temporary files.
    """

    run: int
    seconds: float
    done: int
    coordinator: float
    graders: float
    cpu: float
    cpu_all: float
    processes: int
    files: int
    cgroups: int
    temporary: int


def done(gradebook: Path) -> int:
    """Count what a gradebook holds; 0 if there is none yet, or it is locked."""
    try:
        with sqlite3.connect(f"file:{gradebook}?mode=ro", uri=True) as book:
            return book.execute("select count(*) from coursekit_outcome").fetchone()[0]
    except sqlite3.Error:
        return 0


def watch(
    number: int,
    run: psutil.Popen,
    root: Path,
    stop: Callable[[int], bool],
    every: float = 5.0,
) -> None:
    """Append samples to ``samples.csv`` until a run ends or has done enough."""
    begun = time.monotonic()
    while run.poll() is None:
        time.sleep(every)
        try:
            sample = _sample(number, run, root, time.monotonic() - begun)
        except (psutil.Error, OSError):
            continue  # a process ended while it was looked at
        _append(root / "samples.csv", sample)
        if stop(sample.done):
            return


def load(root: Path) -> list[Sample]:
    """Read the samples of all runs."""
    kinds = {f.name: int if f.type == "int" else float for f in fields(Sample)}
    with open(root / "samples.csv", encoding="utf-8", newline="") as file:
        rows = [
            {k: kinds[k](v) for k, v in row.items()} for row in csv.DictReader(file)
        ]
    return [Sample(**row) for row in rows]  # pyright: ignore


def _sample(number: int, run: psutil.Popen, root: Path, seconds: float) -> Sample:
    graders = run.children()
    below = run.children(recursive=True)
    lasting = [p for p in below if time.time() - p.create_time() > 30] or graders
    files = run.num_fds() + sum(p.num_fds() for p in graders)
    own = {str(p.pid) for p in (run, *graders)}
    names = [d.name.split("-") for d in CGROUPS.rglob("coursekit-*-*")]
    times = [p.cpu_times() for p in (run, *below) if p.is_running()]
    mine = run.cpu_times()
    return Sample(
        run=number,
        seconds=round(seconds, 1),
        done=done(root / "out" / "gradebook.db"),
        coordinator=round(_memory(run), 1),
        graders=round(sum(_memory(p) for p in lasting), 1),
        cpu=round(mine.user + mine.system, 2),
        cpu_all=round(sum(sum(t[:4]) for t in times), 2),
        processes=len(below),
        files=files,
        cgroups=sum(parts[1] in own for parts in names),
        temporary=len(list((root / "tmp").iterdir())),
    )


def _memory(process: psutil.Process) -> float:
    try:
        return process.memory_full_info().pss / 2**20
    except psutil.Error:
        return 0.0


def _append(path: Path, sample: Sample) -> None:
    new = not path.exists()
    with open(path, "a", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, [f.name for f in fields(Sample)])
        if new:
            writer.writeheader()
        writer.writerow(asdict(sample))
