r"""Define what an update rule is: two pure functions in the symbols of its page.

.. math::

    s_0 &= \mathrm{init}(\theta_0) \\
    \Delta_t, s_t &= \mathrm{update}(g_t, s_{t-1}, \theta_{t-1}, t) \\
    \theta_t &= \theta_{t-1} - \Delta_t

The sign is part of the protocol: a rule returns what is *taken away*, so that
:math:`\Delta_t` of momentum is the :math:`m_t` of the notation table. A rule
mutates nothing, and its arithmetic batches over leading axes: with parameters
``[models, ...]`` every hyperparameter that is a number may also be a tensor
``[models, 1, ...]`` that broadcasts against them. A rule that needs a norm
reduces the last axis, over which it sees one vector ``[models, p]``.
"""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from torch import Tensor

from .._validate import check_count, check_in, check_positive, check_range

__all__ = ["Rule", "Scalar", "State"]

State = dict[str, Tensor]
Scalar = float | Tensor
Check = Callable[[str, object], object]


@dataclass(frozen=True)
class Rule:
    r"""Hold one method: its two functions and what its arguments may be.

    Attributes:
        name: The method's name.
        init: Makes the first state from the parameters.
        update: One step, called as ``update(g, state, theta, t, **hyper)``
            with t = 1 for the first update.
        choices: For an argument that is a word, the words allowed.
        checks: For an argument of this method alone, what checks it.
        scope: What one update looks at together: ``"element"`` (each number
            alone), ``"tensor"`` (a parameter tensor, for its norm) or
            ``"group"`` (all parameters of a group as one vector).
        scalars: Entries of the state with one number a vector, ``[models, 1]``.
        pieces: Whether what joins the elements of a vector are sums and norms
            that do not depend on each other, so that it may be updated in pieces.

    Example:
        >>> import torch
        >>> from coursekit.optim import sgdm
        >>> theta = torch.tensor([1.0, 1.0])
        >>> state = sgdm.init(theta)
        >>> g = torch.tensor([1.0, -2.0])
        >>> delta, state = sgdm.update(g, state, theta, 1, lr=0.1)
        >>> theta - delta
        tensor([0.9000, 1.2000])
    """

    name: str
    init: Callable[[Tensor], State]
    update: Callable[..., tuple[Tensor, State]]
    choices: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    checks: Mapping[str, Check] = field(default_factory=dict)
    scope: str = "element"
    scalars: tuple[str, ...] = ()
    pieces: bool = True

    @cached_property
    def hyper(self) -> tuple[str, ...]:
        """The names of the hyperparameters: the keywords of ``update``."""
        parameters = self.signature.parameters.values()
        return tuple(p.name for p in parameters if p.kind is p.KEYWORD_ONLY)

    @property
    def signature(self) -> inspect.Signature:
        """How ``update`` is called."""
        return inspect.signature(self.update)

    def check(self, **hyper: object) -> None:
        r"""Check hyperparameters that are single numbers or words.

        Args:
            **hyper: Hyperparameters by name.

        Raises:
            ValueError: If one is out of its range.
            TypeError: If one is not of its type, or is not one of the rule's.

        Example:
            >>> from coursekit.optim import adam
            >>> adam.check(betas=(0.9, 1.0))
            Traceback (most recent call last):
            ValueError: betas[1]: expected a number in [0, 1), got 1.0
        """
        for name, value in hyper.items():
            check = self.checks.get(name) or _CHECKS.get(name)
            if name in self.choices:
                check_in(name, value, self.choices[name])
            elif name in self.hyper and check is not None:
                check(name, value)
            else:
                raise TypeError(
                    f"{name}: {self.name} has no such hyperparameter; it has "
                    f"{', '.join(self.hyper)}"
                )


def _at_least_zero(name: str, value: object) -> None:
    check_positive(name, value, zero=True)


def _below_one(name: str, value: object) -> None:
    check_range(name, value, 0, 1, open_high=True)


def _yes_or_no(name: str, value: object) -> None:
    if not isinstance(value, bool):
        raise TypeError(f"{name}: expected True or False, got {value!r}")


def _check_betas(name: str, betas: object) -> None:
    if not isinstance(betas, tuple | list) or len(betas) != 2:
        raise TypeError(
            f"{name}: expected a pair (beta1, beta2), got {betas!r}; try (0.9, 0.999)"
        )
    for i, beta in enumerate(betas):
        check_range(f"{name}[{i}]", beta, 0, 1, open_high=True)


_CHECKS: dict[str, Check] = {
    **dict.fromkeys(("lr", "eps", "weight_decay"), _at_least_zero),
    **dict.fromkeys(("lr_decay", "momentum_decay"), _at_least_zero),
    "initial_accumulator_value": _at_least_zero,
    **dict.fromkeys(("final_lr", "trust"), check_positive),
    **dict.fromkeys(("momentum", "alpha"), _below_one),
    **dict.fromkeys(("adapt", "centered", "unit"), _yes_or_no),
    "betas": _check_betas,
    "k_min": check_count,
}
