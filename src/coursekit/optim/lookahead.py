r"""Take k steps forward with any optimizer, then go a part of the way back.

.. math::

    \theta_t &= \theta_{t-1} - \Delta_t \qquad (1)

is the step of the inner optimizer. After every k of them the slow weights
:math:`\phi` move towards the fast ones, which start again from there:

.. math::

    \phi &\leftarrow \phi + \alpha\, (\theta_t - \phi) \qquad (2) \\
    \theta_t &\leftarrow \phi \qquad (3)

with :math:`\phi = \theta_0` at first. The inner optimizer keeps its state. On
a noisy quadratic that lowers the variance in which the weights wander, at the
price of a slower approach; that flat minima are preferred is a reading, not a
result. Between synchronizations the fast weights are what the network holds.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.optim import Optimizer

from .._validate import check_count, check_range
from .rule import Rule, State
from .wrapper import OptimizerWrapper

__all__ = ["Lookahead", "lookahead", "synchronize"]


def synchronize(
    theta: Float[Tensor, "*models p"], slow: Float[Tensor, "*models p"], alpha: float
) -> Float[Tensor, "*models p"]:
    r"""Return the new :math:`\phi` of equation (2).

    Args:
        theta: Fast weights :math:`\theta_t`.
        slow: Slow weights :math:`\phi`.
        alpha: Outer step α in [0, 1].

    Shape:
        any; leading axes are batched.

    Returns:
        The slow weights, and by (3) the fast ones.

    Example:
        >>> synchronize(torch.tensor([4.0]), torch.tensor([0.0]), 0.25)
        tensor([1.])
    """
    slow = slow + alpha * (theta - slow)  # (2)
    return slow


def lookahead(base: Rule, k: int = 5, alpha: float = 0.5) -> Rule:
    r"""Make the rule that runs ``base`` under Lookahead.

    Args:
        base: Any rule.
        k: Inner updates between synchronizations, at least 1.
        alpha: Outer step α in [0, 1]; 1 is ``base`` itself.

    Returns:
        A rule with the hyperparameters of ``base``.

    Raises:
        ValueError: If ``k`` or ``alpha`` is out of its range.

    Example:
        >>> from coursekit.optim import sgd
        >>> rule, theta = lookahead(sgd, k=2), torch.tensor([0.0])
        >>> state = rule.init(theta)
        >>> for t in (1, 2):
        ...     delta, state = rule.update(theta - 4, state, theta, t, lr=0.5)
        ...     theta = theta - delta
        >>> theta  # 2, then 3, then half the way back
        tensor([1.5000])

    References:
        Zhang, Lucas, Hinton, Ba (2019), Lookahead optimizer: k steps forward, 1
        step back, arXiv 1907.08610, algorithm 1.
    """
    _check(k, alpha)

    def init(theta: Tensor) -> State:
        return {**base.init(theta), "slow": theta.clone()}

    def update(
        g: Tensor, state: State, theta: Tensor, t: int, **hyper: Any
    ) -> tuple[Tensor, State]:
        inner = {name: value for name, value in state.items() if name != "slow"}
        delta, inner = base.update(g, inner, theta, t, **hyper)
        new = theta - delta  # (1)
        slow = state["slow"].clone()
        if t % k == 0:
            slow = synchronize(new, slow, alpha)
            new = slow  # (3)
        return theta - new, {**inner, "slow": slow}

    update.__signature__ = base.signature  # pyright: ignore[reportFunctionMemberAccess]
    return replace(base, name=f"lookahead_{base.name}", init=init, update=update)


def _check(k: int, alpha: float) -> None:
    check_count("k", k)
    check_range("alpha", alpha, 0, 1)


class Lookahead(OptimizerWrapper):
    r"""Run Lookahead around any ``torch.optim.Optimizer``.

    Args:
        base: The inner optimizer, of this package or of torch.
        k: Inner steps between synchronizations, at least 1.
        alpha: Outer step α in [0, 1].

    Attributes:
        k: Inner steps.
        alpha: Outer step.
        slow: Slow weights :math:`\phi`, in the order of ``parameters()``.
        count: Inner steps taken.

    Raises:
        TypeError: If ``base`` is not an optimizer or ``k`` not an integer.
        ValueError: If ``k`` or ``alpha`` is out of its range.

    Example:
        >>> from coursekit.optim import SGD
        >>> theta = torch.nn.Parameter(torch.tensor([0.0]))
        >>> optimizer = Lookahead(SGD([theta], lr=0.5), k=2)
        >>> for _ in range(2):
        ...     optimizer.zero_grad()
        ...     ((theta - 4).square() / 2).sum().backward()
        ...     optimizer.step()
        >>> theta.item()
        1.5
    """

    own = ("slow", "count")

    def __init__(self, base: Optimizer, k: int = 5, alpha: float = 0.5) -> None:
        _check(k, alpha)
        super().__init__(base)
        self.k, self.alpha = k, alpha
        self.slow: list[Tensor] = []
        self.count = 0

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Run an inner step, and synchronize after every k of them.

        Args:
            closure: Computes the loss and its gradients again; optional.

        Returns:
            What the inner optimizer returns.
        """
        params = self.parameters()
        self.slow += [theta.detach().clone() for theta in params[len(self.slow) :]]
        loss = self.base.step(closure) if closure is not None else self.base.step()
        self.count += 1
        if self.count % self.k == 0:
            for i, theta in enumerate(params):
                self.slow[i] = synchronize(theta.detach(), self.slow[i], self.alpha)
                theta.copy_(self.slow[i])
        return loss

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Continue from what ``state_dict`` returned.

        Args:
            state_dict: Of a Lookahead around the same kind of optimizer.

        Raises:
            ValueError: If it is the state of an optimizer without Lookahead.
        """
        super().load_state_dict(state_dict)
        pairs = zip(self.slow, self.parameters(), strict=False)
        self.slow = [slow.to(theta, copy=True) for slow, theta in pairs]
