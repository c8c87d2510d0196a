r"""What the norm layers share: gain and bias, and the words for a wrong shape."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from .._validate import check_count, check_positive

__all__ = [
    "NormLayer",
    "add_product",
    "affine",
    "check_batch",
    "check_channels",
    "check_features",
    "feature_shape",
    "per_channel",
]


class NormLayer(nn.Module):
    """Hold the gain (ones at first), the bias (zeros at first) and ε.

    Args:
        shape: Shape of the gain and the bias.
        eps: The constant ε ≥ 0.
        weight: Whether there is a gain γ.
        bias: Whether there is a bias β.
        fused: Whether torch's fused kernel computes the same equations.
        device: Device of the parameters.
        dtype: Type of the parameters.
    """

    weight: nn.Parameter | None
    bias: nn.Parameter | None

    def __init__(
        self,
        shape: Sequence[int],
        eps: float,
        weight: bool,
        bias: bool,
        *,
        fused: bool = False,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        self.eps = check_positive("eps", eps, zero=True)
        self.fused = fused
        size = tuple(shape)
        ones = torch.ones(size, device=device, dtype=dtype) if weight else None
        zeros = torch.zeros(size, device=device, dtype=dtype) if bias else None
        self.register_parameter("weight", None if ones is None else nn.Parameter(ones))
        self.register_parameter("bias", None if zeros is None else nn.Parameter(zeros))

    def extra_repr(self) -> str:
        """Name the settings in ``print(model)``.

        Returns:
            Comma-separated settings.
        """
        affine = self.weight is not None
        return f"eps={self.eps:g}, affine={affine}, fused={self.fused}"


def affine(
    x_hat: Tensor,
    weight: Tensor | None,
    bias: Tensor | None,
    *,
    channels: bool = False,
) -> Tensor:
    """Return γ ⊙ x̂ + β in the type of x̂, where γ or β may be missing.

    Args:
        x_hat: Normalized entries.
        weight: γ, of a shape that broadcasts against them.
        bias: β, likewise.
        channels: Whether both are one number a channel of ``[N, C, *]``.

    Returns:
        The scaled and shifted entries.
    """
    if channels:
        weight = weight if weight is None else per_channel(weight, x_hat.ndim)
        bias = bias if bias is None else per_channel(bias, x_hat.ndim)
    if weight is not None and bias is not None:
        y = torch.addcmul(bias, x_hat, weight)
    elif weight is not None:
        y = x_hat * weight
    else:
        y = x_hat if bias is None else x_hat + bias
    return y.to(x_hat.dtype)


def add_product(total: Tensor, a: Tensor, b: Tensor) -> Tensor:
    """Return total + a·b, over total itself unless derivatives of it are taken.

    Args:
        total: Full size; the caller needs it no more.
        a: A factor, of a shape that broadcasts against it.
        b: The other factor, likewise.

    Returns:
        The sum.
    """
    if torch.is_grad_enabled():
        return torch.addcmul(total, a, b)
    # fetching memory for a large result costs more than the arithmetic
    return total.addcmul_(a, b)


def per_channel(vector: Tensor, ndim: int) -> Tensor:
    """View one number a channel so that it broadcasts against ``[N, C, *]``.

    Args:
        vector: ``[C]``.
        ndim: Axes of the tensor it will meet.

    Returns:
        ``[C, 1, ...]``.
    """
    return vector.view(-1, *(1,) * (ndim - 2))


def check_batch(x: Tensor) -> int:
    """Count the entries behind a statistic of a channel.

    Args:
        x: ``[N, C, *positions]``.

    Returns:
        n, at least 2.

    Raises:
        ValueError: If there is at most one: it would be normalized to 0.
    """
    n = x.numel() // max(x.shape[1], 1)
    if n < 2:
        raise ValueError(
            f"x: expected 2 or more entries a channel in training, got {n} in shape "
            f"{tuple(x.shape)}; a batch of one has no variance: use a larger batch "
            "(drop_last=True for the rest), model.eval(), or a norm without batch"
        )
    return n


def check_channels(
    x: Tensor, channels: int | None = None, dims: int | None = None, *, least: int = 0
) -> None:
    """Pass when x is ``[N, C, *positions]`` as the layer was built for.

    Args:
        x: The input.
        channels: C; None allows any.
        dims: Number of axes of positions; None allows any.
        least: The smallest number of them.

    Raises:
        TypeError: If the input is not of a floating-point type.
        ValueError: If the shape does not fit.
    """
    _check_float(x)
    positions = x.ndim - 2
    wanted = f"{least} or more" if dims is None else f"{dims}"
    if positions < least or (dims is not None and positions != dims):
        raise ValueError(
            f"x: expected [N, C] and {wanted} axes of positions, got shape "
            f"{tuple(x.shape)}; a batch of one needs x.unsqueeze(0)"
        )
    if channels is not None and x.shape[1] != channels:
        raise ValueError(
            f"x: expected {channels} channels on axis 1, got {x.shape[1]} in shape "
            f"{tuple(x.shape)}; sequences [N, T, C] need x.transpose(1, 2)"
        )


def check_features(x: Tensor, normalized_shape: tuple[int, ...]) -> None:
    """Pass when the last axes of x are those that are normalized.

    Args:
        x: The input.
        normalized_shape: Sizes of its last axes.

    Raises:
        TypeError: If the input is not of a floating-point type.
        ValueError: If the shape does not fit.
    """
    _check_float(x)
    got = tuple(x.shape[-len(normalized_shape) :])
    if got != normalized_shape:
        raise ValueError(
            f"x: expected the last axes {normalized_shape}, got {got} in shape "
            f"{tuple(x.shape)}; the features stand last"
        )


def feature_shape(normalized_shape: int | Sequence[int]) -> tuple[int, ...]:
    """Read an axis or axes of features as torch's layer norm does.

    Args:
        normalized_shape: One size or several.

    Returns:
        The sizes.

    Raises:
        ValueError: If there is none, or one is below 1.
    """
    sizes = normalized_shape
    if not isinstance(sizes, Sequence):
        sizes = (sizes,)
    if not sizes:
        raise ValueError("normalized_shape: expected at least one axis, got none")
    return tuple(check_count("normalized_shape", size) for size in sizes)


def _check_float(x: Tensor) -> None:
    if not x.is_floating_point():
        raise TypeError(
            f"x: expected floating-point entries, got {x.dtype}; use x.float()"
        )
