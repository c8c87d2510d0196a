r"""Define what an update rule is: two pure functions in the symbols of its page.

.. math::

    s_0 &= \mathrm{init}(\theta_0) \\
    \Delta_t, s_t &= \mathrm{update}(g_t, s_{t-1}, \theta_{t-1}, t) \\
    \theta_t &= \theta_{t-1} - \Delta_t

The sign is part of the protocol: a rule returns what is *taken away*, so that
:math:`\Delta_t` of momentum is the :math:`m_t` of the notation table. A rule
mutates nothing, and its arithmetic batches over leading axes: with parameters
``[models, ...]`` every hyperparameter that is a number may also be a tensor
``[models, 1, ...]`` that broadcasts against them.
"""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from torch import Tensor

from .._validate import check_in, check_positive, check_range

__all__ = ["Rule", "Scalar", "State"]

State = dict[str, Tensor]
Scalar = float | Tensor


@dataclass(frozen=True)
class Rule:
    r"""Hold one method: its two functions and what its arguments may be.

    Attributes:
        name: The method's name.
        init: Makes the first state from the parameters.
        update: One step, called as ``update(g, state, theta, t, **hyper)``
            with t = 1 for the first update.
        choices: For an argument that is a word, the words allowed.

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

    @cached_property
    def hyper(self) -> tuple[str, ...]:
        """The names of the hyperparameters: the keywords of ``update``."""
        parameters = inspect.signature(self.update).parameters.values()
        return tuple(p.name for p in parameters if p.kind is p.KEYWORD_ONLY)

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
            if name in self.choices:
                check_in(name, value, self.choices[name])
            elif name in ("lr", "eps"):
                check_positive(name, value, zero=True)
            elif name == "momentum":
                check_range(name, value, 0, 1, open_high=True)
            elif name == "betas":
                _check_betas(value)
            else:
                raise TypeError(
                    f"{name}: {self.name} has no such hyperparameter; it has "
                    f"{', '.join(self.hyper)}"
                )


def _check_betas(betas: object) -> None:
    if not isinstance(betas, tuple | list) or len(betas) != 2:
        raise TypeError(
            f"betas: expected a pair (beta1, beta2), got {betas!r}; try (0.9, 0.999)"
        )
    for i, beta in enumerate(betas):
        check_range(f"betas[{i}]", beta, 0, 1, open_high=True)
