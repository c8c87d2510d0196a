r"""Wrong ways to start a residual network as the identity."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from coursekit.labs.exercise import Mutant
from coursekit.models import ResidualMLP

__all__ = ["MUTANTS"]


def _branches(model: ResidualMLP) -> list[Any]:
    return [block.branch for block in model.blocks]


def _maps(module: nn.Module) -> list[nn.Linear]:
    return [m for m in module.modules() if isinstance(m, nn.Linear)]


def _scaling(
    pick: Callable[[ResidualMLP], list[Any]], factor: float = 0.0
) -> Callable[..., Any]:
    @torch.no_grad()
    def mutant(res_model):
        for parameter in pick(res_model):
            parameter.mul_(factor)
        return res_model

    return mutant


def _both(maps: list[nn.Linear]) -> list[Any]:
    return [p for m in maps for p in (m.weight, m.bias)]


MUTANTS = (
    Mutant(
        "zeroes_all",
        _scaling(lambda m: [p for b in _branches(m) for p in b.parameters()]),
        "This behaves like setting every layer of the branch to zero. The blocks "
        "are identities, but φ(0) leaves the last layer without a gradient too: "
        "nothing in the branch ever moves. Zero the last layer only.",
        "(3)",
    ),
    Mutant(
        "zeroes_everything",
        _scaling(lambda m: list(m.parameters())),
        "This behaves like setting the whole model to zero. The branches are to "
        "vanish at the start, not the stem and the head.",
        "(2)",
    ),
    Mutant(
        "zeroes_first",
        _scaling(lambda m: [p for b in _branches(m) for p in _both(_maps(b)[:1])]),
        "This behaves like zeroing the first layer of each branch. The last "
        "layer's bias still comes through, and the last layer gets no gradient "
        "wherever φ(0) = 0. Zero the last layer.",
        "(2)",
    ),
    Mutant(
        "forgets_bias",
        _scaling(lambda m: [_maps(b)[-1].weight for b in _branches(m)]),
        "This behaves like zeroing the weight of the last layer and not its bias: "
        "each block still adds b₂.",
        "(2)",
    ),
    Mutant(
        "only_last_block",
        _scaling(lambda m: _both(_maps(_branches(m)[-1])[-1:])),
        "This behaves like zeroing the last block only. Every block multiplies the "
        "variance, so every branch needs its last layer at zero.",
        "(2)",
    ),
    Mutant(
        "zeroes_head",
        _scaling(lambda m: _both([m.head])),
        "This behaves like zeroing the last layer of the network. Asked is the "
        "last layer of each residual branch.",
        "(2)",
    ),
    Mutant(
        "zeroes_head_too",
        _scaling(lambda m: _both([m.head, *(_maps(b)[-1] for b in _branches(m))])),
        "This behaves like zeroing the head as well. The trunk is the identity, "
        "but with the head at zero no gradient reaches any block.",
        "(3)",
    ),
    Mutant(
        "does_nothing",
        lambda res_model: res_model,
        "The model came back unchanged. `layer.weight = ...` on a copy, or "
        "`weight = weight * 0`, binds a name and leaves the parameter as it was: "
        "use an in-place operation such as `zero_()`.",
        "(2)",
    ),
)
