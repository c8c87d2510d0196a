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
and ``coursekit.optim.engine.fused`` may stand in for it.
"""

from collections.abc import Callable, Iterable
from itertools import islice
from typing import Any, ClassVar, NoReturn, overload

import torch
from torch import Tensor
from torch.optim import Optimizer
from torch.optim.optimizer import ParamsT

from .._validate import check_positive
from .engine.batch import Batch
from .engine.fused import fused_step
from .engine.passes import run
from .engine.vector import Vector, joined, same
from .rule import Rule

__all__ = ["RuleOptimizer"]


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
        self._kept: dict[int, list[Vector]] = {}
        common = {"weight_decay": weight_decay, "maximize": maximize}
        super().__init__(params, {**common, **hyper})

    def __setstate__(self, state: dict[str, Any]) -> None:
        # What torch copies and pickles does not have the buffers; they are made again.
        super().__setstate__(state)
        self._kept = {}
        for group in self.param_groups:
            # A state from before an option was there means its default.
            for name, value in self.defaults.items():
                group.setdefault(name, value)

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
            for batch in self._batches(group):
                self._update(batch)
        return loss

    def _batches(self, group: dict[str, Any]) -> Iterable[Batch]:
        hyper = {name: group[name] for name in self.rule.hyper}
        l2 = 0.0 if "weight_decay" in hyper else group["weight_decay"]
        batches: dict[Any, Batch] = {}
        for theta in group["params"]:
            g = theta.grad
            if g is None:
                continue
            if g.layout is not torch.strided or g.is_complex():
                self._refuse(g)
            state = self.state[theta]
            # What has as many updates behind it is corrected for bias alike.
            key = state.get("step", 0), theta.dtype, theta.device
            batch = batches.get(key)
            if batch is None:
                batch = Batch([], [], [], key[0] + 1, hyper, l2, group["maximize"])
                batches[key] = batch
            batch.thetas.append(theta)
            batch.gs.append(g)
            batch.states.append(state)
        return batches.values()

    def _update(self, batch: Batch) -> None:
        if batch.t == 1:
            for theta, state in zip(batch.thetas, batch.states, strict=True):
                self._begin(theta.detach(), state)  # (1)
        if not fused_step(self.rule.name, batch):
            vectors = self._vectors(batch)
            joint = [vectors] if self.rule.scope == "group" else [[v] for v in vectors]
            for one in joint:
                run(self.rule, one, batch)  # (2), (3)
        for state in batch.states:
            state["step"] = batch.t

    def _begin(self, theta: Tensor, state: dict[str, Any]) -> None:
        for name, value in self.rule.init(theta.reshape(-1)).items():
            shared = name in self.rule.scalars
            state[name] = value if shared else value.view(theta.shape)

    def _vectors(self, batch: Batch) -> list[Vector]:
        first = id(batch.thetas[0])
        vectors = self._kept.get(first)
        if vectors is None or not same(batch.thetas, vectors):
            vectors = self._kept[first] = joined(batch.thetas, self.rule)
        gs, states = iter(batch.gs), iter(batch.states)
        for vector in vectors:
            count = len(vector.members)
            own = list(islice(gs, count)), list(islice(states, count))
            vector.load(*own, self.rule.scalars)
        return vectors

    def _refuse(self, g: Tensor) -> NoReturn:
        got, hint = f"a dense one, got layout {g.layout}", "build it with sparse=False"
        if g.layout is torch.strided:
            got = f"real numbers, got {g.dtype}"
            hint = "optimize torch.view_as_real of the parameter"
        raise TypeError(f"gradient: {type(self).__name__} expected {got}; {hint}")
