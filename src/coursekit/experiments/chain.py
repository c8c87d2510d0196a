r"""Multiply one factor by itself, as a gradient does on its way through equal layers.

In a chain of single units with weight w and every pre-activation at z,

.. math::

    \delta^{l} = \varphi'(z)\, w\, \delta^{l+1} \qquad (1) \\
    \delta^{0} = \bigl(\varphi'(z)\, w\bigr)^{L}\, \delta^{L} \qquad (2)

It is the Python twin of the closed form ``chain`` of :mod:`coursekit.figures`.
"""

from __future__ import annotations

import numpy as np

__all__ = ["ACTIVATIONS", "STEPS", "chain", "slope"]

ACTIVATIONS = ("sigmoid", "tanh", "ReLU")
STEPS = 60
GRID = np.round(np.arange(-6, 6.01, 0.1), 1)


def slope(activation: str, z: np.ndarray | float) -> np.ndarray:
    r"""Return φ′(z) of a sigmoid, a tanh or a rectifier.

    Args:
        activation: One of `ACTIVATIONS`.
        z: Where.

    Returns:
        The slopes; 0 for ReLU at 0.

    Example:
        >>> float(slope("sigmoid", 0.0)), float(slope("tanh", 0.0))
        (0.25, 1.0)
    """
    z = np.asarray(z, dtype=float)
    if activation == "ReLU":
        return (z > 0) * 1.0
    half = z / 2 if activation == "sigmoid" else z
    height = 0.25 if activation == "sigmoid" else 1.0
    return height * (1 - np.tanh(half) ** 2)


def chain(activation: str, z: float, weight: float, depth: float) -> dict[str, object]:
    """Return the slope and what is left of δ after each of up to 60 layers.

    Args:
        activation: One of `ACTIVATIONS`.
        z: Pre-activation of every unit.
        weight: Weight between the units.
        depth: Number of layers.

    Returns:
        ``curve`` over the grid of z; ``delta`` and ``bare`` over 0 … 60 steps back,
        with and without the weight, NaN beyond the depth; the numbers ``here``
        (z), ``slope``, ``factor`` and ``total``; flags ``off``, ``level``, ``grows``,
        ``flat`` (the slope is below a tenth of its largest).

    Example:
        >>> f"{chain('sigmoid', 0.0, 1.0, 10)['total']:.1e}"
        '9.5e-07'
    """
    here = float(slope(activation, z))
    factor, back = here * weight, np.arange(STEPS + 1)
    shown = np.where(back <= depth, 1.0, np.nan)
    top = 0.25 if activation == "sigmoid" else 1.0
    level = abs(factor - 1) < 1e-9
    return {
        "curve": slope(activation, GRID),
        "delta": factor**back * shown,  # (2)
        "bare": here**back * shown,
        "here": z,
        "slope": here,
        "factor": factor,
        "total": factor**depth,
        "off": int(here == 0),
        "level": int(level),
        "grows": int(factor > 1 and not level),
        "flat": int(here < top / 10),
    }
