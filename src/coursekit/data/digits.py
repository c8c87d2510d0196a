r"""Load the 8×8 handwritten digits, split and scaled with training statistics.

Scaling with the statistics of the whole set would leak the test set into
training; scaling every pixel by its own deviation blows up pixels that are
nearly always blank. Two scalings are offered for that reason:

.. math::

    x \leftarrow \frac{x - \mu_j}{\sigma_j + 0.1}   \qquad \text{(standard)} \\
    x \leftarrow \frac{x - \mu_j}{4.8}              \qquad \text{(global)}

with :math:`\mu_j, \sigma_j` the mean and deviation of pixel j over the
training part. Use *global* wherever inputs are shifted, rotated or noised:
there a blank pixel divided by 0.1 reaches values near 100.
"""

from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from .._validate import check_count, check_in

__all__ = ["Split", "digits"]

N_IMAGES = 1797
GLOBAL_SCALE = 4.8


class Split(NamedTuple):
    """Hold a training and a test part.

    Attributes:
        x_train: Training inputs, ``[n_train, d]``.
        y_train: Training targets, ``[n_train]``.
        x_test: Test inputs.
        y_test: Test targets.
    """

    x_train: Float[Tensor, "n_train d"]
    y_train: Int[Tensor, " n_train"]
    x_test: Float[Tensor, "n_test d"]
    y_test: Int[Tensor, " n_test"]


def digits(
    scaling: str = "standard",
    *,
    seed: int = 0,
    n_train: int = 1400,
    dtype: torch.dtype = torch.float32,
    device: torch.device | str | None = None,
) -> Split:
    r"""Return the digits as flat vectors of 64 pixels with labels 0 to 9.

    Args:
        scaling: ``"standard"`` (each pixel by its deviation + 0.1) or
            ``"global"`` (all pixels by one constant).
        seed: Decides which images are for training.
        n_train: Number of training images, 1 to 1796; the rest is the test
            part (397 by default).
        dtype: Floating-point type of the inputs.
        device: Where the tensors are put; None means the CPU.

    Shape:
        ``x_train [n_train, 64]``, ``y_train [n_train]`` (int64), the same for
        the test part.

    Returns:
        The split, scaled with the statistics of its training part.

    Raises:
        ValueError: If the scaling is unknown or ``n_train`` is out of range.

    Example:
        >>> split = digits()
        >>> split.x_train.shape, split.x_test.shape
        (torch.Size([1400, 64]), torch.Size([397, 64]))
        >>> bool(split.x_train.mean(0).abs().max() < 1e-6)
        True

    References:
        Alpaydin, Kaynak (1998), Optical Recognition of Handwritten Digits, UCI
        Machine Learning Repository; the copy that ships with scikit-learn.
    """
    check_in("scaling", scaling, ("standard", "global"))
    x, y, x_test, y_test = raw_digits(seed, n_train)
    mean, std = x.mean(0), x.std(0)
    divisor = std + 0.1 if scaling == "standard" else GLOBAL_SCALE

    def put(values: np.ndarray, kind: torch.dtype) -> Tensor:
        return torch.tensor(values, dtype=kind, device=device)

    return Split(
        put((x - mean) / divisor, dtype),
        put(y, torch.int64),
        put((x_test - mean) / divisor, dtype),
        put(y_test, torch.int64),
    )


def raw_digits(seed: int, n_train: int) -> tuple[np.ndarray, ...]:
    """Return the grey levels 0 to 16 of a training and a test part, unscaled.

    Args:
        seed: Decides which images are for training.
        n_train: Number of training images, 1 to 1796.

    Returns:
        Inputs and labels of the training part, then of the test part.

    Raises:
        ValueError: If ``n_train`` is out of range.
    """
    if check_count("n_train", n_train) >= N_IMAGES:
        raise ValueError(
            f"n_train: expected at most {N_IMAGES - 1}, got {n_train}; "
            "some images must remain for the test part"
        )
    x, y = _raw()
    seed = check_count("seed", seed, least=0)
    order = np.random.default_rng(seed).permutation(N_IMAGES)
    train, test = order[:n_train], order[n_train:]
    return x[train], y[train], x[test], y[test]


@cache
def _raw() -> tuple[np.ndarray, np.ndarray]:
    """Read scikit-learn's file, without the second that importing it takes.

    Returns:
        Grey levels and labels.
    """
    found = find_spec("sklearn")
    if found is not None and found.origin is not None:
        file = Path(found.origin).parent / "datasets" / "data" / "digits.csv.gz"
        if file.exists():
            table = np.loadtxt(file, delimiter=",")
            return table[:, :-1].copy(), table[:, -1].astype(np.int64)
    from sklearn.datasets import load_digits  # another version keeps it elsewhere

    x, y = load_digits(return_X_y=True)
    return np.asarray(x, dtype=np.float64), np.asarray(y)
