r"""Replay an update rule on a given sequence of gradients.

.. math::

    \Delta_t, s_t &= \mathrm{update}(g_t, s_{t-1}, \theta_{t-1}, t) \qquad (1) \\
    \theta_t &= \theta_{t-1} - \Delta_t \qquad (2) \\
    u_t &= \Delta_t / \eta \qquad (3)

No model and no loss: what is seen is the rule alone. In units of the learning
rate, :math:`u_t`, a step of Adam is about 1 however large the gradient. That
is why a rare gradient of :math:`10^5` among gradients of 1 moves the
parameter by at most :math:`1/\sqrt{1-\beta_2} = 31.6`, while the 999 small
ones before it moved it by 999; and for thousands of steps after it the small
ones are divided by its memory.
"""

import inspect
from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from .._validate import check_number
from ..optim.rule import Rule

__all__ = ["StepTrace", "step_trace"]


class StepTrace(NamedTuple):
    r"""Hold what a rule did, one row an update.

    Attributes:
        movements: :math:`u_t`, what was taken away from θ in units of η; a
            positive gradient gives a positive number.
        positions: :math:`\theta_t` after the update, in units of the parameter.
    """

    movements: Float[Tensor, "*shape"]
    positions: Float[Tensor, "*shape"]


def step_trace(
    rule: Rule,
    gradients: Sequence[float] | Tensor,
    *,
    theta: float | Tensor = 0.0,
    **hyper: Any,
) -> StepTrace:
    r"""Return the movements of a parameter under a rule for given gradients.

    Args:
        rule: A rule of ``coursekit.optim``, in lower case: ``adam``, not
            ``Adam``.
        gradients: :math:`g_1, g_2, \dots`, at least one, finite.
        theta: :math:`\theta_0`; it matters where the rule decays weights or
            looks at their norm.
        **hyper: Hyperparameters of the rule; η is 1 where it has no default.
            One that is a tensor ``[models, 1]`` replays the sequence once a
            row, side by side.

    Shape:
        gradients ``[steps]`` for one number or ``[steps, p]`` for a vector;
        movements and positions the same, or ``[steps, models, p]`` (``[steps,
        models]`` for one number) with tensors among the hyperparameters.

    Returns:
        Movements in units of η, and positions. A list of numbers is replayed
        in float64, a tensor in its own type.

    Raises:
        TypeError: If the rule is not one, has no such hyperparameter, or the
            gradients are not numbers.
        ValueError: If a hyperparameter is out of its range, η is 0, or the
            gradients are missing, not finite or of more than two axes.

    Example:
        >>> from coursekit.optim import adam
        >>> g = [1.0] * 20_000 + [1e5] + [1.0]
        >>> u = step_trace(adam, g, betas=(0.0, 0.999)).movements
        >>> [f"{u_t:.4f}" for u_t in u[-3:].tolist()]
        ['1.0000', '31.6228', '0.0003']

    References:
        Reddi, Kale, Kumar (2018), On the convergence of Adam and beyond, arXiv
        1904.09237, § 3, the example behind theorem 1.
    """
    g, single = _rows(gradients)
    lr = _learning_rate(rule, hyper)
    start = torch.as_tensor(theta, dtype=g.dtype, device=g.device)
    theta_t = start.broadcast_to(g.shape[1:]).clone()
    state = rule.init(theta_t)
    moved, reached = [], []
    with torch.no_grad():
        for t, g_t in enumerate(g.unbind(0), 1):
            delta, state = rule.update(g_t, state, theta_t, t, **hyper)  # (1)
            theta_t = theta_t - delta  # (2)
            moved.append(delta)
            reached.append(theta_t)
    u = torch.stack(moved) / lr  # (3)
    positions = torch.stack(reached)
    if single:
        u, positions = u.squeeze(-1), positions.squeeze(-1)
    return StepTrace(u, positions)


def _rows(gradients: Sequence[float] | Tensor) -> tuple[Tensor, bool]:
    if isinstance(gradients, Tensor):
        g = gradients.detach()
        g = g if g.is_floating_point() else g.double()
    else:
        g = torch.as_tensor(gradients, dtype=torch.float64)
    if g.ndim not in {1, 2} or not g.numel() or not bool(g.isfinite().all()):
        raise ValueError(
            f"gradients: expected finite numbers [steps] or [steps, p], at least one, "
            f"got shape {tuple(g.shape)} with {int((~g.isfinite()).sum())} that are "
            "not finite; one row is one update"
        )
    return (g[:, None], True) if g.ndim == 1 else (g, False)


def _learning_rate(rule: Rule, hyper: dict[str, Any]) -> float | Tensor:
    if not isinstance(rule, Rule):
        raise TypeError(
            f"rule: expected a rule such as coursekit.optim.adam, got {rule!r}; "
            "optimizer classes have a capital, rules have none"
        )
    for name, value in hyper.items():
        parts = value if isinstance(value, tuple | list) else (value,)
        if name not in rule.hyper or not any(isinstance(p, Tensor) for p in parts):
            rule.check(**{name: value})
    default = rule.signature.parameters["lr"].default
    lr = hyper.setdefault("lr", 1.0 if default is inspect.Parameter.empty else default)
    if not isinstance(lr, Tensor) and check_number("lr", lr) == 0:
        raise ValueError("lr: expected a number > 0, got 0; movements are in its units")
    return lr
