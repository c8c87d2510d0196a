r"""Tell the slope of every activation, as a formula and not by autograd.

.. math::

    \phi'(z) = \lim_{h \to 0} \frac{\phi(z + h) - \phi(z)}{h}

Backpropagation multiplies the signal by it in every layer. For the sigmoid it
is at most ¼, for tanh at most 1 and that only near 0: far from zero, on either
side, both are flat and stop the signal. ReLU has the slope 1 wherever it lets
anything through. At a kink, where the limit does not exist, the slope is the
one that torch takes.
"""

import math
from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor, nn

__all__ = ["slope"]

SELU_ALPHA = 1.6732632423543772
SELU_SCALE = 1.0507009873554805


def _identity(phi: nn.Identity, z: Tensor) -> Tensor:
    return torch.ones_like(z)


def _relu(phi: nn.ReLU, z: Tensor) -> Tensor:
    return (z > 0).to(z.dtype)


def _leaky_relu(phi: nn.LeakyReLU, z: Tensor) -> Tensor:
    up = (z > 0).to(z.dtype)
    return up + phi.negative_slope * (1 - up)


def _hard_tanh(phi: nn.Hardtanh, z: Tensor) -> Tensor:
    return ((z > phi.min_val) & (z < phi.max_val)).to(z.dtype)


def _elu(phi: nn.ELU, z: Tensor) -> Tensor:
    return torch.where(z > 0, 1.0, phi.alpha * z.clamp(max=0).exp())


def _selu(phi: nn.SELU, z: Tensor) -> Tensor:
    return SELU_SCALE * torch.where(z > 0, 1.0, SELU_ALPHA * z.clamp(max=0).exp())


def _sigmoid(phi: nn.Sigmoid, z: Tensor) -> Tensor:
    p = torch.sigmoid(z)
    return p * (1 - p)


def _tanh(phi: nn.Tanh, z: Tensor) -> Tensor:
    return 1 - torch.tanh(z).square()


def _softplus(phi: nn.Softplus, z: Tensor) -> Tensor:
    beyond = phi.beta * z > phi.threshold
    return torch.where(beyond, 1.0, torch.sigmoid(phi.beta * z))


def _silu(phi: nn.SiLU, z: Tensor) -> Tensor:
    p = torch.sigmoid(z)
    return p + z * p * (1 - p)


def _gelu(phi: nn.GELU, z: Tensor) -> Tensor:
    if phi.approximate == "tanh":
        c, cube = math.sqrt(2 / math.pi), 0.044715
        t = torch.tanh(c * (z + cube * z**3))
        return (1 + t) / 2 + z / 2 * (1 - t.square()) * c * (1 + 3 * cube * z.square())
    density = torch.exp(-z.square() / 2) / math.sqrt(2 * math.pi)
    return torch.special.ndtr(z) + z * density


SLOPES: dict[type[nn.Module], Callable[..., Tensor]] = {
    nn.Identity: _identity,
    nn.ReLU: _relu,
    nn.LeakyReLU: _leaky_relu,
    nn.ELU: _elu,
    nn.SELU: _selu,
    nn.GELU: _gelu,
    nn.SiLU: _silu,
    nn.Softplus: _softplus,
    nn.Tanh: _tanh,
    nn.Hardtanh: _hard_tanh,
    nn.Sigmoid: _sigmoid,
}


def slope(
    phi: nn.Module, z: Float[Tensor, "*batch units"]
) -> Float[Tensor, "*batch units"]:
    r"""Return :math:`\phi'(z)`.

    Args:
        phi: An activation of ``coursekit.models.activation``, with whatever
            parameters it was made with.
        z: Pre-activations; the slope is taken *there*, not at φ(z).

    Shape:
        any to the same.

    Returns:
        The slopes, in the type of z.

    Raises:
        TypeError: If the activation is none of the named ones.

    Example:
        >>> slope(nn.Sigmoid(), torch.tensor([-4.0, 0.0, 4.0]))
        tensor([0.0177, 0.2500, 0.0177])

    Notes:
        At kinks torch takes 0 for ReLU and hard tanh, the left slope for
        leaky ReLU. Klambauer et al. (2017), arXiv 1706.02515, give SELU's two
        constants; Hendrycks, Gimpel (2016), arXiv 1606.08415, GELU and its
        approximation.

    References:
        Glorot, Bengio (2010), Understanding the difficulty of training deep
        feedforward neural networks, AISTATS, section 3, for the flat ends.
    """
    rule = SLOPES.get(type(phi))
    if rule is None:
        names = ", ".join(kind.__name__ for kind in SLOPES)
        raise TypeError(
            f"activation: expected one of {names}, got {type(phi).__name__}; its slope "
            "is not known here"
        )
    return rule(phi, z)
