r"""Wrap batch norm, ``coursekit.norm.batch_norm``, as a layer with a memory."""

import torch
from torch import Tensor
from torch.nn import functional

from .._validate import check_count, check_range
from ._layer import NormLayer, check_batch, check_channels
from .batch_norm import RunningStats, batch_norm

__all__ = ["BatchNorm"]


class BatchNorm(NormLayer):
    r"""Normalize every channel, over the batch or by running averages.

    Args:
        num_features: Channels C.
        eps: ε ≥ 0.
        momentum: :math:`1 - p` in [0, 1]; None averages all batches alike.
        affine: Whether there are γ and β.
        track_running_stats: Whether evaluation uses running averages.
        dims: Number of axes of positions in ``[N, C, *positions]``: 0 for
            vectors, 2 for images; None allows any.
        fused: Whether torch's kernel computes the same, for speed.
        device: Device of parameters and averages.
        dtype: Type of parameters and averages.

    Shape:
        ``[N, C, *positions]`` to the same.

    Raises:
        ValueError: If an argument is out of its range.

    Example:
        >>> norm = BatchNorm(3)
        >>> norm(torch.randn(16, 3, 8, 8)).shape, norm(torch.randn(16, 3)).shape
        (torch.Size([16, 3, 8, 8]), torch.Size([16, 3]))

    Notes:
        One class for what torch spreads over ``BatchNorm1d`` to ``3d``; state
        dicts are theirs.

    References:
        Ioffe, Szegedy (2015), Batch normalization, arXiv 1502.03167,
        algorithms 1 and 2.
    """

    running_mean: Tensor | None
    running_var: Tensor | None
    num_batches_tracked: Tensor | None

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        *,
        dims: int | None = None,
        fused: bool = True,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        C = check_count("num_features", num_features)
        place = {"device": device, "dtype": dtype}
        super().__init__((C,), eps, affine, affine, fused=fused, **place)
        self.num_features, self.dims = C, dims
        self.momentum = momentum
        if momentum is not None:
            check_range("momentum", momentum, 0, 1, hint="it is 1 - p, torch's word")
        kept = track_running_stats
        self.register_buffer("running_mean", torch.zeros(C, **place) if kept else None)
        self.register_buffer("running_var", torch.ones(C, **place) if kept else None)
        count = torch.tensor(0, dtype=torch.long, device=device) if kept else None
        self.register_buffer("num_batches_tracked", count)

    def forward(self, x: Tensor) -> Tensor:
        """Return the normalized batch; in training, remember its statistics.

        Args:
            x: ``[N, C, *positions]``.

        Returns:
            Entries of the same shape.
        """
        check_channels(x, self.num_features, self.dims)
        batch_statistics = self.training or self.running_mean is None
        if batch_statistics:
            check_batch(x)
        momentum = self._count()
        if self.fused:
            return functional.batch_norm(
                x,
                self.running_mean,
                self.running_var,
                self.weight,
                self.bias,
                batch_statistics,
                momentum,
                self.eps,
            )
        return self._by_definition(x, momentum)

    def _by_definition(self, x: Tensor, momentum: float) -> Tensor:
        running = None
        if self.running_mean is not None and self.running_var is not None:
            running = RunningStats(self.running_mean, self.running_var)
        y, new = batch_norm(
            x,
            running,
            self.weight,
            self.bias,
            training=self.training,
            momentum=momentum,
            eps=self.eps,
        )
        if self.training and running is not None and new is not None:
            running.mean.copy_(new.mean)
            running.var.copy_(new.var)
        return y

    def _count(self) -> float:
        if not self.training or self.num_batches_tracked is None:
            return 0.0 if self.momentum is None else self.momentum
        self.num_batches_tracked.add_(1)
        if self.momentum is None:
            return 1 / self.num_batches_tracked.item()
        return self.momentum

    def extra_repr(self) -> str:
        """Name the settings in ``print(model)``.

        Returns:
            Comma-separated settings.
        """
        return f"{self.num_features}, momentum={self.momentum}, {super().extra_repr()}"
