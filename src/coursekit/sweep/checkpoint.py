r"""Keep finished blocks on disk, so that a killed sweep goes on where it was.

A folder holds one ``.npz`` file a block, written in one piece. Each run in it is
known by a fingerprint of everything that decides its numbers: its setting, the
data, the model, the loss, the probes and the number of updates. A sweep that is
run again, or a larger one that contains it, trains only what is missing.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from .run import Job
from .training import Record

__all__ = ["Checkpoint", "fingerprint"]

FINISHED = ("done", "diverged", "stopped")
PARTS = ("probes", "parameters", "buffers")


def fingerprint(job: Job, row: int, steps: int, model: nn.Module, data: str) -> str:
    """Name a run by everything that decides its numbers.

    Args:
        job: What all runs share.
        row: Position of the setting.
        steps: Its number of updates.
        model: A network of its bucket.
        data: Digest of the data.

    Returns:
        A hexadecimal digest. A function in a setting enters by its name alone.
    """
    shapes = [(name, tuple(p.shape)) for name, p in model.named_parameters()]
    words = [
        sorted((name, repr(value)) for name, value in job.settings[row].shown.items()),
        *(steps, repr(model), shapes, data, str(job.dtype)),
        *(getattr(job.loss, "__name__", job.loss), sorted(job.probes)),
        *(list(job.moments), sorted(job.until.items())),
    ]
    return hashlib.sha256(json.dumps(words, default=str).encode()).hexdigest()


def digest(tensors: Sequence[Tensor | None]) -> str:
    """Hash the numbers of some tensors.

    Args:
        tensors: The tensors; None counts as well.

    Returns:
        A hexadecimal digest.
    """
    sha = hashlib.sha256()
    for tensor in tensors:
        if tensor is not None:
            array = tensor.detach().cpu().contiguous()
            sha.update(f"{array.dtype}{tuple(array.shape)}".encode())
            sha.update(array.flatten().view(torch.uint8).numpy().tobytes())
        sha.update(b"|")
    return sha.hexdigest()


class Checkpoint:
    """Hold the folder of a sweep's finished blocks.

    Args:
        folder: Made if it does not exist.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)

    def save(self, record: Record, keys: Sequence[str]) -> None:
        """Write the finished runs of a block, all or nothing.

        Args:
            record: The block's record.
            keys: Fingerprints of its runs.
        """
        rows = [i for i, status in enumerate(record.status) if status in FINISHED]
        if not rows:
            return
        arrays = {
            "losses": record.losses[rows].numpy(),
            "updates": record.updates[rows].numpy(),
            "status": np.array([record.status[i] for i in rows]),
            "keys": np.array([keys[i] for i in rows]),
        }
        for part in PARTS:
            for name, value in getattr(record, part).items():
                arrays[f"{part}/{name}"] = value[rows].numpy()
        with tempfile.NamedTemporaryFile(dir=self.folder, delete=False) as file:
            np.savez(file, **arrays)  # type: ignore[arg-type]
        os.replace(file.name, self.folder / f"{arrays['keys'][0][:16]}.npz")

    def load(self, wanted: Sequence[str]) -> dict[str, Record]:
        """Read the runs that are there.

        Args:
            wanted: Fingerprints.

        Returns:
            Fingerprint to the record of that one run. A file that cannot be read
            is passed over: its runs are trained again.
        """
        found: dict[str, Record] = {}
        for path in sorted(self.folder.glob("*.npz")):
            try:
                with np.load(path) as arrays:
                    for i, key in enumerate(arrays["keys"].tolist()):
                        if key in wanted:
                            found[key] = _one(arrays, i)
            except (OSError, ValueError, KeyError, EOFError):
                continue
        return found


def _one(arrays: np.lib.npyio.NpzFile, row: int) -> Record:
    def part(name: str) -> dict[str, Tensor]:
        prefix = f"{name}/"
        return {
            key.removeprefix(prefix): torch.from_numpy(arrays[key][row : row + 1])
            for key in arrays.files
            if key.startswith(prefix)
        }

    return Record(
        torch.from_numpy(arrays["losses"][row : row + 1]),
        torch.from_numpy(arrays["updates"][row : row + 1]),
        [str(arrays["status"][row])],
        *(part(name) for name in PARTS),
    )
