r"""Turn a pure rule into a ``torch.optim.Optimizer``.

.. math::

    s_0 &= \mathrm{init}(\theta_0) \qquad (1) \\
    \Delta_t, s_t &= \mathrm{update}(g_t, s_{t-1}, \theta_{t-1}, t) \qquad (2) \\
    \theta_t &= \theta_{t-1} - \Delta_t \qquad (3)

The adapter adds what torch expects and no mathematics: parameter groups with
their own hyperparameters, state by parameter, ``state_dict``, closures,
``maximize``, an L2 penalty, learning-rate schedulers. A parameter without a
gradient is skipped and its update counter stands still, as in ``torch.optim``.

The rule is handed vectors: each parameter tensor as one, or all parameters of
a group as one, where the rule's scope says so. For speed alone, a rule that
works element by element sees small tensors joined and large ones in blocks,
and ``coursekit.optim.fused`` may stand in for it.
"""

from collections.abc import Callable
from typing import Any, ClassVar, overload

import torch
from torch import Tensor
from torch.optim import Optimizer
from torch.optim.optimizer import ParamsT

from .._validate import check_positive
from .fused import fused_step
from .rule import Rule, State
from .weight_decay import l2_gradient

__all__ = ["RuleOptimizer"]

BLOCK = 2**15


class RuleOptimizer(Optimizer):
    r"""Apply ``rule`` to every parameter, :math:`\theta_t = \theta_{t-1} - \Delta_t`.

    A subclass names its rule and spells out its hyperparameters.

    Args:
        params: Parameters or parameter groups, as for ``torch.optim``.
        hyper: Default of every hyperparameter of the rule.
        weight_decay: Coefficient of an L2 penalty, for a rule without a decay
            of its own.
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
        self,
        params: ParamsT,
        hyper: dict[str, Any],
        *,
        weight_decay: float = 0.0,
        maximize: bool = False,
    ) -> None:
        common = {"weight_decay": weight_decay, "maximize": maximize}
        super().__init__(params, {**common, **hyper})

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
        check_positive("weight_decay", merged["weight_decay"], zero=True)
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
            for members in self._vectors(group["params"]):
                self._update(members, group, hyper)
        return loss

    def _vectors(self, params: list[Tensor]) -> list[list[Tensor]]:
        alike: dict[Any, list[Tensor]] = {}
        for theta in params:
            if theta.grad is not None:
                # An element-wise rule may see small tensors as one: fewer calls.
                joint = self.rule.scope == "group" or (
                    self.rule.scope == "element" and theta.numel() <= BLOCK
                )
                steps = self.state[theta].get("step", 0)
                key = (steps, theta.dtype, theta.device) if joint else id(theta)
                alike.setdefault(key, []).append(theta)
        return list(alike.values())

    def _update(
        self, members: list[Tensor], group: dict[str, Any], hyper: dict[str, Any]
    ) -> None:
        gs = [self._gradient(theta, group) for theta in members]
        if not self.state[members[0]]:
            theta = _vector([theta.detach() for theta in members])
            self._keep(members, self.rule.init(theta), 0)  # (1)
        t = self.state[members[0]]["step"] + 1
        states = [self.state[theta] for theta in members]
        if fused_step(self.rule.name, members, gs, states, t, hyper):
            self._keep(members, {}, t)
            return
        g, past = _vector(gs), self._past(members)
        theta = _vector([theta.detach() for theta in members])
        if self._large(members):
            state = self._by_blocks(g, past, theta, t, hyper)
        else:
            delta, state = self.rule.update(g, past, theta, t, **hyper)  # (2)
            subtract = torch._foreach_sub_  # pyright: ignore[reportPrivateImportUsage]
            subtract(members, _parts(delta, members))  # (3)
        self._keep(members, state, t)

    def _large(self, members: list[Tensor]) -> bool:
        first = members[0]
        whole = len(members) == 1 and first.is_contiguous() and first.is_cpu
        return whole and self.rule.scope == "element" and first.numel() > BLOCK

    def _by_blocks(
        self, g: Tensor, past: State, theta: Tensor, t: int, hyper: dict[str, Any]
    ) -> State:
        # What a rule makes on the way is as long as its vector: short ones stay in
        # the cache. Each block of theta and of the state is replaced in its place.
        state: State = {}
        for start in range(0, theta.numel(), BLOCK):
            here, piece = slice(start, start + BLOCK), past.copy()
            for name in past.keys() - set(self.rule.scalars):
                piece[name] = past[name][here]
            delta, new = self.rule.update(g[here], piece, theta[here], t, **hyper)
            theta[here].sub_(delta)
            for name, value in new.items():
                if name in self.rule.scalars:
                    state[name] = value
                else:
                    if name not in state:
                        state[name] = past.get(name, torch.empty_like(theta))
                    state[name][here] = value
        return state

    def _past(self, members: list[Tensor]) -> State:
        first = self.state[members[0]]
        names = [name for name in first if name != "step"]
        return {
            name: first[name]
            if name in self.rule.scalars
            else _vector([self.state[theta][name] for theta in members])
            for name in names
        }

    def _keep(self, members: list[Tensor], state: State, t: int) -> None:
        for name, value in state.items():
            shared = name in self.rule.scalars
            parts = [value] * len(members) if shared else _parts(value, members)
            for theta, part in zip(members, parts, strict=True):
                self.state[theta][name] = part
        for theta in members:
            self.state[theta]["step"] = t

    def _gradient(self, theta: Tensor, group: dict[str, Any]) -> Tensor:
        g = self._dense(theta)
        g = -g if group["maximize"] else g
        if group["weight_decay"] and "weight_decay" not in self.rule.hyper:
            g = l2_gradient(g, theta.detach(), group["weight_decay"])
        return g

    def _dense(self, theta: Tensor) -> Tensor:
        g = theta.grad
        if g is None or g.layout is not torch.strided:
            raise TypeError(
                f"gradient: {type(self).__name__} expected a dense one, got layout "
                f"{g if g is None else g.layout}; build the embedding with sparse=False"
            )
        if g.is_complex():
            raise TypeError(
                f"gradient: {type(self).__name__} expected real numbers, got "
                f"{g.dtype}; optimize torch.view_as_real of the parameter"
            )
        return g


def _vector(tensors: list[Tensor]) -> Tensor:
    flat = [tensor.reshape(-1) for tensor in tensors]
    return flat[0] if len(flat) == 1 else torch.cat(flat)


def _parts(vector: Tensor, members: list[Tensor]) -> list[Tensor]:
    parts = vector.split([theta.numel() for theta in members])
    return [part.view(m.shape) for part, m in zip(parts, members, strict=True)]
