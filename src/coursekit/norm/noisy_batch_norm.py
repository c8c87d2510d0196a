r"""Put noise behind batch norm that shifts and stretches every channel anew.

In every training step, for every channel j,

.. math::

    \mu_j &\sim U(-n_\mu,\ n_\mu) \qquad (1) \\
    \sigma_j &\sim U(1,\ n_\sigma) \qquad (2)

and with them for every entry r of that channel

.. math::

    b_{rj} &\sim U(\mu_j - r_\mu,\ \mu_j + r_\mu) \qquad (3) \\
    s_{rj} &\sim N(\sigma_j,\ r_\sigma) \qquad (4) \\
    y_{rj} &\leftarrow s_{rj}\, y_{rj} + b_{rj} \qquad (5)

with the standard deviation :math:`r_\sigma` in (4). The distribution that the
next layer sees thus changes at every step, in the paper's nets more than without
batch norm at all. If batch norm helped by keeping that distribution still,
training would suffer; it hardly does.
"""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from .._validate import check_count, check_positive
from ._layer import per_channel
from .batch_norm_layer import BatchNorm

__all__ = ["Noise", "NoisyBatchNorm", "add_noise"]


class Noise(NamedTuple):
    r"""Hold the four constants of the noise.

    Attributes:
        mean_range: :math:`n_\mu`, the largest shift of a channel.
        std_max: :math:`n_\sigma` ≥ 1, the largest stretch of a channel.
        mean_jitter: :math:`r_\mu`, the spread of the shift within a channel.
        std_jitter: :math:`r_\sigma`, the spread of the stretch within it.
    """

    mean_range: float = 0.5
    std_max: float = 1.25
    mean_jitter: float = 0.1
    std_jitter: float = 0.1


def add_noise(
    y: Float[Tensor, "N C *positions"],
    *,
    generator: torch.Generator,
    noise: Noise = Noise(),  # ruff: ignore[function-call-in-default-argument]
) -> Float[Tensor, "N C *positions"]:
    r"""Return y of equation (5).

    Args:
        y: What batch norm puts out.
        generator: Source of randomness.
        noise: The constants; the default is the paper's.

    Shape:
        ``[N, C, *positions]`` to the same.

    Returns:
        The noisy entries.

    Example:
        >>> y = torch.zeros(2, 3)
        >>> noisy = add_noise(y, generator=torch.Generator().manual_seed(0))
        >>> bool((noisy.abs() <= 0.6).all())
        True

    References:
        Santurkar, Tsipras, Ilyas, Madry (2018), How does batch normalization
        help optimization?, arXiv 1805.11604, algorithm 1 of the appendix.
    """
    n_mu, n_sigma, r_mu, r_sigma = noise
    drawn = {"generator": generator, "device": generator.device}
    mu = n_mu * (2 * torch.rand(y.shape[1:2], **drawn) - 1)  # (1)
    sigma = 1 + (n_sigma - 1) * torch.rand(y.shape[1:2], **drawn)  # (2)
    mu, sigma = (per_channel(v, y.ndim) for v in (mu, sigma))
    # in place, as most of the time goes into what is drawn for each entry
    b = torch.rand(y.shape, **drawn).mul_(2 * r_mu).add_(mu - r_mu)  # (3)
    s = torch.randn(y.shape, **drawn).mul_(r_sigma).add_(sigma)  # (4)
    return torch.addcmul(b.to(y), s.to(y), y)  # (5)


class NoisyBatchNorm(BatchNorm):
    r"""Normalize over the batch, then add time-varying noise in training.

    Args:
        num_features: Channels C.
        eps: ε ≥ 0.
        momentum: :math:`1 - p` in [0, 1]; None averages all batches alike.
        affine: Whether there are γ and β; the noise comes after them.
        seed: Where the noise starts; layers of one net need different seeds.
        noise: The constants of the noise.
        dims: Number of axes of positions; None allows any.

    Shape:
        ``[N, C, *positions]`` to the same.

    Raises:
        ValueError: If an argument is out of its range.

    Example:
        >>> norm = NoisyBatchNorm(4, seed=3)
        >>> x = torch.randn(8, 4)
        >>> torch.equal(norm(x), norm(x))
        False

    Notes:
        Evaluation is without noise. The noise is drawn on the CPU, the same
        on every device.

    References:
        Santurkar, Tsipras, Ilyas, Madry (2018), arXiv 1805.11604, section 2.1
        and algorithm 1 of the appendix.
    """

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        *,
        seed: int = 0,
        noise: Noise = Noise(),  # ruff: ignore[function-call-in-default-argument]
        dims: int | None = None,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        place = {"device": device, "dtype": dtype}
        super().__init__(num_features, eps, momentum, affine, dims=dims, **place)
        for name, value in noise._asdict().items():
            check_positive(name, value, zero=True)
        if noise.std_max < 1:
            raise ValueError(
                f"std_max: expected a number >= 1, got {noise.std_max}; channels are "
                "stretched by 1 to std_max"
            )
        self.noise = noise
        seed = check_count("seed", seed, least=0)
        self.generator = torch.Generator().manual_seed(seed)

    def forward(self, x: Tensor) -> Tensor:
        """Return the normalized batch, with noise in training.

        Args:
            x: ``[N, C, *positions]``.

        Returns:
            Entries of the same shape.
        """
        y = super().forward(x)
        if not self.training:
            return y
        return add_noise(y, generator=self.generator, noise=self.noise)
