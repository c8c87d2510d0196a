r"""Wrong ways to rescale a ReLU net."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from coursekit.labs.exercise import Mutant

__all__ = ["MUTANTS"]

Factors = dict[str, float]


def _scaled(factors: Callable[[float, int], Factors]) -> Callable[..., nn.Module]:
    """Multiply parameters, named by layer from 1: W1, b1, W2, ….

    Returns:
        The wrong answer.
    """

    @torch.no_grad()
    def mutant(model: Any, alpha: float) -> nn.Module:
        maps = [m for m in model.modules() if isinstance(m, nn.Linear)]
        for name, factor in factors(alpha, len(maps)).items():
            layer = maps[int(name[1:]) - 1]
            tensor = layer.weight if name[0] == "W" else layer.bias
            if tensor is not None:
                tensor.mul_(factor)
        return model

    return mutant


MUTANTS = (
    Mutant(
        "forgets_first_bias",
        _scaled(lambda a, n: {"W1": a, "W2": 1 / a}),
        "The first bias is left as it was. z = Wx + b reaches the ReLU, so b¹ is "
        "multiplied by α, too.",
        "(2)",
    ),
    Mutant(
        "divides_second_bias",
        _scaled(lambda a, n: {"W1": a, "b1": a, "W2": 1 / a, "b2": 1 / a}),
        "The second bias is divided by α. It is added behind the product and needs "
        "no correction.",
        "(3)",
    ),
    Mutant(
        "divides_first_bias",
        _scaled(lambda a, n: {"W1": a, "b1": 1 / a, "W2": 1 / a}),
        "The first bias is divided by α; it is multiplied like W¹.",
        "(2)",
    ),
    Mutant(
        "upside_down",
        _scaled(lambda a, n: {"W1": 1 / a, "b1": 1 / a, "W2": a}),
        "The first layer is divided and the second one multiplied: that is rescaling "
        "by 1/α.",
        "(2)",
    ),
    Mutant(
        "first_only",
        _scaled(lambda a, n: {"W1": a, "b1": a}),
        "Only the first layer is scaled, so every output changes. Divide W² by α.",
        "(3)",
    ),
    Mutant(
        "both_up",
        _scaled(lambda a, n: {"W1": a, "b1": a, "W2": a}),
        "Both layers are multiplied. The second one has to take the factor back.",
        "(3)",
    ),
    Mutant(
        "last_layer",
        _scaled(lambda a, n: {"W1": a, "b1": a, f"W{n}": 1 / a}),
        "The factor is taken back in the last layer. Asked is the second one; in "
        "between, biases would have to be scaled as well.",
        "(3)",
    ),
    Mutant(
        "root",
        _scaled(lambda a, n: {"W1": a**0.5, "b1": a**0.5, "W2": a**-0.5}),
        "The factor is √α instead of α.",
        "(2)",
    ),
    Mutant(
        "does_nothing",
        _scaled(lambda a, n: {}),
        "The model came back as it was. `w = alpha * w` binds a new name; `w.mul_` or "
        "`w.copy_` writes into the parameter.",
        "(2)",
    ),
)
