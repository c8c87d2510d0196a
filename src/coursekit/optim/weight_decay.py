r"""Add the gradient of an L2 penalty: weight decay in its old sense.

.. math::

    g'_t &= g_t + \lambda_{wd}\, \theta_{t-1} \qquad (1)

is the gradient of :math:`L + \tfrac{\lambda_{wd}}{2}\|\theta\|^2`, and any rule
can be run on it. For SGD that shrinks every weight by the factor
:math:`1 - \eta\lambda_{wd}` an update. For an adaptive rule it does not: the
penalty goes through :math:`m` and :math:`v` with the rest and is divided by
:math:`\sqrt{v}`, so that a weight with large gradients is hardly shrunk at
all. ``coursekit.optim.AdamW`` and ``SGDW`` decouple the two.
"""

import inspect
from dataclasses import replace
from typing import Any

from jaxtyping import Float
from torch import Tensor

from .rule import Rule, Scalar, State

__all__ = ["l2_gradient", "with_l2"]


def l2_gradient(
    g: Float[Tensor, "*models p"],
    theta: Float[Tensor, "*models p"],
    weight_decay: Scalar,
) -> Float[Tensor, "*models p"]:
    r"""Return :math:`g'_t` of equation (1).

    Args:
        g: Gradient :math:`g_t` of the loss.
        theta: Parameters :math:`\theta_{t-1}`.
        weight_decay: Coefficient :math:`\lambda_{wd}` ≥ 0, in loss/parameter².

    Shape:
        any; leading axes are batched.

    Returns:
        The gradient of the penalized loss.

    Example:
        >>> import torch
        >>> l2_gradient(torch.tensor([1.0]), torch.tensor([20.0]), 0.1)
        tensor([3.])

    References:
        Krogh, Hertz (1992), A simple weight decay can improve generalization,
        NIPS 4, eq. 2.
    """
    g = g + weight_decay * theta  # (1)
    return g


def with_l2(rule: Rule) -> Rule:
    r"""Make a rule that runs ``rule`` on :math:`g'_t`.

    Args:
        rule: Any rule without a weight decay of its own.

    Returns:
        The same rule with one more hyperparameter, ``weight_decay`` (0).

    Raises:
        ValueError: If the rule decays weights already.

    Example:
        >>> import torch
        >>> from coursekit.optim import sgd
        >>> theta = torch.tensor([2.0])
        >>> rule = with_l2(sgd)
        >>> rule.update(0 * theta, {}, theta, 1, lr=0.5, weight_decay=0.1)[0]
        tensor([0.1000])

    Notes:
        Every optimizer class of this package without a decay of its own takes
        ``weight_decay`` and means this one, as ``torch.optim`` does.
    """
    if "weight_decay" in rule.hyper:
        raise ValueError(
            f"rule: expected one without weight_decay, got {rule.name}; its own "
            f"decay is there already"
        )

    def update(
        g: Tensor, state: State, theta: Tensor, t: int, **hyper: Any
    ) -> tuple[Tensor, State]:
        weight_decay = hyper.pop("weight_decay", 0.0)
        g = l2_gradient(g, theta, weight_decay)
        return rule.update(g, state, theta, t, **hyper)

    inner = rule.signature
    extra = inspect.Parameter(
        "weight_decay", inspect.Parameter.KEYWORD_ONLY, default=0.0
    )
    parameters = [*inner.parameters.values(), extra]
    update.__signature__ = inner.replace(parameters=parameters)  # pyright: ignore[reportFunctionMemberAccess]
    return replace(rule, name=f"{rule.name}_l2", update=update)
