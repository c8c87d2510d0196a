r"""The course's secret, and the hidden cases that are drawn from it.

The secret is 32 random bytes in a file that only its owner can read.  It never leaves
the coordinator: not into the sandbox, the output, the feedback or a command line.
The same secret and the same draw give the same cases, to every student.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
import stat
from pathlib import Path

import numpy as np

__all__ = ["DEFAULT", "draw", "load"]

DEFAULT = Path(".coursekit-secret")
N_BYTES = 32


def load(path: Path) -> bytes:
    """Read the secret, and make it if there is none yet.

    Args:
        path: Its file.

    Returns:
        The secret.

    Raises:
        ValueError: If others can read the file, or it is too short to be a secret.
    """
    try:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
        with open(os.open(path, flags, 0o600), "w", encoding="ascii") as file:
            file.write(secrets.token_hex(N_BYTES) + "\n")
    except FileExistsError:
        pass
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        raise ValueError(
            f"{path} can be read by others. It decides the hidden cases: "
            f"run `chmod 600 {path}` first."
        )
    secret = path.read_bytes().strip()
    if len(secret) < N_BYTES:
        raise ValueError(
            f"{path} has {len(secret)} characters, expected at least {N_BYTES}. "
            "Delete it to have a new one made; hidden cases then change."
        )
    return secret


def draw(secret: bytes, *names: str) -> np.random.Generator:
    """Make the generator from which the hidden cases of an exercise are drawn.

    Args:
        secret: The course's secret.
        *names: Lab, exercise and number of the draw.

    Returns:
        A generator that depends on all of them.

    Example:
        >>> a, b = (int(draw(b"s", "lab", "f").integers(2**62)) for _ in range(2))
        >>> a == b, a == int(draw(b"s", "lab", "g").integers(2**62))
        (True, False)
    """
    digest = hmac.new(secret, "\0".join(names).encode(), hashlib.sha256).digest()
    return np.random.default_rng(int.from_bytes(digest))
