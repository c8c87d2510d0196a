r"""Count the units of a rectifier that no example switches on.

With the pre-activations :math:`z_{ru}` of unit u, for all examples r:

.. math::

    \text{u is inactive} &\iff \max_r z_{ru} \le 0 \qquad (1) \\
    \text{share of layer } l &=
    \frac{\text{inactive units of } l}{\text{units of } l} \qquad (2)

The slope of a ReLU is 0 there, so an inactive unit receives no gradient from
any example: neither its weights nor its bias move, and unless the layers
before it move the data back, it stays inactive. It is *dead*. One oversized
step does it. A unit of a leaky ReLU with :math:`z \le 0` everywhere still has
the slope a and can return; count it as linear, not as dead.

A net with NaN among its pre-activations is *broken*, not dead. Every
comparison with NaN is false, so ``not (z > 0).any()`` would call all of its
units dead and ``(z <= 0).all()`` none.
"""

from typing import NamedTuple

import torch
from jaxtyping import Bool
from torch import Tensor, nn
from torch.func import functional_call

from ..layers import LinearMap
from .quiet import quiet

__all__ = ["DeadUnits", "dead_fraction"]

RECTIFIERS = (
    *(nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.PReLU, nn.RReLU),
    *(nn.ELU, nn.CELU, nn.SELU, nn.GELU, nn.SiLU),
)


class DeadUnits(NamedTuple):
    r"""Hold what was found in every rectifier layer, first layer first.

    Attributes:
        fraction: Share of inactive units of a layer, (2); NaN where it is
            broken.
        total: Share of all units together; NaN if a layer is broken.
        inactive: Which units they are, one mask a layer.
        broken: Whether a pre-activation was NaN or infinite.
    """

    fraction: list[float]
    total: float
    inactive: list[Bool[Tensor, " units"]]
    broken: bool


def dead_fraction(model: nn.Module, x: Tensor) -> DeadUnits:
    r"""Return the share of units that are on the negative side for all examples.

    Args:
        model: Any module whose rectifiers (ReLU, leaky ReLU, ELU, GELU, SiLU
            and their kin) are modules; used in the mode it is in.
        x: Inputs, batch first: the whole training set, since one example is
            enough to keep a unit alive.

    Shape:
        A unit is an entry of the last axis; behind a convolution it is a
        channel, which all positions share.

    Returns:
        Shares by layer and in total, and which units they are. "Dead" is the
        word for them only where the rectifier is a ReLU.

    Raises:
        ValueError: If there is no example or no rectifier, or the inputs
            themselves are not finite.

    Example:
        >>> model = nn.Sequential(nn.Linear(1, 4), nn.ReLU())
        >>> _ = model[0].weight.data.fill_(1.0)
        >>> _ = model[0].bias.data.copy_(torch.tensor([0.0, -1.0, -2.0, -3.0]))
        >>> dead_fraction(model, torch.tensor([[0.5], [1.5]])).fraction
        [0.5]

    References:
        Maas, Hannun, Ng (2013), Rectifier nonlinearities improve neural
        network acoustic models, ICML workshop on deep learning for audio, § 2.
        Lu, Shin, Su, Karniadakis (2020), Dying ReLU and initialization, arXiv
        1903.06733.
    """
    if not x.numel() or not bool(x.isfinite().all()):
        raise ValueError(
            f"x: expected finite inputs of at least one example, got shape "
            f"{tuple(x.shape)} with {int((~x.isfinite()).sum())} numbers that are not; "
            "clean the data first"
        )
    highest, broken = [], []
    for z, is_conv in _pre_activations(model, x):
        units = z.movedim(1, -1) if is_conv else z
        units = units.reshape(-1, units.shape[-1])
        broken.append(not bool(units.isfinite().all()))
        highest.append(units.amax(0))
    inactive = [top <= 0 for top in highest]  # (1)
    shares = [mask.double().mean().item() for mask in inactive]  # (2)
    fraction = [
        float("nan") if lost else share
        for share, lost in zip(shares, broken, strict=True)
    ]
    total = torch.cat(inactive).double().mean().item()
    return DeadUnits(
        fraction, float("nan") if any(broken) else total, inactive, any(broken)
    )


def _pre_activations(model: nn.Module, x: Tensor) -> list[tuple[Tensor, bool]]:
    found: list[tuple[Tensor, bool]] = []
    after_conv = False

    def see_linear(part: nn.Module, *_: object) -> None:
        nonlocal after_conv
        after_conv = not isinstance(part, nn.Linear)

    def see_rectifier(_: nn.Module, args: tuple[Tensor, ...]) -> None:
        # a copy: an in-place rectifier would overwrite it
        found.append((args[0].detach().clone(), after_conv))

    hooks = []
    for part in model.modules():
        if isinstance(part, LinearMap):
            hooks.append(part.register_forward_hook(see_linear))
        elif isinstance(part, RECTIFIERS):
            hooks.append(part.register_forward_pre_hook(see_rectifier))
    try:
        with quiet(model, x) as buffers, torch.no_grad():
            functional_call(model, buffers, (x,))
    finally:
        for hook in hooks:
            hook.remove()
    if not found:
        raise ValueError(
            f"model: expected rectifiers that are modules, got {type(model).__name__} "
            "without any; use nn.ReLU() instead of the function"
        )
    return found
