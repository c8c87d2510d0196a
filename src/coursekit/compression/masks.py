r"""Hold pruned weights at zero while the others go on learning.

.. math::

    w &\leftarrow m \odot w \qquad (1)

after *every* update, because a gradient that is zero does not keep a weight
still: a momentum carries on, and so does the decay of an adaptive rule. The
hook of the optimizer is the one place that no training loop can forget.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.utils.hooks import RemovableHandle

from ..layers import linear_maps

__all__ = ["Sparsity", "apply_masks", "keep_pruned", "prunable", "sparsity"]


def prunable(model: nn.Module, names: Iterable[str] | None) -> dict[str, Tensor]:
    r"""Return the parameters of these names, by default those of linear maps.

    Args:
        model: The model.
        names: Names; None takes the weights of ``Linear`` and ``Conv`` layers.

    Returns:
        The parameters by name, a shared one once.

    Raises:
        ValueError: If a name is unknown, or there is none.

    Example:
        >>> list(prunable(nn.Sequential(nn.Linear(2, 3), nn.LayerNorm(3)), None))
        ['0.weight']
    """
    every = dict(model.named_parameters())
    if names is None:
        maps = {id(layer.weight) for layer in linear_maps(model)}
        names = [name for name, theta in every.items() if id(theta) in maps]
    names = list(names)
    unknown = [name for name in names if name not in every]
    if unknown or not names:
        raise ValueError(
            f"names: expected parameters of the model ({', '.join(every) or 'none'}), "
            f"got {unknown or names}"
        )
    return {name: every[name] for name in names}


@torch.no_grad()
def apply_masks(model: nn.Module, masks: Mapping[str, Tensor]) -> None:
    r"""Set the masked weights of a model to zero in place, equation (1).

    Args:
        model: The model.
        masks: Masks by parameter name.

    Raises:
        ValueError: If a name is unknown or a shape does not fit.

    Example:
        >>> layer = nn.Linear(2, 1)
        >>> apply_masks(layer, {"weight": torch.tensor([[True, False]])})
        >>> layer.weight[0, 1].item()
        0.0
    """
    for name, w in prunable(model, masks).items():
        m = masks[name]
        if m.shape != w.shape:
            raise ValueError(
                f"masks[{name!r}]: expected shape {tuple(w.shape)}, got "
                f"{tuple(m.shape)}"
            )
        # a product would leave -0, and NaN where a weight has diverged
        w.masked_fill_(~m.to(w.device, torch.bool), 0.0)  # (1)


def keep_pruned(
    optimizer: Optimizer, model: nn.Module, masks: Mapping[str, Tensor]
) -> RemovableHandle:
    r"""Apply the masks now and after every step of an optimizer.

    Args:
        optimizer: Any optimizer, with momentum or without.
        model: The model it updates.
        masks: Masks by parameter name.

    Returns:
        A handle: ``handle.remove()`` ends it, and so does leaving a ``with``
        block over the handle.

    Raises:
        ValueError: If a name is unknown or a shape does not fit.

    Example:
        >>> layer = nn.Linear(4, 1, bias=False)
        >>> optimizer = torch.optim.SGD(layer.parameters(), lr=0.1, momentum=0.9)
        >>> masks = {"weight": torch.tensor([[True, False, False, False]])}
        >>> with keep_pruned(optimizer, layer, masks):
        ...     layer(torch.ones(4)).sum().backward()
        ...     optimizer.step()
        >>> int((layer.weight == 0).sum())
        3

    Notes:
        Gradients of removed weights are still computed, so a norm over all
        gradients (clipping, LAMB) still sees them.

    References:
        Han, Pool, Tran, Dally (2015), arXiv 1506.02626, section 3.
    """
    apply_masks(model, masks)

    def again(*_: object) -> None:
        apply_masks(model, masks)

    return optimizer.register_step_post_hook(again)


class Sparsity(NamedTuple):
    r"""Hold the share of zeros.

    Attributes:
        layers: s by parameter name.
        total: s over all of them together.
    """

    layers: dict[str, float]
    total: float


def sparsity(model: nn.Module, names: Iterable[str] | None = None) -> Sparsity:
    r"""Return the share of weights that are exactly zero.

    Args:
        model: The model.
        names: Parameters to look at; None takes the weights of all ``Linear``
            and ``Conv`` layers.

    Returns:
        The share by parameter and in total.

    Raises:
        ValueError: If a name is unknown, or there is nothing to look at.

    Example:
        >>> layer = nn.Linear(4, 1)
        >>> apply_masks(layer, {"weight": torch.tensor([[True, True, False, False]])})
        >>> sparsity(layer)
        Sparsity(layers={'weight': 0.5}, total=0.5)
    """
    weights = prunable(model, names)
    zeros = {name: int((w == 0).sum()) for name, w in weights.items()}
    layers = {name: zeros[name] / w.numel() for name, w in weights.items()}
    total = sum(zeros.values()) / sum(w.numel() for w in weights.values())
    return Sparsity(layers, total)
