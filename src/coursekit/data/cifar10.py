r"""Load CIFAR-10: 60 000 colour images, 32×32, of ten kinds of things.

The smallest set of natural images on which depth, normalization and augmentation
matter as they do on large ones. It needs a download of 170 MB, once; no chapter and no
test of this book depends on it.

The set is distributed in three forms. The one for Python is pickled, and to unpickle a
file is to run the program in it; this loader reads the *binary* form, in which an image
is a byte for its label and 3 × 1024 bytes for the red, green and blue pixels, row by
row. Members of the archive are read by name and never unpacked to disk, so an archive
cannot write outside of its folder.
"""

import os
import tarfile
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from .digits import Split
from .download import RemoteFile, cache_dir, fetch
from .images import image_split

__all__ = ["CIFAR10_CLASSES", "cifar10"]

CIFAR10_CLASSES = (
    *("airplane", "automobile", "bird", "cat", "deer"),
    *("dog", "frog", "horse", "ship", "truck"),
)
MIRRORS = ("https://www.cs.toronto.edu/~kriz",)
ARCHIVE = RemoteFile(
    "cifar-10-binary.tar.gz",
    170_052_171,
    "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
)
FOLDER = "cifar-10-batches-bin"
TRAIN = tuple(f"{FOLDER}/data_batch_{number}.bin" for number in range(1, 6))
TEST = (f"{FOLDER}/test_batch.bin",)
PER_FILE = 10_000
RECORD = 1 + 3 * 32 * 32


def cifar10(
    *,
    n_train: int | None = None,
    n_test: int | None = None,
    flatten: bool = False,
    seed: int = 0,
    dtype: torch.dtype = torch.float32,
    device: torch.device | str | None = None,
    mirrors: Sequence[str] = MIRRORS,
    cache: str | os.PathLike[str] | None = None,
    progress: bool = True,
) -> Split:
    r"""Return CIFAR-10, from the cache or, the first time, from the network.

    Args:
        n_train: Number of training images, picked by the seed; None takes all
            50 000, in their order (614 MB in float32).
        n_test: Number of test images; None takes all 10 000.
        flatten: Whether an image is a row of 3072 numbers.
        seed: Decides which images are picked.
        dtype: Floating-point type of the images.
        device: Where the tensors are put; None means the CPU.
        mirrors: Addresses of folders that hold the archive, tried in order.
        cache: Folder of downloads; None takes ``$COURSEKIT_CACHE`` or the
            user's cache folder.
        progress: Whether the download shows a bar.

    Shape:
        ``x_train [n_train, 3, 32, 32]``, or ``[n_train, 3072]``; ``y_train
        [n_train]`` (int64), numbers of ``CIFAR10_CLASSES``.

    Returns:
        The official split, each channel scaled with its mean and deviation over
        the training images.

    Raises:
        DownloadError: If the archive is neither in the cache nor to be had.
        ValueError: If it is not what it should be, or too many images are asked
            for.

    References:
        Krizhevsky (2009), Learning multiple layers of features from tiny images,
        technical report, University of Toronto.
    """
    path = fetch(ARCHIVE, mirrors, cache_dir(cache) / "cifar-10", progress=progress)
    found = _read(path, {*TRAIN, *TEST})
    train, test = (
        np.concatenate([found[name] for name in part]) for part in (TRAIN, TEST)
    )
    return image_split(
        _parts(train, path),
        _parts(test, path),
        n_train=n_train,
        n_test=n_test,
        flatten=flatten,
        seed=seed,
        dtype=dtype,
        device=device,
    )


# Only ordinary files of the right name and length are read.
def _read(path: Path, names: set[str]) -> dict[str, np.ndarray]:
    found, size = {}, PER_FILE * RECORD
    try:
        with tarfile.open(path, "r:gz") as archive:
            for member in archive:
                if member.name not in names or not member.isreg():
                    continue
                if member.size != size:
                    raise ValueError(f"{member.name} of {member.size} bytes for {size}")
                content = archive.extractfile(member).read()  # type: ignore[union-attr]
                records = np.frombuffer(content, dtype=np.uint8)
                found[member.name] = records.reshape(PER_FILE, RECORD)
    except (tarfile.TarError, EOFError, OSError, zlib.error, ValueError) as error:
        raise ValueError(
            f"{path}: expected the binary form of CIFAR-10, got {error}; delete it "
            "and load it again"
        ) from error
    if missing := sorted(names - set(found)):
        raise ValueError(f"{path}: expected files that are not in it: {missing}")
    return found


def _parts(records: np.ndarray, path: Path) -> tuple[np.ndarray, np.ndarray]:
    y, x = records[:, 0].copy(), records[:, 1:].reshape(-1, 3, 32, 32).copy()
    if int(y.max()) >= len(CIFAR10_CLASSES):
        raise ValueError(f"{path}: expected labels 0 to 9, got {int(y.max())}")
    return x, y
