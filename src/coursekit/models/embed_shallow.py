r"""Write a shallow network into a deeper one that computes the same.

What a shallow net can fit, a deeper one can fit as well: let its first layers
be those of the shallow net and the added ones do nothing. So a deeper net with
a *larger training* loss has failed to optimize; it is not short of capacity.
(Equal losses prove nothing.)

Let the shallow net have n linear maps and the deep one m. What the added
layers must carry is :math:`v = a^{n-1}`. With matrices P to write and R to
read that satisfy

.. math::

    R\, \phi(P v) &= v \qquad (1)

the layers from n on are, with biases of zero but for the last,

.. math::

    W^n &= P \qquad (2) \\
    W^l &= P R \quad (n < l < m) \qquad (3) \\
    o   &= W^n_{\mathrm{shallow}} R\, a^{m-1} + b^n_{\mathrm{shallow}} \qquad (4)

Which P and R there are depends on φ:

- ReLU and hard tanh do not change what they have put out themselves,
  :math:`\phi(\phi(z)) = \phi(z)`: P = R = I. On signed values, such as the
  inputs of a linear shallow net, ReLU needs the next case.
- :math:`\phi(v) - \phi(-v) = c\, v` holds for ReLU, GELU, SiLU and softplus
  (c = 1) and for leaky ReLU of slope s (c = 1 + s): carry the pair (v, −v) in
  twice the units, :math:`P = (I, -I)^\top` and :math:`R = (I, -I)/c`.
- For tanh and sigmoid no P and R satisfy (1). A sum of finitely many of their
  curves is bounded and analytic; were it v on an interval, it would be v
  everywhere, and v is not bounded. With small weights in front and large ones
  behind they come as close as one likes, but not equal. (ELU and SELU can carry
  what they have put out themselves if it is shifted above zero; not done here.)

Residual nets need none of this. An added branch whose last map is zero is the
identity for every φ.
"""

from typing import NamedTuple, TypeVar

import torch
from torch import Tensor, nn

from ._plan import Entry, check_depths, check_same_activation, write
from ._plan_residual import plan_residual
from .mlp import MLP, split_mlp
from .residual import ResidualMLP

__all__ = ["embed_shallow"]

Net = TypeVar("Net", MLP, ResidualMLP)

IDEMPOTENT = (nn.ReLU, nn.Hardtanh)
PAIRED = (nn.ReLU, nn.LeakyReLU, nn.GELU, nn.SiLU, nn.Softplus)


class Carrier(NamedTuple):
    """Hold the matrices of equation (1).

    Attributes:
        P: What writes v into a layer.
        R: What reads it from the activations of the layer.
    """

    P: Tensor
    R: Tensor


@torch.no_grad()
def embed_shallow(shallow: Net, deep: Net) -> Net:
    r"""Give the deep net weights with which it equals the shallow one, in place.

    Args:
        shallow: An ``MLP`` or a ``ResidualMLP``, without norm layers.
        deep: A net of the same kind and activation, at least as deep and as
            wide.

    Returns:
        The deep net, for chaining.

    Raises:
        ValueError: If the deep net is too shallow or too narrow, its activation
            cannot carry a value on, or the two do not read and write the same.
            The deep net is then as it was.
        TypeError: If they are not of one kind, or have layers for which no
            construction is known.

    Example:
        >>> shallow, deep = MLP([4, 8, 3]), MLP([4, 8, 8, 8, 8, 3])
        >>> x = torch.randn(5, 4, generator=torch.Generator())
        >>> torch.equal(embed_shallow(shallow, deep)(x), shallow(x))
        True

    Notes:
        In an MLP, units beyond those needed get zero weights in and out. It
        proves what the deep net can compute but is no place to train from:
        these units have no gradient. In a residual net only the last map of an
        added branch is zero, and the branch can learn.

        torch's softplus is z itself beyond its threshold, which makes the pair
        inexact there, by :math:`\ln(1 + e^{-threshold})/\beta`: 2e-9 unless it
        was made with a lower threshold than 20.

    References:
        He, Zhang, Ren, Sun (2016), Deep residual learning, arXiv 1512.03385,
        sections 1 and 3.1.
    """
    if isinstance(shallow, MLP) and isinstance(deep, MLP):
        write(_plan_mlp(shallow, deep))
    elif isinstance(shallow, ResidualMLP) and isinstance(deep, ResidualMLP):
        write(plan_residual(shallow, deep))
    else:
        raise TypeError(
            f"shallow, deep: expected two MLPs or two ResidualMLPs, got "
            f"{type(shallow).__name__} and {type(deep).__name__}"
        )
    return deep


def _plan_mlp(shallow: MLP, deep: MLP) -> list[Entry]:
    (maps, phi), (room, phi_deep) = split_mlp(shallow), split_mlp(deep)
    check_same_activation([*phi, *phi_deep])
    n, m = check_depths(maps, room, "linear maps")
    *written, (w, b) = [(p.weight, p.bias) for p in maps]
    P = R = torch.eye(w.shape[1], dtype=w.dtype, device=w.device)
    if m > n:
        P, R = _carrier(phi_deep[0], P, hidden=n > 1)  # (1)
        written += [(P, None)]  # (2)
        written += [(P @ R, None)] * (m - n - 1)  # (3)
    written += [(w @ R, b)]  # (4)
    pairs = zip(room, written, strict=True)
    return [Entry(f"deep.linear{l}", p, *new) for l, (p, new) in enumerate(pairs, 1)]


def _carrier(phi: nn.Module, eye: Tensor, *, hidden: bool) -> Carrier:
    if isinstance(phi, nn.Identity) or (hidden and isinstance(phi, IDEMPOTENT)):
        return Carrier(eye, eye)
    c = 1 + getattr(phi, "negative_slope", 0.0)
    if not isinstance(phi, PAIRED) or c == 0:
        raise ValueError(
            f"activation: expected one that can carry a value on unchanged, got {phi}; "
            "for tanh and sigmoid no weights do it, for others none are known here: "
            "use ReLU, or residual blocks, whose added branches are simply zero"
        )
    return Carrier(torch.cat([eye, -eye]), torch.cat([eye, -eye], 1) / c)
