r"""Normalize every channel by another norm than the root mean square.

Over the examples of the batch and over positions, with the Lᵖ mean
:math:`\|d\|_p = (\mathrm{mean}\,|d|^p)^{1/p}` (p = ∞: the maximum),

.. math::

    d &= x - \mu_B \qquad (1) \\
    m &= \mathrm{mean}\,|d|^p \ \text{(center\_first)}, \quad
    \mathrm{mean}\,|x|^p \ \text{(scale\_first)} \qquad (2) \\
    \hat x &= d / (m + \epsilon)^{1/p} \qquad (3) \\
    y &= \gamma \odot \hat x + \beta \qquad (4)

For p = ∞, m is the largest size and (3) takes no root. If a fixed variance were
what makes batch norm work, the others should fail; they train alike. With
``order="center_first"`` p = 2 *is* batch norm. The paper divides first and shifts
the mean afterwards, and its p = 2 is not.
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from .._validate import check_count, check_in, check_range
from ._layer import NormLayer, affine, check_batch, check_channels, per_channel
from .axes import norm_axes
from .lp_fused import lp_fused

__all__ = ["LpBatchNorm", "lp_norm"]

ORDERS = ("center_first", "scale_first")


def lp_norm(
    x: Float[Tensor, "N C *positions"],
    p: float = 2.0,
    order: str = "center_first",
    eps: float = 1e-5,
) -> Float[Tensor, "N C *positions"]:
    r"""Return :math:`\hat x` of equation (3) with the statistics of the batch.

    Args:
        x: A batch.
        p: 1, 2, ``math.inf``, or any number ≥ 1.
        order: ``"center_first"`` takes the norm of x − μ, ``"scale_first"``
            that of x.
        eps: ε ≥ 0.

    Shape:
        ``[N, C, *positions]`` to the same.

    Returns:
        Entries of mean 0 in every channel.

    Raises:
        ValueError: If p < 1, the order is unknown, or a statistic would be of
            a single entry.

    Example:
        >>> x = torch.tensor([[1.0], [2.0], [6.0]])
        >>> lp_norm(x, math.inf, eps=0).T
        tensor([[-0.6667, -0.3333,  1.0000]])

    References:
        Santurkar, Tsipras, Ilyas, Madry (2018), How does batch normalization
        help optimization?, arXiv 1805.11604, section 3.3.
    """
    check_range("p", p, 1, math.inf)
    check_in("order", order, ORDERS)
    check_channels(x)
    check_batch(x)
    mean, moment = _statistics(x, p, order)
    return _divide(x, mean, moment, p, eps)


def _statistics(x: Tensor, p: float, order: str) -> tuple[Tensor, Tensor]:
    wide = x.to(torch.promote_types(x.dtype, torch.float32))
    axes = norm_axes("batch", x.shape)
    mean = wide.mean(axes, keepdim=True)
    d = wide - mean  # (1)
    size = (d if order == "center_first" else wide).abs()
    if math.isinf(p):
        return mean, size.amax(axes, keepdim=True)
    return mean, size.pow(p).mean(axes, keepdim=True)  # (2)


def _divide(x: Tensor, mean: Tensor, moment: Tensor, p: float, eps: float) -> Tensor:
    norm = moment + eps if math.isinf(p) else (moment + eps).pow(1 / p)
    return ((x - mean) / norm).to(x.dtype)  # (3)


class LpBatchNorm(NormLayer):
    r"""Normalize every channel by its Lᵖ mean over the batch.

    Args:
        num_features: Channels C.
        p: 1, 2, ``math.inf``, or any number ≥ 1.
        order: ``"center_first"`` or ``"scale_first"``, the paper's.
        eps: ε ≥ 0.
        momentum: :math:`1 - p_{kept}` in [0, 1], the share of the new value in
            the running averages.
        affine: Whether there are γ and β.
        dims: Number of axes of positions; None allows any.
        fused: Whether the derivative of ``lp_fused`` and, for the centred p = 2,
            torch's batch norm are used, for speed.
        device: Device of parameters and averages.
        dtype: Type of parameters and averages.

    Shape:
        ``[N, C, *positions]`` to the same.

    Raises:
        ValueError: If an argument is out of its range.

    Example:
        >>> LpBatchNorm(3, p=1)(torch.randn(16, 3)).shape
        torch.Size([16, 3])

    Notes:
        Averaged are μ and the moment m of equation (2). For the centred p = 2
        that moment is corrected by n/(n − 1), as batch norm corrects its
        variance, so that both are equal in evaluation as well; for other p no
        such factor is known.

    References:
        Santurkar, Tsipras, Ilyas, Madry (2018), arXiv 1805.11604, section 3.3.
    """

    running_mean: Tensor
    running_moment: Tensor

    def __init__(
        self,
        num_features: int,
        p: float = 2.0,
        order: str = "center_first",
        eps: float = 1e-5,
        momentum: float = 0.1,
        affine: bool = True,
        *,
        dims: int | None = None,
        fused: bool = True,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        C = check_count("num_features", num_features)
        place = {"device": device, "dtype": dtype}
        super().__init__((C,), eps, affine, affine, fused=fused, **place)
        check_in("order", order, ORDERS)
        self.p = check_range("p", p, 1, math.inf)
        self.num_features, self.order, self.dims = C, order, dims
        self.momentum = check_range("momentum", momentum, 0, 1)
        self.register_buffer("running_mean", torch.zeros(C, **place))
        self.register_buffer("running_moment", torch.ones(C, **place))

    def forward(self, x: Tensor) -> Tensor:
        """Return the normalized batch; in training, remember its statistics.

        Args:
            x: ``[N, C, *positions]``.

        Returns:
            Entries of the same shape.
        """
        check_channels(x, self.num_features, self.dims)
        if self.training:
            n = check_batch(x)
            if self.fused:
                return self._fused(x, n)
            mean, moment = _statistics(x, self.p, self.order)
            self._remember(mean, moment, n)
        else:
            mean = per_channel(self.running_mean, x.ndim)
            moment = per_channel(self.running_moment, x.ndim)
        x_hat = _divide(x, mean, moment, self.p, self.eps)
        return affine(x_hat, self.weight, self.bias, channels=True)  # (4)

    def _fused(self, x: Tensor, n: int) -> Tensor:
        w, b = self.weight, self.bias
        if self._is_variance:
            mean, moment = self.running_mean, self.running_moment
            return functional.batch_norm(
                x, mean, moment, w, b, True, self.momentum, self.eps
            )
        centred = self.order == "center_first"
        y, mean, moment = lp_fused(x, w, b, self.p, centred, self.eps)
        self._remember(mean, moment, n)
        return y

    @property
    def _is_variance(self) -> bool:
        return self.p == 2 and self.order == "center_first"

    @torch.no_grad()
    def _remember(self, mean: Tensor, moment: Tensor, n: int) -> None:
        unbiased = n / (n - 1) if self._is_variance else 1.0
        self.running_mean.lerp_(mean.flatten().to(self.running_mean), self.momentum)
        new = (unbiased * moment.flatten()).to(self.running_moment)
        self.running_moment.lerp_(new, self.momentum)

    def extra_repr(self) -> str:
        """Name the settings in ``print(model)``.

        Returns:
            Comma-separated settings.
        """
        return f"{self.num_features}, p={self.p:g}, order={self.order!r}"
