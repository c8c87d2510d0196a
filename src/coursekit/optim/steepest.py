r"""Go down as steeply as a norm allows: the norm decides what steep means.

Along a direction d with :math:`\|d\| = 1` the loss falls fastest when
:math:`g^\top d` is largest. Times the dual norm
:math:`\|g\|_* = \max_{\|d\|=1} g^\top d` that direction is

.. math::

    d_t &= g_t \qquad (1) \\
    d_t &= g_{t,i}\, e_i, \quad i = \arg\max_j |g_{t,j}| \qquad (2) \\
    d_t &= \|g_t\|_1\, \mathrm{sign}(g_t) \qquad (3) \\
    d_t &= P^{-1} g_t \qquad (4)

for :math:`\ell_2` (gradient descent), :math:`\ell_1` (one coordinate at a
time), :math:`\ell_\infty` (all coordinates equally far) and
:math:`\|z\|_P = \sqrt{z^\top P z}` (gradient descent after a change of
variables, and Newton's step for P = H). In all four
:math:`g_t^\top d_t = \|g_t\|_*^2`, so that the direction of unit length is

.. math::

    d_t &\leftarrow d_t / \sqrt{g_t^\top d_t} \qquad (5) \\
    \Delta_t &= \eta_t\, d_t \qquad (6)

with (5) only on demand: a step of length 1 in its norm does not grow shorter
near a minimum. No norm is best for every loss; a good one makes it look round.
"""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.optim.optimizer import ParamsT

from .._validate import check_in
from .adapter import RuleOptimizer
from .rule import Rule, Scalar, State

__all__ = ["Steepest", "init", "steepest", "update"]

NORMS = ("l1", "l2", "linf")


def init(theta: Float[Tensor, "*models p"]) -> State:
    r"""Return the empty state: steepest descent remembers nothing.

    Args:
        theta: Parameters :math:`\theta_0`.

    Returns:
        An empty state.
    """
    return {}


def update(
    g: Float[Tensor, "*models p"],
    state: State,
    theta: Float[Tensor, "*models p"],
    t: int,
    *,
    lr: Scalar,
    norm: str | Float[Tensor, "*models p p"] = "l2",
    unit: bool = False,
) -> tuple[Float[Tensor, "*models p"], State]:
    r"""Return :math:`\Delta_t` of equation (6).

    Args:
        g: Gradient :math:`g_t`.
        state: The empty state.
        theta: Parameters :math:`\theta_{t-1}`; not used.
        t: Number of the update, from 1; not used.
        lr: Learning rate η ≥ 0, in parameter²/loss; with ``unit`` the length
            of the step.
        norm: ``"l2"`` for (1), ``"l1"`` for (2), ``"linf"`` for (3), or the
            symmetric positive definite matrix P of (4).
        unit: Whether to apply (5).

    Shape:
        the last axis is the vector; leading axes are batched.

    Returns:
        :math:`\Delta_t` and the empty state; 0 where the gradient is 0.

    Example:
        >>> g = torch.tensor([3.0, -4.0])
        >>> for norm in NORMS:
        ...     print(norm, update(g, {}, g, 1, lr=1.0, norm=norm)[0].tolist())
        l1 [0.0, -4.0]
        l2 [3.0, -4.0]
        linf [7.0, -7.0]

    Notes:
        Of several largest entries, (2) moves the first; any would do.

    References:
        Boyd, Vandenberghe (2004), Convex optimization, § 9.4.
    """
    d = g  # (1)
    if norm == "l1" and g.numel():
        i = g.abs().argmax(-1, keepdim=True)
        d = torch.zeros_like(g).scatter(-1, i, g.gather(-1, i))  # (2)
    elif norm == "linf":
        d = g.abs().sum(-1, keepdim=True) * g.sign()  # (3)
    elif isinstance(norm, Tensor):
        d = torch.linalg.solve(norm.to(g), g.unsqueeze(-1)).squeeze(-1)  # (4)
    if unit:
        dual = (g * d).sum(-1, keepdim=True).sqrt()
        d = torch.where(dual > 0, d / dual, 0.0)  # (5)
    delta = lr * d  # (6)
    return delta, state


def _check_norm(name: str, norm: object) -> None:
    if not isinstance(norm, Tensor):
        check_in(name, norm, NORMS)
        return
    square = norm.ndim >= 2 and norm.shape[-1] == norm.shape[-2]
    if not square or not torch.allclose(norm, norm.mT):
        raise ValueError(
            f"{name}: expected a symmetric matrix [p, p], got shape "
            f"{tuple(norm.shape)}; for another matrix A take A.T @ A"
        )
    if bool((torch.linalg.eigvalsh(norm) <= 0).any()):
        raise ValueError(
            f"{name}: expected a positive definite matrix, got eigenvalues down to "
            f"{torch.linalg.eigvalsh(norm).min():.3g}; add a multiple of the identity"
        )


steepest = Rule(
    "steepest",
    init,
    update,
    checks={"norm": _check_norm},
    scope="group",
    pieces=False,
)


class Steepest(RuleOptimizer):
    r"""Run steepest descent in a norm as a ``torch.optim.Optimizer``.

    All parameters of a group are one vector, in the order of the group: with
    ``"l1"`` one number of the whole group moves.

    Args:
        params: Parameters or parameter groups.
        lr: Learning rate η ≥ 0.
        norm: ``"l1"``, ``"l2"``, ``"linf"`` or a matrix P.
        unit: Whether every step has length η in that norm.
        weight_decay: Coefficient of an L2 penalty.
        maximize: Whether to go up the gradient.

    Raises:
        ValueError: If a hyperparameter is out of its range or P is not
            symmetric positive definite.

    Example:
        >>> theta = torch.nn.Parameter(torch.tensor([3.0, -4.0]))
        >>> optimizer = Steepest([theta], lr=1.0, norm="linf", unit=True)
        >>> theta.square().sum().backward()
        >>> optimizer.step()
        >>> theta.detach()
        tensor([ 2., -3.])
    """

    rule = steepest

    def __init__(
        self,
        params: ParamsT,
        lr: float,
        norm: str | Tensor = "l2",
        *,
        unit: bool = False,
        weight_decay: float = 0.0,
        maximize: bool = False,
    ) -> None:
        hyper = {"lr": lr, "norm": norm, "unit": unit}
        super().__init__(params, hyper, weight_decay=weight_decay, maximize=maximize)
