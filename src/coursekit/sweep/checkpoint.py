r"""Keep finished blocks on disk, so that a killed sweep goes on where it was.

A folder holds one ``.npz`` file a block, written beside and then put in place in
one piece. Each run in it is known by a fingerprint of everything that decides its
numbers: setting, data, model, loss, probes, number of updates. A sweep that is run
again, or a larger one that contains it, trains only what is missing. Several sweeps
may share a folder, also at the same time.

What a function calls in its turn is known by name alone
(``coursekit.sweep.identity``): after a change deep inside your code take another
folder.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from .birth import build
from .identity import digest
from .plan import Task
from .run import Job
from .setting import Setting
from .training import Record

__all__ = ["Checkpoint"]

# Of the file and of what a run means: files of another one are not found any more.
FORMAT = 1
FINISHED = ("done", "diverged", "stopped")
PARTS = ("probes", "parameters", "buffers")
UNREADABLE = (
    *(OSError, EOFError, ValueError, KeyError, IndexError, TypeError),
    *(zipfile.BadZipFile, zlib.error, NotImplementedError),
)


class Checkpoint:
    """Hold the folder of a sweep's finished runs.

    Args:
        folder: Made if it does not exist.
        job: What all runs share.
    """

    def __init__(self, folder: str | Path, job: Job) -> None:
        self.folder, self.job = Path(folder), job
        self.folder.mkdir(parents=True, exist_ok=True)
        shared = {
            "format": FORMAT,
            "data": job.data,
            "loss": job.loss,
            "probes": job.probes,
            "until": job.until,
            "device": job.device.type,
        }
        self.shared = digest(shared)
        self.keys: dict[int, str] = {}
        self.born: dict[str, str] = {}
        self.stored = self._read()

    def name(self, task: Task) -> None:
        """Name the runs of a block by everything that decides their numbers.

        Args:
            task: The block; ``keys`` then has a digest for each of its rows.
        """
        settings = [self.job.settings[row] for row in task.rows]
        words = settings[0].model
        born = self.born.get(digest(words)) or self._birth(words)
        # the last moment is the end
        bucket = [self.shared, born, task.path, list(task.moments)]
        for row, setting in zip(task.rows, settings, strict=True):
            text = json.dumps([*bucket, _words(setting)])
            self.keys[row] = hashlib.sha256(text.encode()).hexdigest()

    def _birth(self, words: Mapping[str, Any]) -> str:
        # what the factory makes, once for all seeds, stands for its code
        plain = Setting(shown={}, model=words)
        few = self.job.data.few(2)
        made = digest(build(self.job.model, plain, self.job.dtype, few))
        return self.born.setdefault(digest(words), made)

    def found(self, task: Task) -> tuple[list[tuple[Task, Record]], Task]:
        """Take from a block what is there already.

        Args:
            task: The block.

        Returns:
            Its finished runs, each with its record, and the rest of the block.
        """
        self.name(task)
        known = [
            (replace(task, rows=(row,)), self.stored[self.keys[row]])
            for row in task.rows
            if self.keys[row] in self.stored
        ]
        rest = tuple(row for row in task.rows if self.keys[row] not in self.stored)
        return known, replace(task, rows=rest)

    def save(self, task: Task, record: Record) -> None:
        """Write the finished runs of a block, all or nothing.

        Args:
            task: A block whose runs have names, or a part of it.
            record: What came of it.
        """
        rows = [i for i, status in enumerate(record.status) if status in FINISHED]
        if not rows:
            return
        arrays = {
            "losses": _array(record.losses[rows]),
            "updates": _array(record.updates[rows]),
            "status": np.array([record.status[i] for i in rows]),
            "keys": np.array([self.keys[task.rows[i]] for i in rows]),
        }
        for part in PARTS:
            for name, value in getattr(record, part).items():
                arrays[f"{part}/{name}"] = _array(value[rows])
        name = hashlib.sha256("".join(arrays["keys"]).encode()).hexdigest()[:24]
        with tempfile.NamedTemporaryFile(
            dir=self.folder, prefix="unfinished-", delete=False
        ) as file:
            try:
                np.savez(file, **arrays)  # type: ignore[arg-type]
            except BaseException:
                os.unlink(file.name)
                raise
        os.replace(file.name, self.folder / f"{name}.npz")

    def _read(self) -> dict[str, Record]:
        # a file that cannot be read is passed over: its runs are trained again
        found: dict[str, Record] = {}
        for path in sorted(self.folder.glob("*.npz")):
            try:
                with np.load(path) as file:
                    arrays = {name: file[name] for name in file.files}
                keys = arrays["keys"].tolist()
                found |= {key: _one(arrays, i) for i, key in enumerate(keys)}
            except UNREADABLE:
                continue
        return found


def _words(setting: Setting) -> str:
    words = {f.name: getattr(setting, f.name) for f in fields(setting)}
    del words["shown"]
    return digest(words)


def _array(value: Tensor) -> np.ndarray:
    # NumPy has no bfloat16; the wider type holds the same numbers
    wide = value.float() if value.dtype == torch.bfloat16 else value
    return wide.detach().cpu().numpy()


def _one(arrays: Mapping[str, np.ndarray], row: int) -> Record:
    if any(len(arrays["keys"]) != len(value) for value in arrays.values()):
        raise ValueError("arrays of different lengths")

    def part(name: str) -> dict[str, Tensor]:
        prefix = f"{name}/"
        return {
            key.removeprefix(prefix): torch.from_numpy(value[row : row + 1])
            for key, value in arrays.items()
            if key.startswith(prefix)
        }

    return Record(
        torch.from_numpy(arrays["losses"][row : row + 1]),
        torch.from_numpy(arrays["updates"][row : row + 1]),
        [str(arrays["status"][row])],
        *(part(name) for name in PARTS),
    )
