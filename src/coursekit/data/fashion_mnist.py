r"""Load Fashion-MNIST: 70 000 grey images of clothes, 28×28, in ten classes.

As easy to handle as MNIST and not as easy to solve: a linear model reaches about 84 %,
a small CNN 91 %. It needs a download of 31 MB, once; no chapter and no test of this
book depends on it.
"""

import os
from collections.abc import Sequence

import numpy as np
import torch

from .digits import Split
from .download import RemoteFile, cache_dir, fetch
from .idx import read_idx
from .images import image_split

__all__ = ["FASHION_CLASSES", "fashion_mnist"]

FASHION_CLASSES = (
    *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"),
    *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
)
MIRRORS = (
    "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion",
    "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com",
)
FILES = (
    RemoteFile(
        "train-images-idx3-ubyte.gz",
        26_421_880,
        "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
    ),
    RemoteFile(
        "train-labels-idx1-ubyte.gz",
        29_515,
        "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
    ),
    RemoteFile(
        "t10k-images-idx3-ubyte.gz",
        4_422_102,
        "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
    ),
    RemoteFile(
        "t10k-labels-idx1-ubyte.gz",
        5_148,
        "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
    ),
)


def fashion_mnist(
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
    r"""Return Fashion-MNIST, from the cache or, the first time, from the network.

    Args:
        n_train: Number of training images, picked by the seed; None takes all
            60 000, in their order.
        n_test: Number of test images; None takes all 10 000.
        flatten: Whether an image is a row of 784 numbers.
        seed: Decides which images are picked.
        dtype: Floating-point type of the images.
        device: Where the tensors are put; None means the CPU.
        mirrors: Addresses of folders that hold the four files, tried in order.
        cache: Folder of downloads; None takes ``$COURSEKIT_CACHE`` or the
            user's cache folder.
        progress: Whether the download shows a bar.

    Shape:
        ``x_train [n_train, 1, 28, 28]``, or ``[n_train, 784]``; ``y_train
        [n_train]`` (int64), numbers of ``FASHION_CLASSES``.

    Returns:
        The official split, scaled with the mean and deviation of all training
        pixels.

    Raises:
        DownloadError: If a file is neither in the cache nor to be had.
        ValueError: If a file is not what it should be, or too many images are
            asked for.

    Notes:
        The sums are SHA-256 of the files of the official repository; the
        authors publish MD5 sums of the same files.

    References:
        Xiao, Rasul, Vollgraf (2017), Fashion-MNIST: a novel image dataset for
        benchmarking machine learning algorithms, arXiv 1708.07747.
    """
    folder = cache_dir(cache) / "fashion-mnist"
    paths = [fetch(file, mirrors, folder, progress=progress) for file in FILES]
    images = [read_idx(path, 3)[:, None] for path in paths[::2]]
    labels = [read_idx(path, 1) for path in paths[1::2]]
    for x, y in zip(images, labels, strict=True):
        _check(x, y)
    return image_split(
        (images[0], labels[0]),
        (images[1], labels[1]),
        n_train=n_train,
        n_test=n_test,
        flatten=flatten,
        seed=seed,
        dtype=dtype,
        device=device,
    )


def _check(x: np.ndarray, y: np.ndarray) -> None:
    if len(x) != len(y) or int(y.max()) >= len(FASHION_CLASSES):
        raise ValueError(
            f"expected a label from 0 to 9 for each image, got {len(x)} images, "
            f"{len(y)} labels up to {int(y.max())}; empty the cache folder"
        )
