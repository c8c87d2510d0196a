r"""Add noise to the gradient that fades with time.

.. math::

    \sigma_t^2 &= \eta_n / (1+t)^{\gamma} \qquad (1) \\
    g'_t &= g_t + \sigma_t\, \xi_t, \quad \xi_t \sim N(0, I) \qquad (2)

Noise moves the parameters where the gradient is 0, so that a saddle point is
left, and it lets a badly initialized deep network try more than one way. More
is not better: beyond some :math:`\eta_n` the parameters wander too far to
arrive, and where the gradient explodes anyway, noise does not help.
"""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.optim import Optimizer

from .._validate import check_positive
from ..device import generator as make_generator
from .wrapper import GradientWrapper

__all__ = ["GradientNoise", "gradient_noise"]


def gradient_noise(
    g: Float[Tensor, "*models p"],
    t: int,
    *,
    eta: float = 0.3,
    gamma: float = 0.55,
    generator: torch.Generator,
) -> Float[Tensor, "*models p"]:
    r"""Return :math:`g'_t` of equation (2).

    Args:
        g: Gradient :math:`g_t`.
        t: Number of the update, from 1.
        eta: Variance :math:`\eta_n` ≥ 0, in units of the gradient squared.
        gamma: Exponent γ ≥ 0 of its decay.
        generator: Where the noise comes from; it may be on another device.

    Shape:
        any; leading axes are batched, every number with noise of its own.

    Returns:
        The noisy gradient.

    Example:
        >>> draw = torch.Generator().manual_seed(0)
        >>> noisy = gradient_noise(torch.zeros(10_000), 3, eta=4.0, generator=draw)
        >>> round(noisy.std().item(), 1)  # 2 / 4**0.275 = 1.37
        1.4

    Notes:
        The paper does not say where t starts. Here the first update has t = 1,
        so that the noise starts at :math:`\eta_n/2^\gamma`.

    References:
        Neelakantan, Vilnis, Le, Sutskever, Kaiser, Kurach, Martens (2015),
        Adding gradient noise improves learning for very deep networks, arXiv
        1511.06807, § 3, with :math:`\eta_n` of 0.01, 0.3 or 1 and γ = 0.55.
    """
    sigma = (eta / (1 + t) ** gamma) ** 0.5  # (1)
    xi = torch.randn(g.shape, generator=generator, device=generator.device)
    return g + sigma * xi.to(g)  # (2)


class GradientNoise(GradientWrapper):
    r"""Run any optimizer on noisy gradients; the caller's stay as they are.

    Args:
        base: The optimizer, of this package or of torch.
        eta: Variance :math:`\eta_n` ≥ 0.
        gamma: Exponent γ ≥ 0.
        seed: Seed of the noise.

    Attributes:
        eta: Variance.
        gamma: Exponent.
        count: Updates taken.
        noise_state: State of the generator.

    Raises:
        TypeError: If ``base`` is not an optimizer.
        ValueError: If a number is out of its range.

    Example:
        >>> from coursekit.optim import SGD
        >>> theta = torch.nn.Parameter(torch.zeros(2))  # a saddle of x² - y²
        >>> optimizer = GradientNoise(SGD([theta], lr=0.1), seed=1)
        >>> (theta[0] ** 2 - theta[1] ** 2).backward()
        >>> optimizer.step()
        >>> bool((theta != 0).all())
        True
    """

    own = ("count", "noise_state")

    def __init__(
        self,
        base: Optimizer,
        eta: float = 0.3,
        gamma: float = 0.55,
        *,
        seed: int = 0,
    ) -> None:
        check_positive("eta", eta, zero=True)
        check_positive("gamma", gamma, zero=True)
        super().__init__(base)
        self.eta, self.gamma, self.count = eta, gamma, 0
        self.noise_state = make_generator(seed).get_state()

    def transform(self, gradients: list[Tensor]) -> list[Tensor]:
        """Return the gradients with noise.

        Args:
            gradients: One for every parameter that has one.

        Returns:
            As many noisy ones.
        """
        draw = torch.Generator()
        draw.set_state(self.noise_state)
        self.count += 1
        how = {"eta": self.eta, "gamma": self.gamma, "generator": draw}
        noisy = [gradient_noise(g, self.count, **how) for g in gradients]
        self.noise_state = draw.get_state()
        return noisy
