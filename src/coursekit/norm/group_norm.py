r"""Normalize groups of channels of one example.

The C channels are split into G groups of C/G neighbours. For every example and
group, over its channels and all positions,

.. math::

    \hat x &= (x - \mathrm{mean}_g\, x) / \sqrt{\mathrm{var}_g\, x + \epsilon}
    \qquad (1) \\
    y &= \gamma \odot \hat x + \beta \qquad (2)

with one gain and one bias a channel. No other example takes part. One group is
a layer norm over channels and positions, as many groups as channels an
instance norm.
"""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from .._validate import check_count
from ._layer import NormLayer, affine, check_channels
from .axes import norm_axes
from .core import normalize

__all__ = ["GroupNorm", "group_norm"]


def group_norm(
    x: Float[Tensor, "N C *positions"],
    num_groups: int,
    weight: Float[Tensor, " C"] | None = None,
    bias: Float[Tensor, " C"] | None = None,
    eps: float = 1e-5,
) -> Float[Tensor, "N C *positions"]:
    r"""Return y of equation (2).

    Args:
        x: Entries with the channels on axis 1.
        num_groups: G, a divisor of C.
        weight: The gain γ; None is 1.
        bias: The bias β; None is 0.
        eps: ε ≥ 0.

    Shape:
        ``[N, C, *positions]`` to the same.

    Returns:
        The normalized entries.

    Raises:
        ValueError: If G does not divide C, or the shape does not fit.

    Example:
        >>> group_norm(torch.tensor([[1.0, 3.0, 10.0, 30.0]]), 2, eps=0)
        tensor([[-1.,  1., -1.,  1.]])

    References:
        Wu, He (2018), Group normalization, arXiv 1803.08494, eq. 1, 2 and 7.
    """
    check_channels(x)
    size = group_size(num_groups, x.shape[1])
    grouped = x.unflatten(1, (num_groups, size))
    axes = norm_axes("group", x.shape)
    x_hat = normalize(grouped, axes, eps).output.flatten(1, 2)  # (1)
    return affine(x_hat, weight, bias, channels=True)  # (2)


def group_size(num_groups: int, num_channels: int) -> int:
    """Return the number of channels of a group.

    Args:
        num_groups: G.
        num_channels: C.

    Returns:
        C/G.

    Raises:
        ValueError: If G does not divide C.
    """
    G = check_count("num_groups", num_groups)
    C = check_count("num_channels", num_channels)
    if C % G:
        raise ValueError(
            f"num_groups: expected a divisor of {C} channels, got {G}; "
            f"the next smaller one is {max(k for k in range(1, G) if C % k == 0)}"
        )
    return C // G


class GroupNorm(NormLayer):
    r"""Normalize groups of channels, as a layer with γ = 1 and β = 0 at first.

    Args:
        num_groups: G, a divisor of C.
        num_channels: C.
        eps: ε ≥ 0.
        affine: Whether there are γ and β.
        fused: Whether torch's kernel computes (1) and (2), for speed.
        device: Device of the parameters.
        dtype: Type of the parameters.

    Shape:
        ``[N, C, *positions]`` to the same.

    Raises:
        ValueError: If an argument is out of its range.

    Example:
        >>> GroupNorm(2, 6)(torch.randn(1, 6, 4, 4)).shape
        torch.Size([1, 6, 4, 4])

    Notes:
        State dicts are those of ``torch.nn.GroupNorm``.

    References:
        Wu, He (2018), Group normalization, arXiv 1803.08494, eq. 1, 2 and 7.
    """

    def __init__(
        self,
        num_groups: int,
        num_channels: int,
        eps: float = 1e-5,
        affine: bool = True,
        *,
        fused: bool = True,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        group_size(num_groups, num_channels)
        super().__init__(
            (num_channels,),
            eps,
            affine,
            affine,
            fused=fused,
            device=device,
            dtype=dtype,
        )
        self.num_groups, self.num_channels = num_groups, num_channels

    def forward(self, x: Tensor) -> Tensor:
        """Return the normalized entries.

        Args:
            x: ``[N, C, *positions]``.

        Returns:
            Entries of the same shape.
        """
        check_channels(x, self.num_channels)
        # torch's kernel refuses an empty batch and a single entry a group
        fused = self.fused and x.numel() > x.shape[0] * self.num_groups
        rule = functional.group_norm if fused else group_norm
        return rule(x, self.num_groups, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        """Name the settings in ``print(model)``.

        Returns:
            Comma-separated settings.
        """
        return f"{self.num_groups}, {self.num_channels}, {super().extra_repr()}"
