r"""Two wells of equal depth, one narrow: what a shift costs, and when noise leaves.

.. math::

    L(x) &= \min\bigl(\tfrac12 R\,(x+1)^2,\ \tfrac12 (x-1)^2\bigr) \qquad (1) \\
    x_t &= x_{t-1} - \eta\Bigl(L'(x_{t-1}) + \frac{\sigma\,\xi_t}{\sqrt B}\Bigr)
    \qquad (2)

with independent :math:`\xi_t` of mean 0 and variance 1 (Gaussian in `escape_times`,
±1 in `wells`) and σ = 30, the noise of one example. In a
parabola of curvature λ, (2) has the stationary variance

.. math::

    \mathrm{Var}(x) = \frac{\eta\,\sigma^2}{B\,\lambda\,(2 - \eta\lambda)}, \qquad (3)

because :math:`V = (1-\eta\lambda)^2 V + \eta^2\sigma^2/B`. For small ηλ it depends
on η/B alone. The top between the wells is at distance h from the narrow minimum, and
the mean time to reach it in the limit of small ηλ is

.. math::

    \bar t = \frac{1}{\eta D} \int_0^h dy\; e^{V(y)/D} \int_{-\infty}^{y} dz\;
    e^{-V(z)/D}, \qquad V(z) = \tfrac12 R z^2,
    \quad D = \frac{\eta\,\sigma^2}{2B}. \qquad (4)

It grows like :math:`e^{V(h)/D}`, exponentially in B/η. `wells` is the Python twin of
the closed form of that name.
"""

from __future__ import annotations

import numpy as np

__all__ = [
    "GRID",
    "STEPS",
    "escape_times",
    "mean_escape",
    "stationary",
    "top",
    "valley_field",
    "wells",
]

GRID = np.round(np.linspace(-2, 3, 101), 2)
STEPS, RATE, SIGMA = 300, 0.005, 30.0


def top(ratio: float) -> float:
    """Return the distance h of the top between the wells from the narrow minimum.

    Args:
        ratio: R, the curvature of the narrow well in units of the wide one.

    Returns:
        Where both parabolas meet.

    Example:
        >>> top(1.0)
        1.0
    """
    return 2 / (1 + ratio**0.5)


def _loss(x: np.ndarray | float, ratio: float) -> np.ndarray:
    return np.minimum(ratio * (x + 1.0) ** 2, (x - 1.0) ** 2) / 2


def stationary(rate: float, size: float, curvature: float) -> float:
    """Return the stationary variance (3).

    Args:
        rate: η below 2/λ.
        size: B.
        curvature: λ.

    Returns:
        Var(x).
    """
    return rate * SIGMA**2 / (size * curvature * (2 - rate * curvature))


def mean_escape(rate: float, size: float, ratio: float) -> float:
    """Compute the mean number of updates to the top, equation (4).

    Args:
        rate: η.
        size: B.
        ratio: R.

    Returns:
        The mean first-passage time from the narrow minimum.
    """
    h, D = top(ratio), rate * SIGMA**2 / (2 * size)
    width = (D / ratio) ** 0.5
    z = np.linspace(-8 * width, h, 20_001)
    step, V = z[1] - z[0], ratio * z**2 / 2
    inner = np.cumsum(np.exp(-V / D)) * step
    inside = z >= 0
    outer = float((np.exp(V / D) * inner)[inside].sum() * step)
    return outer / (rate * D)


def escape_times(
    rate: float,
    size: float,
    ratio: float,
    *,
    walkers: int = 200,
    longest: int = 40_000,
    seed: int = 0,
) -> np.ndarray:
    """Run (2) from the narrow minimum until the top is passed.

    Args:
        rate: η.
        size: B.
        ratio: R.
        walkers: Independent runs.
        longest: Updates after which a run is given up.
        seed: Of the noise.

    Returns:
        Number of updates of each walker; `longest` for those still inside.
    """
    rng, z = np.random.default_rng(seed), np.zeros(walkers)
    times, inside, h = np.full(walkers, longest), np.ones(walkers, bool), top(ratio)
    for t in range(1, longest):
        xi = rng.standard_normal(walkers)
        z = z - rate * (ratio * z + SIGMA * xi / size**0.5)
        gone = inside & (z > h)
        times[gone] = t
        inside &= ~gone
        if not inside.any():
            break
    return times


def _signs(count: int) -> np.ndarray:
    state, signs = 12345, np.zeros(count)
    for t in range(count):
        state = state * 16807 % 2147483647
        signs[t] = 1.0 if state < 1073741824 else -1.0
    return signs


def wells(shift: float, ratio: float, place: float, noise: float) -> dict[str, object]:
    """Compute both wells, a shifted test loss, and one noisy walk.

    Args:
        shift: How far the test loss is moved to the right.
        ratio: R.
        place: a, where on the curve w₁w₂ = 1 the product model stands.
        noise: η/B at η = 0.005.

    Returns:
        ``train`` and ``test`` loss over the grid; ``x`` over the updates; test losses
        ``narrow`` and ``wide`` at the two training minima; ``w1``, ``w2`` and
        ``sharp``, the largest curvature a² + a⁻² of the product model; ``left``, the
        update at which the walk passes the top, 0 if never; flags ``shifted``,
        ``moved`` (a ≠ 1), ``gone``.

    Example:
        >>> found = wells(shift=0.2, ratio=50.0, place=10.0, noise=0.002)
        >>> round(found["narrow"], 2), round(found["wide"], 2), round(found["sharp"], 2)
        (1.0, 0.02, 100.01)
    """
    x, walk, edge = -1.0, [-1.0], top(ratio) - 1
    scale = SIGMA * (RATE * noise) ** 0.5
    for xi in _signs(STEPS):
        slope = ratio * (x + 1) if x < edge else x - 1
        x = x - RATE * slope - scale * xi
        walk.append(x)
    beyond = np.array(walk) > edge
    left = int(beyond.argmax())
    return {
        "train": _loss(GRID, ratio),
        "test": _loss(GRID - shift, ratio),
        "x": walk,
        "narrow": float(_loss(-1 - shift, ratio)),
        "wide": float(_loss(1 - shift, ratio)),
        "w1": place,
        "w2": 1 / place,
        "sharp": place**2 + place**-2,
        "left": left,
        "shifted": int(shift > 0),
        "moved": int(abs(place - 1) > 1e-9),
        "gone": int(left > 0),
    }


def valley_field(
    x: np.ndarray | float, y: np.ndarray | float, **_: object
) -> np.ndarray:
    """Return the loss ½(w₁w₂ − 1)² of the product model, for iso-lines.

    Args:
        x: w₁.
        y: w₂.
        **_: The other inputs of the closed form; not used.

    Returns:
        Its values.
    """
    return np.log10(1e-2 + (x * y - 1.0) ** 2 / 2)
