r"""Drop units at random in training, so that none can rely on another.

Every unit j of every example is kept with probability
:math:`q = 1 - p_{drop}`, decided anew at every forward pass:

.. math::

    r_j &\sim \mathrm{Bernoulli}(q) \qquad (1)

The mean of :math:`r_j x_j` is :math:`q\, x_j`, so training and prediction would
work at different scales. The two conventions differ in where that is repaired.
*Standard* dropout, the original one, trains with the bare mask and shrinks at
prediction,

.. math::

    y &= r \odot x \quad\text{(training)} \qquad (2) \\
    y &= q\, x \quad\text{(prediction)} \qquad (3)

*inverted* dropout, which every framework has, stretches in training and leaves
prediction alone:

.. math::

    y &= r \odot x / q \quad\text{(training)} \qquad (4) \\
    y &= x \quad\text{(prediction)} \qquad (5)

Each has the same mean in training as it has at prediction. Multiplying by q at
prediction is *standard* dropout; to do it on top of (4) shrinks twice.

The mask of (4) adds the variance :math:`x_j^2\, p_{drop}/q`, so the gradient is
noisier: a rate that was just stable without dropout may diverge with it. A
batch norm behind it measures a larger variance in training than it will see at
prediction.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Bool, Float, Num
from torch import Tensor

from .._validate import check_range

__all__ = ["dropout", "dropout_mask"]


def dropout_mask(
    shape: Sequence[int], p: float = 0.5, *, generator: torch.Generator
) -> Bool[Tensor, "..."]:
    r"""Draw r of equation (1): True where a unit is kept.

    Args:
        shape: Shape of the mask. An axis of length 1 gives all entries along
            it one fate: ``[N, C, 1, 1]`` drops whole channels of images.
        p: :math:`p_{drop}` in [0, 1].
        generator: Source of randomness; the mask is made on its device.

    Returns:
        The mask.

    Raises:
        ValueError: If p is out of its range.

    Example:
        >>> generator = torch.Generator().manual_seed(0)
        >>> dropout_mask((2, 4), 0.5, generator=generator)
        tensor([[ True, False,  True,  True],
                [ True, False,  True, False]])

    References:
        Srivastava et al. (2014), Dropout: a simple way to prevent neural networks
        from overfitting, JMLR 15, section 4.
        Tompson et al. (2015), arXiv 1411.4280, section 3.2, for channels.
    """
    q = 1 - check_range("p", p, 0, 1)
    shape = tuple(shape)
    return torch.rand(shape, generator=generator, device=generator.device) < q  # (1)


def dropout(
    x: Float[Tensor, "*shape"],
    p: float = 0.5,
    *,
    training: bool = True,
    inverted: bool = True,
    mask: Num[Tensor, "..."] | Bool[Tensor, "..."] | None = None,
    generator: torch.Generator | None = None,
) -> Float[Tensor, "*shape"]:
    r"""Return y of equations (2) to (5).

    Args:
        x: Activations.
        p: :math:`p_{drop}` in [0, 1].
        training: Whether units are dropped.
        inverted: Whether the scale is repaired in training, (4) and (5), or at
            prediction, (2) and (3).
        mask: r, of a shape that broadcasts to x; drawn if None.
        generator: What the mask is drawn from.

    Shape:
        any, to the same.

    Returns:
        The thinned, or in prediction the whole, activations.

    Raises:
        ValueError: If p is out of its range, or the mask does not fit.
        TypeError: If x is not a floating-point tensor, or neither a mask nor
            a generator is given in training.

    Example:
        >>> x, r = torch.ones(4), torch.tensor([True, False, True, True])
        >>> dropout(x, 0.2, mask=r), dropout(x, 0.2, mask=r, inverted=False)
        (tensor([1.2500, 0.0000, 1.2500, 1.2500]), tensor([1., 0., 1., 1.]))
        >>> dropout(x, 0.2, training=False, inverted=False)
        tensor([0.8000, 0.8000, 0.8000, 0.8000])

    Notes:
        With p = 1 all is zero in training; only then are the means of (4)
        and (5) not equal. ``torch.nn.functional.dropout`` is the inverted one.

    References:
        Srivastava, Hinton, Krizhevsky, Sutskever, Salakhutdinov (2014),
        Dropout: a simple way to prevent neural networks from overfitting, JMLR
        15, section 4 for (1) to (3), section 10 for (4).
        Li, Chen, Hu, Yang (2019), Understanding the disharmony between dropout
        and batch normalization by variance shift, arXiv 1801.05134.
    """
    q = 1 - check_range("p", p, 0, 1)
    if not (isinstance(x, Tensor) and x.is_floating_point()):
        kind = getattr(x, "dtype", type(x).__name__)
        raise TypeError(f"x: expected a floating-point tensor, got {kind}")
    if training:
        r = _mask(x, p, mask, generator)
        if not inverted:
            return r * x  # (2)
        return r * x / (q or 1.0)  # (4)
    return x if inverted else q * x  # (5), (3)


def _mask(
    x: Tensor, p: float, mask: Tensor | None, generator: torch.Generator | None
) -> Tensor:
    if mask is None:
        if generator is None:
            raise TypeError(
                "generator: expected a torch.Generator in training, got None; give "
                "one (coursekit.device.generator(seed)) or the mask itself"
            )
        mask = dropout_mask(x.shape, p, generator=generator)
    axes = zip(reversed(mask.shape), reversed(x.shape), strict=False)
    if mask.ndim > x.ndim or any(m not in {1, n} for m, n in axes):
        raise ValueError(
            f"mask: expected a shape that broadcasts to {tuple(x.shape)}, got "
            f"{tuple(mask.shape)}"
        )
    return mask.to(x)
