r"""Keep residual nets without normalization from exploding at the start.

A branch of two linear maps with He weights sends out twice the second moment
it reads: the first map doubles it, ReLU halves it, the second doubles it
again. Added to the stream, each block multiplies :math:`\mathbb{E}[a^2]` by
3, and L blocks by :math:`3^L`. (Where :math:`W_2` has LeCun's scale a block
doubles it.) Two repairs act on the last linear map of every branch:

.. math::

    W_2 &\leftarrow 0 \qquad (1) \\
    W_2 &\leftarrow s\,W_2 \qquad (2)

With (1) every block starts as the identity, whatever the depth; the branch
still learns, because the gradient of :math:`W_2` itself is not zero (that of
:math:`W_1` is, in the first step). With (2) and :math:`s = L^{-1/2}` the stream grows
by :math:`(1 + 2/L)^L \to e^2` in all.
"""

from typing import TypeVar

import torch
from torch import nn

from .._validate import check_number
from ..layers import LinearMap, linear_maps

__all__ = ["scale_branches", "zero_last"]

Model = TypeVar("Model", bound=nn.Module)


@torch.no_grad()
def zero_last(model: Model) -> Model:
    r"""Set the last linear map of every residual branch to zero, in place.

    Args:
        model: A module whose blocks expose their branch as a submodule called
            ``branch``, as ``coursekit.models.ResidualMLP`` does.

    Returns:
        The same model, for chaining.

    Raises:
        ValueError: If the model has no branch, or a branch no linear map.

    Example:
        >>> from coursekit.models import ResidualMLP
        >>> model = zero_last(ResidualMLP(4, 8, 3, 2))
        >>> a = torch.randn(5, 8, generator=torch.Generator())
        >>> torch.equal(model.blocks(a), a)
        True

    References:
        Zhang, Dauphin, Ma (2019), Fixup initialization, arXiv 1901.09321, § 3
        (rule 1). Goyal et al. (2017), arXiv 1706.02677, § 5.1, zero the last
        batch norm's weight instead.
    """
    for last in _last_maps(model):
        last.weight.zero_()  # (1)
        if last.bias is not None:
            last.bias.zero_()
    return model


@torch.no_grad()
def scale_branches(model: Model, factor: float | None = None) -> Model:
    r"""Multiply the last linear map of every residual branch, in place.

    Args:
        model: A module whose blocks expose their branch as a submodule called
            ``branch``.
        factor: The factor s; None means :math:`L^{-1/2}` for L branches.

    Returns:
        The same model, for chaining.

    Raises:
        ValueError: If the model has no branch, or a branch no linear map.

    Example:
        >>> from coursekit.models import ResidualMLP
        >>> model = ResidualMLP(4, 8, 16, 2)
        >>> before = model.blocks[0].branch.linear2.weight.clone()
        >>> after = scale_branches(model).blocks[0].branch.linear2.weight
        >>> torch.equal(after, before / 4)
        True

    Notes:
        The factor is in the weights and vanishes into training, while the
        ``branch_scale`` of ``ResidualMLP`` stays in the forward pass and
        scales the gradient of the branch as well. Both are the same function
        at the start.

    References:
        De, Smith (2020), Batch normalization biases residual blocks towards
        the identity function, arXiv 2002.10444.
    """
    maps = _last_maps(model)
    s = len(maps) ** -0.5 if factor is None else check_number("factor", factor)
    for last in maps:
        last.weight.mul_(s)  # (2)
        if last.bias is not None:
            last.bias.mul_(s)
    return model


def _last_maps(model: nn.Module) -> list[LinearMap]:
    candidates = (getattr(module, "branch", None) for module in model.modules())
    branches = [branch for branch in candidates if isinstance(branch, nn.Module)]
    if not branches:
        raise ValueError(
            f"model: expected residual blocks with a submodule named 'branch', got "
            f"{type(model).__name__} without any; see coursekit.models.ResidualMLP"
        )
    maps = [linear_maps(branch) for branch in branches]
    if not all(maps):
        raise ValueError(
            f"model: expected a Linear or Conv in every branch, got "
            f"{type(branches[maps.index([])]).__name__} without any"
        )
    return [parts[-1] for parts in maps]
