r"""Hold what one update is made of: parameters that have as many updates behind them.

Bias corrections depend on the number t of the update, and t belongs to a parameter: one
without a gradient waits. So a group falls into batches of equal t, dtype and device.
"""

from dataclasses import dataclass
from typing import Any

from torch import Tensor

__all__ = ["Batch"]


@dataclass
class Batch:
    """Hold what is updated together, parameter by parameter.

    Attributes:
        thetas: Parameters, changed in place.
        gs: Their gradients; not changed.
        states: Their states, with tensors that are changed in place.
        t: Number of the update, from 1.
        hyper: Hyperparameters of the rule.
        weight_decay: Coefficient of an L2 penalty.
        maximize: Whether to go up the gradient.
    """

    thetas: list[Tensor]
    gs: list[Tensor]
    states: list[dict[str, Any]]
    t: int
    hyper: dict[str, Any]
    weight_decay: float = 0.0
    maximize: bool = False

    def past(self, name: str) -> list[Tensor]:
        """List an entry of the states.

        Args:
            name: Its name.

        Returns:
            One tensor for each parameter.
        """
        return [state[name] for state in self.states]
