r"""Turn a pure rule into a ``torch.optim.Optimizer``.

.. math::

    s_0 &= \mathrm{init}(\theta_0) \qquad (1) \\
    \Delta_t, s_t &= \mathrm{update}(g_t, s_{t-1}, \theta_{t-1}, t) \qquad (2) \\
    \theta_t &= \theta_{t-1} - \Delta_t \qquad (3)

The adapter adds what torch expects and no mathematics: parameter groups with
their own hyperparameters, state by parameter, ``state_dict``, closures,
``maximize``, learning-rate schedulers. A parameter without a gradient is
skipped and its update counter stands still, as in ``torch.optim``.
"""

from collections.abc import Callable
from typing import Any, ClassVar, overload

import torch
from torch import Tensor
from torch.optim import Optimizer
from torch.optim.optimizer import ParamsT

from .rule import Rule

__all__ = ["RuleOptimizer"]


class RuleOptimizer(Optimizer):
    r"""Apply ``rule`` to every parameter, :math:`\theta_t = \theta_{t-1} - \Delta_t`.

    A subclass names its rule and spells out its hyperparameters.

    Args:
        params: Parameters or parameter groups, as for ``torch.optim``.
        hyper: Default of every hyperparameter of the rule.
        maximize: Whether to go up the gradient.

    Attributes:
        rule: The pure rule.

    Raises:
        ValueError: If a hyperparameter is out of range or the list is empty.
        TypeError: If a hyperparameter is not of its type.

    Example:
        >>> from coursekit.optim import GD
        >>> theta = torch.nn.Parameter(torch.tensor([3.0]))
        >>> optimizer = GD([theta], lr=0.25)
        >>> theta.square().sum().backward()
        >>> optimizer.step()
        >>> theta.item()
        1.5

    Notes:
        The arithmetic runs in the dtype of the parameter. With bfloat16
        parameters an average such as 0.999 v + 0.001 g² loses small terms to
        rounding, in ``torch.optim`` as well.
    """

    rule: ClassVar[Rule]

    def __init__(
        self, params: ParamsT, hyper: dict[str, Any], *, maximize: bool = False
    ) -> None:
        super().__init__(params, {**hyper, "maximize": maximize})

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add a group of parameters, checking its hyperparameters.

        Args:
            param_group: ``{"params": ..., "lr": ..., ...}``; what is missing
                is taken from the defaults.

        Raises:
            ValueError: If a hyperparameter is out of range.
            TypeError: If a hyperparameter is not of its type.
        """
        merged = {**self.defaults, **param_group}
        self.rule.check(**{name: merged[name] for name in self.rule.hyper})
        super().add_param_group(param_group)

    @overload
    def step(self, closure: None = None) -> None: ...

    @overload
    def step(self, closure: Callable[[], float]) -> float: ...

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:
        """Update every parameter that has a gradient.

        Args:
            closure: Computes the loss and its gradients again; optional.

        Returns:
            The closure's loss, or None without a closure.

        Raises:
            TypeError: If a gradient is sparse or complex.
        """
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            hyper = {name: group[name] for name in self.rule.hyper}
            for theta in group["params"]:
                if theta.grad is not None:
                    g = self._dense(theta.grad)
                    self._update(theta, -g if group["maximize"] else g, hyper)
        return loss

    def _update(self, theta: Tensor, g: Tensor, hyper: dict[str, Any]) -> None:
        state = self.state[theta]
        if not state:
            state.update(self.rule.init(theta.detach()), step=0)  # (1)
        t = state["step"] + 1
        past = {name: value for name, value in state.items() if name != "step"}
        delta, new = self.rule.update(g, past, theta.detach(), t, **hyper)  # (2)
        theta.sub_(delta)  # (3)
        state.update(new, step=t)

    def _dense(self, g: Tensor) -> Tensor:
        if g.layout is not torch.strided:
            raise TypeError(
                f"gradient: {type(self).__name__} expected a dense one, got layout "
                f"{g.layout}; build the embedding with sparse=False"
            )
        if g.is_complex():
            raise TypeError(
                f"gradient: {type(self).__name__} expected real numbers, got "
                f"{g.dtype}; optimize torch.view_as_real of the parameter"
            )
        return g
