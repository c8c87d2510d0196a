r"""Collect toy losses of two parameters whose critical points are known.

A picture, a chapter or a test takes a surface from here by its name:
``SURFACES["himmelblau"]`` is the function together with what is known of it. The
functions are pure, batch over leading axes and can be differentiated as often as one
likes. They are defined in ``saddles`` (polynomials with one point of interest),
``classics`` (of numerical optimization) and ``landscapes`` (obstacles of training).
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from .classics import beale, himmelblau, rosenbrock, three_hump_camel
from .kind import Kind
from .landscapes import cliff, double_well, humped_bowl, narrow_valley, plateau
from .saddles import (
    bowl,
    hidden_saddle,
    monkey_saddle,
    quartic,
    strict_saddle,
    trough,
    two_weights,
)

__all__ = [
    "SURFACES",
    "Landmark",
    "Surface",
    "beale",
    "bowl",
    "cliff",
    "double_well",
    "hidden_saddle",
    "himmelblau",
    "humped_bowl",
    "monkey_saddle",
    "narrow_valley",
    "plateau",
    "quartic",
    "rosenbrock",
    "strict_saddle",
    "three_hump_camel",
    "trough",
    "two_weights",
]

Interval = tuple[float, float]


@dataclass(frozen=True)
class Landmark:
    r"""Hold one critical point of a surface.

    Attributes:
        theta: Where it is.
        value: The loss there.
        kind: What it is: minimum, maximum or saddle.
        decided: Whether the second-derivative test finds that out. It does not where
            an eigenvalue of the Hessian is zero and no two others differ in sign.
    """

    theta: tuple[float, float]
    value: float
    kind: Kind
    decided: bool = True

    @property
    def verdict(self) -> Kind:
        """What the second-derivative test says."""
        return self.kind if self.decided else Kind.UNDECIDED


@dataclass(frozen=True)
class Surface:
    r"""Hold a function of two parameters and what is known of it.

    Attributes:
        f: The function, from points ``[*, 2]`` to values ``[*]``; the entries below
            hold for its default arguments.
        box: Ranges of x and y in which its features can be seen.
        start: A point from which a descent shows what the surface is for.
        landmarks: Critical points.
        complete: Whether these are all; where minima form a curve, one or two points
            stand for it.

    Example:
        >>> SURFACES["strict_saddle"](torch.tensor([0.0, 1.0]))
        tensor(-0.2500)
        >>> [str(point.kind) for point in SURFACES["strict_saddle"].landmarks]
        ['saddle', 'minimum', 'minimum']
    """

    f: Callable[..., Tensor]
    box: tuple[Interval, Interval]
    start: tuple[float, float]
    landmarks: tuple[Landmark, ...]
    complete: bool = True

    @property
    def name(self) -> str:
        """Its name in ``SURFACES``."""
        return self.f.__name__

    def __call__(self, theta: Tensor, **options: float) -> Tensor:
        """Return the values at some points.

        Args:
            theta: Points ``[*, 2]``.
            **options: Arguments of the function, e.g. ``kappa``.

        Returns:
            Values ``[*]``.
        """
        return self.f(theta, **options)

    def grid(self, n: int = 101) -> tuple[Tensor, Tensor, Tensor]:
        r"""Return x, y and the values over the box, for a contour plot.

        Args:
            n: Points along each side.

        Returns:
            ``x [n]``, ``y [n]`` and ``values [n, n]``, one row a y, in float64.
        """
        x, y = (torch.linspace(*side, n, dtype=torch.float64) for side in self.box)
        columns, rows = torch.meshgrid(x, y, indexing="xy")
        return x, y, self.f(torch.stack((columns, rows), dim=-1))


def _square(side: float) -> tuple[Interval, Interval]:
    return (-side, side), (-side, side)


def _minimum(x: float, y: float, value: float = 0.0, decided: bool = True) -> Landmark:
    return Landmark((x, y), value, Kind.MINIMUM, decided)


def _saddle(x: float, y: float, value: float = 0.0, decided: bool = True) -> Landmark:
    return Landmark((x, y), value, Kind.SADDLE, decided)


_HIMMELBLAU = (
    _minimum(3.0, 2.0),
    _minimum(3.5844283403304917, -1.8481265269644036),
    _minimum(-3.779310253377747, -3.2831859912861696),
    _minimum(-2.805118086952745, 3.131312518250573),
    _saddle(3.385154183607021, 0.07385187983774928, 13.311926270405587),
    _saddle(0.08667750455539634, 2.884254701174776, 67.71915008752613),
    _saddle(-3.0730257507643897, -0.08135304428796751, 104.01516291755811),
    _saddle(-0.12796134673068005, -1.9537149802445766, 178.33723920192745),
    Landmark(
        (-0.2708445906673476, -0.9230385564799815), 181.6165215225827, Kind.MAXIMUM
    ),
)
_CAMEL = (
    _minimum(0.0, 0.0),
    _minimum(-1.7475523458302893, 0.8737761729151446, 0.29863844223685954),
    _minimum(1.7475523458302893, -0.8737761729151446, 0.29863844223685954),
    _saddle(1.0705422918236598, -0.5352711459118299, 0.8773615577631402),
    _saddle(-1.0705422918236598, 0.5352711459118299, 0.8773615577631402),
)
_BEALE = (
    _minimum(3.0, 0.5),
    _saddle(0.10053793732415825, -2.6445135850231263, 9.864512284755559),
    _saddle(0.0, 1.0, 14.203125),
)
_HUMPED = (
    _minimum(-9.927248598e-09, 0.0, 4.467262330e-10),
    _minimum(2.5248252993293456, 0.0, 3.6203426671354664),
    _saddle(2.0998794691248763, 0.0, 4.096919066318513),
)
_STRICT = (_saddle(0.0, 0.0), _minimum(0.0, 1.0, -0.25), _minimum(0.0, -1.0, -0.25))
_WELLS = (_minimum(-1.0, 0.0), _minimum(1.0, 0.0), _saddle(0.0, 0.0, 1.0))
_WEIGHTS = (
    _saddle(0.0, 0.0, 1.0),
    _minimum(1.0, 1.0, decided=False),
    _minimum(4.0, 0.25, decided=False),
)
_FLAT = (_minimum(0.0, 0.0, decided=False),)
# with w = 0 the unit forgets its past, and σ(b) = 0.7 at b = ln(7/3)
_CLIFF = (_minimum(0.0, 0.8472978603872037, decided=False),)
_ORIGIN = (_minimum(0.0, 0.0),)

SURFACES: dict[str, Surface] = {
    surface.name: surface
    for surface in (
        Surface(bowl, _square(2.0), (1.0, 1.8), _ORIGIN),
        Surface(hidden_saddle, _square(2.0), (1.5, 1.4), (_saddle(0.0, 0.0),)),
        Surface(strict_saddle, _square(1.6), (1.4, 1e-3), _STRICT),
        Surface(
            monkey_saddle, _square(1.5), (1.2, 0.1), (_saddle(0.0, 0.0, 0.0, False),)
        ),
        Surface(quartic, _square(1.5), (1.2, 0.8), _FLAT),
        Surface(trough, _square(2.0), (1.8, 1.0), _FLAT, complete=False),
        Surface(two_weights, _square(2.5), (0.1, -0.4), _WEIGHTS, complete=False),
        Surface(
            rosenbrock, ((-2.0, 2.0), (-1.0, 3.0)), (-1.2, 1.0), (_minimum(1.0, 1.0),)
        ),
        Surface(himmelblau, _square(5.0), (-0.5, -1.2), _HIMMELBLAU),
        Surface(beale, _square(4.5), (1.0, 1.5), _BEALE),
        Surface(three_hump_camel, _square(2.2), (-2.0, 1.8), _CAMEL),
        Surface(narrow_valley, ((-0.5, 0.5), (-40.0, 40.0)), (0.3, 35.0), _ORIGIN),
        Surface(double_well, _square(1.8), (-1.6, 1.2), _WELLS),
        Surface(humped_bowl, ((-2.0, 4.5), (-3.0, 3.0)), (4.0, 0.5), _HUMPED),
        Surface(plateau, _square(6.0), (4.5, 3.0), _ORIGIN),
        Surface(cliff, ((4.4, 6.6), (-3.6, -2.0)), (5.0, -2.9), _CLIFF, complete=False),
    )
}
