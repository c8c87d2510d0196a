r"""Normalize every channel of one example over its positions.

For every example and channel on its own, over the positions,

.. math::

    \hat x &= (x - \mathrm{mean}_{pos}\, x) /
    \sqrt{\mathrm{var}_{pos}\, x + \epsilon} \qquad (1) \\
    y &= \gamma \odot \hat x + \beta \qquad (2)

The contrast of a channel, image by image, is removed: a help where style is to
be replaced, a loss where contrast tells the classes apart. Without positions
nothing would be left, every entry being its own mean.
"""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from .._validate import check_count
from ._layer import NormLayer, affine, check_channels
from .core import normalize

__all__ = ["InstanceNorm", "instance_norm"]


def instance_norm(
    x: Float[Tensor, "N C *positions"],
    weight: Float[Tensor, " C"] | None = None,
    bias: Float[Tensor, " C"] | None = None,
    eps: float = 1e-5,
) -> Float[Tensor, "N C *positions"]:
    r"""Return y of equation (2).

    Args:
        x: Entries with the channels on axis 1.
        weight: The gain γ; None is 1.
        bias: The bias β; None is 0.
        eps: ε ≥ 0.

    Shape:
        ``[N, C, *positions]`` to the same, at least one axis of positions.

    Returns:
        The normalized entries.

    Raises:
        ValueError: If there are fewer than two positions.

    Example:
        >>> instance_norm(torch.tensor([[[1.0, 3.0], [10.0, 30.0]]]), eps=0)
        tensor([[[-1.,  1.],
                 [-1.,  1.]]])

    References:
        Ulyanov, Vedaldi, Lempitsky (2016), Instance normalization, arXiv
        1607.08022.
    """
    check_positions(x)
    x_hat = normalize(x, range(2, x.ndim), eps).output  # (1)
    return affine(x_hat, weight, bias, channels=True)  # (2)


def check_positions(
    x: Tensor, channels: int | None = None, dims: int | None = None
) -> None:
    """Pass when there are two positions or more to average over.

    Args:
        x: ``[N, C, *positions]``.
        channels: C; None allows any.
        dims: Number of axes of positions; None allows any.

    Raises:
        ValueError: If there are fewer.
    """
    check_channels(x, channels, dims, least=1)
    if x.shape[2:].numel() < 2:
        raise ValueError(
            f"x: expected 2 or more positions, got shape {tuple(x.shape)}; over a "
            "single position every output would be 0"
        )


class InstanceNorm(NormLayer):
    r"""Normalize every channel of every example over the positions.

    Args:
        num_features: Channels C.
        eps: ε ≥ 0.
        affine: Whether there are γ and β.
        dims: Number of axes of positions; None allows any.
        fused: Whether torch's kernel computes (1) and (2), for speed.
        device: Device of the parameters.
        dtype: Type of the parameters.

    Shape:
        ``[N, C, *positions]`` to the same, at least one axis of positions.

    Raises:
        ValueError: If an argument is out of its range.

    Example:
        >>> InstanceNorm(3)(torch.randn(2, 3, 8, 8)).shape
        torch.Size([2, 3, 8, 8])

    Notes:
        State dicts are those of ``torch.nn.InstanceNorm1d`` to ``3d`` without
        running statistics, which those can keep on request.

    References:
        Ulyanov, Vedaldi, Lempitsky (2016), arXiv 1607.08022.
    """

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        *,
        affine: bool = False,
        dims: int | None = None,
        fused: bool = True,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        C = check_count("num_features", num_features)
        place = {"device": device, "dtype": dtype}
        super().__init__((C,), eps, affine, affine, fused=fused, **place)
        self.num_features, self.dims = C, dims

    def forward(self, x: Tensor) -> Tensor:
        """Return the normalized entries.

        Args:
            x: ``[N, C, *positions]``.

        Returns:
            Entries of the same shape.
        """
        check_positions(x, self.num_features, self.dims)
        if not self.fused or not x.numel():
            return instance_norm(x, self.weight, self.bias, self.eps)
        # as a group norm with a group a channel, torch's faster kernel for it
        C = self.num_features
        return functional.group_norm(x, C, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        """Name the settings in ``print(model)``.

        Returns:
            Comma-separated settings.
        """
        return f"{self.num_features}, {super().extra_repr()}"
