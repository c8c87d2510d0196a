r"""Choose a device and make randomness explicit.

Nothing in the package draws from torch's global generator: a function that
needs random numbers takes a ``generator`` or a ``seed``. A generator on the
CPU gives the same numbers whatever device they are moved to, which is why it
is the default everywhere.
"""

import torch

from ._validate import check_count

__all__ = ["default_device", "generator", "seed_everything"]


def default_device(device: torch.device | str | None = None) -> torch.device:
    r"""Return the device asked for, or the fastest one that is present.

    Args:
        device: A device or its name; None asks for CUDA, then Apple's MPS,
            then the CPU.

    Returns:
        A ``torch.device`` on which tensors can be made.

    Raises:
        ValueError: If the device is unknown or not present on this machine.

    Example:
        >>> default_device("cpu")
        device(type='cpu')
    """
    present = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }
    if device is None:
        return torch.device(next(name for name, here in present.items() if here))
    names = ", ".join(name for name, here in present.items() if here)
    hint = f"present here: {names}"
    try:
        chosen = torch.device(device)
    except RuntimeError as error:
        raise ValueError(
            f"device: expected a device, got {device!r}; {hint}"
        ) from error
    if not present.get(chosen.type, True):
        raise ValueError(f"device: {device!r} is not present; {hint}")
    return chosen


def generator(seed: int, device: torch.device | str = "cpu") -> torch.Generator:
    r"""Make a generator that starts from ``seed``.

    Args:
        seed: Whole number from 0 to :math:`2^{32}-1`.
        device: Where its numbers are drawn; the CPU's are the same on every
            machine.

    Returns:
        A fresh generator, independent of torch's global one.

    Raises:
        TypeError: If the seed is not an integer.
        ValueError: If the seed is out of range.

    Example:
        >>> a = torch.rand(2, generator=generator(3))
        >>> b = torch.rand(2, generator=generator(3))
        >>> torch.equal(a, b)
        True

    Notes:
        Equal seeds give equal numbers *whatever they are used for*. Inputs and
        weights drawn from generators of the same seed are correlated: a ReLU
        layer fed with its own weights looks as if He's scale were too large.
        torch's CPU generator reads the low 32 bits of a seed only, so a larger
        one would silently repeat a smaller one; here it is refused.
    """
    return torch.Generator(device).manual_seed(_check_seed(seed))


def seed_everything(seed: int) -> None:
    r"""Seed the global generators of Python, NumPy and torch.

    The package itself does not need it; modules that draw from the global
    generator do (``torch.nn.Dropout``, the weights a ``torch.nn.Linear`` is
    born with).

    Args:
        seed: Whole number from 0 to :math:`2^{32}-1` (NumPy's limit).

    Raises:
        TypeError: If the seed is not an integer.
        ValueError: If the seed is out of range.

    Example:
        >>> seed_everything(0)
        >>> first = torch.rand(1)
        >>> seed_everything(0)
        >>> bool(first == torch.rand(1))
        True
    """
    import random

    import numpy as np

    number = _check_seed(seed)
    random.seed(number)
    # NumPy's global generator is the legacy one; there is no newer way to seed it.
    np.random.seed(number)  # ruff: ignore[numpy-legacy-random]
    torch.manual_seed(number)


def _check_seed(seed: int) -> int:
    number = check_count("seed", seed, least=0)
    if number >= 2**32:
        raise ValueError(
            f"seed: expected an integer < 2**32, got {seed!r}; torch would repeat "
            f"the numbers of seed {number % 2**32}"
        )
    return number
