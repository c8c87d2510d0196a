r"""Apply one scheme to every linear map of a model, from one generator.

Weights are drawn in the order of ``model.modules()`` from a single generator,
so a seed fixes the whole model; biases are set to a constant, zero in all the
derivations. Parameters of norm layers and embeddings are left alone.
"""

from collections.abc import Callable
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from .._validate import check_in, check_number
from ..device import generator as new_generator
from ..layers import LinearMap, linear_maps
from .he import he_normal, he_uniform
from .lecun import lecun_normal, lecun_uniform, scaled_normal, standard_uniform
from .structured import constant, identity, orthogonal
from .xavier import xavier_normal, xavier_uniform

__all__ = ["SCHEMES", "initialize"]

Model = TypeVar("Model", bound=nn.Module)
TRANSPOSED = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)

SCHEMES: dict[str, Callable[..., Tensor]] = {
    "standard_uniform": standard_uniform,
    "lecun_normal": lecun_normal,
    "lecun_uniform": lecun_uniform,
    "xavier_normal": xavier_normal,
    "xavier_uniform": xavier_uniform,
    "he_normal": he_normal,
    "he_uniform": he_uniform,
    "scaled_normal": scaled_normal,
    "constant": constant,
    "orthogonal": orthogonal,
    "identity": identity,
}


@torch.no_grad()
def initialize(
    model: Model,
    scheme: str | Callable[..., Tensor],
    *,
    seed: int | None = None,
    generator: torch.Generator | None = None,
    bias: float | None = 0.0,
    **kwargs: Any,
) -> Model:
    r"""Give every ``Linear`` and ``Conv`` of a model new weights, in place.

    Args:
        model: Any module.
        scheme: A name in ``SCHEMES``, or a function called as
            ``scheme(shape, generator=..., dtype=..., device=..., **kwargs)``.
        seed: Starts a fresh generator on the CPU; the weights are then the
            same on every device.
        generator: Instead of a seed, a generator to draw from.
        bias: The constant for every bias; None leaves biases as they are.
        **kwargs: Passed to the scheme (``gain``, ``mode``, ``value``, ...).

    Returns:
        The same model, for chaining.

    Raises:
        ValueError: If the scheme is unknown, not exactly one of ``seed`` and
            ``generator`` is given, or the model has no linear map.
        TypeError: If the model has a transposed convolution, whose weights
            are laid out ``[in, out, *kernel]``.

    Example:
        >>> from coursekit.models import MLP
        >>> model = initialize(MLP([400, 300, 10]), "he_normal", seed=0)
        >>> f"{model.linear1.weight.std().item():.3f}"
        '0.071'
    """
    if isinstance(scheme, str):
        check_in("scheme", scheme, SCHEMES)
        scheme = SCHEMES[scheme]
    if (seed is None) == (generator is None):
        raise ValueError(
            f"seed, generator: expected exactly one of them, got seed={seed!r} and "
            f"generator={generator!r}; randomness is explicit here"
        )
    draw = generator if generator is not None else new_generator(seed)  # type: ignore[arg-type]
    for layer in _drawable(model):
        w = layer.weight
        w.copy_(
            scheme(w.shape, generator=draw, dtype=w.dtype, device=w.device, **kwargs)
        )
        if layer.bias is not None and bias is not None:
            layer.bias.fill_(check_number("bias", bias))
    return model


def _drawable(model: nn.Module) -> list[LinearMap]:
    if any(isinstance(module, TRANSPOSED) for module in model.modules()):
        raise TypeError(
            "model: expected Linear and Conv layers, got a transposed convolution, "
            "whose weight is laid out [in, out, *kernel]; set it by hand"
        )
    layers = linear_maps(model)
    if not layers:
        raise ValueError(
            f"model: expected a model with Linear or Conv layers, got "
            f"{type(model).__name__} without any"
        )
    return layers
