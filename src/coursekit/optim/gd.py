r"""Go down the gradient of the whole loss.

.. math::

    \Delta_t &= \eta\, g_t, \qquad g_t = \nabla L(\theta_{t-1}) \qquad (1)

On a quadratic with eigenvalues :math:`\lambda_i` every eigen-direction is
multiplied by :math:`1 - \eta\lambda_i` an update: it diverges for
:math:`\eta > 2/\lambda_{max}`, and with the best rate
:math:`2/(\lambda_{max}+\lambda_{min})` it contracts by only
:math:`(\kappa-1)/(\kappa+1)`: an ill-conditioned valley is crossed in
zig-zag. The gradient of the whole loss goes to zero at a minimum, so its norm
can stop the run; that of a mini-batch does not (``coursekit.optim.sgd``).
"""

from jaxtyping import Float
from torch import Tensor
from torch.optim.optimizer import ParamsT

from .adapter import RuleOptimizer
from .rule import Rule, Scalar, State

__all__ = ["GD", "gd", "init", "update"]


def init(theta: Float[Tensor, "*models p"]) -> State:
    r"""Return the empty state: gradient descent remembers nothing.

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
) -> tuple[Float[Tensor, "*models p"], State]:
    r"""Return :math:`\Delta_t` of equation (1).

    Args:
        g: Gradient :math:`g_t`.
        state: The empty state.
        theta: Parameters :math:`\theta_{t-1}`; not used.
        t: Number of the update, from 1; not used.
        lr: Learning rate η ≥ 0, in parameter²/loss.

    Shape:
        any; leading axes are batched.

    Returns:
        :math:`\Delta_t` and the empty state.

    Example:
        >>> import torch
        >>> delta, _ = update(torch.tensor([2.0]), {}, torch.tensor([0.0]), 1, lr=0.5)
        >>> delta
        tensor([1.])

    References:
        Cauchy (1847), Méthode générale pour la résolution des systèmes
        d'équations simultanées, Comptes rendus 25, 536–538.
    """
    delta = lr * g  # (1)
    return delta, state


gd = Rule("gd", init, update)


class GD(RuleOptimizer):
    r"""Run gradient descent as a ``torch.optim.Optimizer``.

    Args:
        params: Parameters or parameter groups.
        lr: Learning rate η ≥ 0.
        weight_decay: Coefficient of an L2 penalty.
        maximize: Whether to go up the gradient.

    Raises:
        ValueError: If a hyperparameter is negative or not finite.

    Example:
        >>> import torch
        >>> theta = torch.nn.Parameter(torch.tensor([3.0, 4.0]))
        >>> optimizer = GD([theta], lr=0.1)
        >>> (theta.square().sum() / 2).backward()
        >>> optimizer.gradient_norm()
        5.0

    Notes:
        The same as ``torch.optim.SGD`` without its options; the name says
        which gradient is meant.
    """

    rule = gd

    def __init__(
        self,
        params: ParamsT,
        lr: float,
        *,
        weight_decay: float = 0.0,
        maximize: bool = False,
    ) -> None:
        hyper = {"lr": lr}
        super().__init__(params, hyper, weight_decay=weight_decay, maximize=maximize)

    def gradient_norm(self) -> float:
        r"""Return :math:`\|g_t\|` over all parameters, to stop the run by.

        Returns:
            The Euclidean norm; 0 where no parameter has a gradient.
        """
        groups = (group["params"] for group in self.param_groups)
        gradients = [p.grad for params in groups for p in params if p.grad is not None]
        return sum(g.double().square().sum().item() for g in gradients) ** 0.5
