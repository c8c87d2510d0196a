r"""Set the smallest weights to zero, and keep them there while the rest recovers.

Of n weights with the sparsity s, the k smallest in size go:

.. math::

    k &= \mathrm{round}(s\, n) \qquad (1) \\
    m_i &= 0 \text{ for the } k \text{ smallest } |w_i|,\ \text{else } 1
    \qquad (2)

and :math:`m \odot w` is what is left.

Size is a cheap stand-in for what a weight matters: at a minimum, to second order,
its removal costs :math:`\tfrac12 H_{ii} w_i^2`, and magnitude forgets the
curvature. It is
good enough as long as most weights are small. Past that the damage is large,
but much of it is repaired by *fine-tuning*: a few more epochs in which the mask
is applied after every update (``keep_pruned``).

A tensor with zeros is no smaller and no faster by itself; see
``compressed_size`` for what the positions of the others cost.
"""

from collections.abc import Iterable
from typing import overload

import torch
from jaxtyping import Bool
from torch import Tensor, nn

from .._validate import check_in, check_range
from ._tensors import check_weights
from .masks import prunable

__all__ = ["prune_magnitude"]

Masks = dict[str, Bool[Tensor, "..."]]


@overload
def prune_magnitude(
    model: Tensor, share: float, *, scope: str = ..., names: None = ...
) -> Tensor: ...
@overload
def prune_magnitude(
    model: nn.Module,
    share: float,
    *,
    scope: str = ...,
    names: Iterable[str] | None = ...,
) -> Masks: ...
def prune_magnitude(
    model: nn.Module | Tensor,
    share: float,
    *,
    scope: str = "layer",
    names: Iterable[str] | None = None,
) -> Masks | Tensor:
    r"""Return the masks of equation (2); nothing is changed yet.

    Args:
        model: A module, or one tensor of weights.
        share: s in [0, 1], the share of weights to remove.
        scope: ``"layer"`` removes that share in every layer, ``"global"`` in
            all together: layers with large weights then keep more, and one
            with small weights may be lost altogether.
        names: Parameters to prune; None takes the weights of all ``Linear``
            and ``Conv`` layers, no biases and no norm layers.

    Returns:
        Masks by parameter name, True where a weight is kept; for a tensor its
        mask. Equal sizes go in the order in which they stand.

    Raises:
        ValueError: If the share or the scope is out of its range, a name is
            unknown, or a weight is not finite.
        TypeError: If a tensor is not of floating-point numbers.

    Example:
        >>> prune_magnitude(torch.tensor([0.3, -0.1, 0.2, -4.0]), 0.5)
        tensor([ True, False, False,  True])

    Notes:
        A weight that is zero already counts among the removed, so pruning 50 %
        and then 75 % leaves 25 %. ``torch.nn.utils.prune`` counts its share
        from what is left.

    References:
        Han, Pool, Tran, Dally (2015), Learning both weights and connections for
        efficient neural networks, arXiv 1506.02626, section 3.
        LeCun, Denker, Solla (1990), Optimal brain damage, NIPS 2,
        section 2, for the cost of a removal.
    """
    share = check_range("share", share, 0, 1)
    check_in("scope", scope, ("layer", "global"))
    if isinstance(model, Tensor):
        return _mask(check_weights("model", model), share)
    weights = {
        name: check_weights(name, w) for name, w in prunable(model, names).items()
    }
    if scope == "layer":
        return {name: _mask(w, share) for name, w in weights.items()}
    together = _mask(torch.cat([w.flatten() for w in weights.values()]), share)
    parts = together.split([w.numel() for w in weights.values()])
    return {
        name: part.view(w.shape)
        for (name, w), part in zip(weights.items(), parts, strict=True)
    }


def _mask(w: Tensor, share: float) -> Tensor:
    k = round(share * w.numel())  # (1)
    m = torch.ones(w.numel(), dtype=torch.bool, device=w.device)
    m[w.abs().flatten().argsort(stable=True)[:k]] = False  # (2)
    return m.view(w.shape)
