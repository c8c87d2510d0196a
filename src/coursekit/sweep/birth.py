r"""Make the network of one setting, with the weights of its seed.

A factory is called right after ``torch.manual_seed(seed)``, so that its net has
the weights it would have anywhere else; ``init`` then draws them anew from a
generator of the same seed. A module in place of a factory is the start of all
settings: each trains a copy of it, with its weights unless ``init`` says
otherwise.
"""

from __future__ import annotations

import copy
from collections.abc import Callable

import torch
from torch import nn
from torch.nn.parameter import is_lazy

from ..init import initialize
from ..layers import linear_maps
from .net import Inputs
from .setting import Setting
from .streams import reseed

__all__ = ["Model", "build"]

Model = nn.Module | Callable[..., nn.Module]


def build(
    model: Model, setting: Setting, dtype: torch.dtype, x: Inputs = ()
) -> nn.Module:
    """Make the network that a setting starts from.

    Args:
        model: A factory, or a module to copy.
        setting: Its seed, keywords, scheme and gain.
        dtype: Of the weights.
        x: Inputs of a few examples, from which lazy layers learn their sizes.

    Returns:
        A new module on the CPU, in training mode. Generators that its layers
        keep for themselves, e.g. for masks, are started from the seed.

    Raises:
        TypeError: If the factory returns anything but a module, or the module
            has complex parameters.
        ValueError: If there is nothing to train.
    """
    with torch.random.fork_rng(devices=[]):
        # torch.manual_seed would also note a traceback for devices not yet in use
        torch.default_generator.manual_seed(setting.seed)
        if isinstance(model, nn.Module):
            module = copy.deepcopy(model).cpu()
        else:
            module = model(**setting.model)
        if not isinstance(module, nn.Module):
            raise TypeError(
                "model: expected a function that returns a module, got a "
                f"{type(module).__name__} from it"
            )
        if x and any(is_lazy(p) for p in module.parameters()):
            floats = torch.get_default_dtype()
            with torch.no_grad():
                module.eval()(
                    *(v.to(floats) if v.is_floating_point() else v for v in x)
                )
    _check(module)
    module._apply(lambda t: t.to(dtype) if t.is_floating_point() else t)
    if setting.init is not None:
        initialize(module, setting.init, seed=setting.seed)
    if setting.gain != 1:
        with torch.no_grad():
            for layer in linear_maps(module):
                layer.weight.mul_(setting.gain)
    reseed(module, setting.seed)
    return module.train()


def _check(module: nn.Module) -> None:
    parameters = list(module.parameters())
    if any(p.is_complex() for p in parameters):
        raise TypeError(
            "model: expected real parameters, got complex ones; keep their "
            "torch.view_as_real and build the complex number in forward"
        )
    if not any(p.requires_grad for p in parameters):
        raise ValueError(
            f"model: expected parameters to train, got {type(module).__name__} without "
            "any; call requires_grad_(True), or register them as nn.Parameter"
        )
