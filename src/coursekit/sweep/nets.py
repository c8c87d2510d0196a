r"""Choose the way to compute K models: the fastest that computes what they compute.

There are five, in the order of their speed: stacked layers, stacked layers in code
that sees one long batch, stacked layers of which some run model by model,
``torch.func.vmap`` over the model's own code, and one model after the other.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from .agree import agrees
from .data import as_inputs
from .folded import FoldedNet
from .loop_net import LoopNet
from .mapped_net import MappedNet
from .net import Inputs, Net
from .objective import Loss
from .stacked_net import MixedNet, StackedNet
from .streams import as_global, stream

__all__ = ["PATHS", "Loss", "choose_path"]

PATHS: dict[str, type[Net]] = {
    "stacked": StackedNet,
    "folded": FoldedNet,
    "mixed": MixedNet,
    "vmap": MappedNet,
    "loop": LoopNet,
}


def choose_path(models: Sequence[nn.Module], x: Inputs | Tensor) -> tuple[str, str]:
    """Find the fastest path that computes what the models compute.

    Args:
        models: Models of one architecture, at least one.
        x: Some inputs, each ``[examples, ...]``.

    Returns:
        A name in ``PATHS`` and the reason why no faster one was taken, which is
        empty for the first.
    """
    x = as_inputs(x)
    _check(models[0], x)
    reasons: dict[str, str] = {}
    for name in ("stacked", "folded", "mixed", "vmap"):
        reasons[name] = agrees(PATHS[name], models, x)
        if not reasons[name]:
            return name, reasons["stacked"]
    first, last = reasons["stacked"], reasons["vmap"]
    return "loop", first if first == last else f"{first}; under vmap {last}"


def _check(model: nn.Module, x: Inputs) -> None:
    model = copy.deepcopy(model)
    try:
        with torch.no_grad(), as_global(stream(0, "dropout")):
            outputs = model(*x)
    except Exception as error:
        shapes = ", ".join(str(list(value.shape)) for value in x)
        raise ValueError(
            f"model: its forward pass fails on the data, inputs of shape {shapes}: "
            f"{error}"
        ) from error
    if not isinstance(outputs, Tensor) or not outputs.is_floating_point():
        got = getattr(outputs, "dtype", type(outputs).__name__)
        raise TypeError(
            f"model: expected outputs as one tensor of real numbers, got {got}; wrap "
            "the model in a module that returns what the loss takes"
        )
