r"""Divide the features of one example by their root mean square.

.. math::

    q &= \mathrm{mean}_j\, x^2 \qquad (1) \\
    \hat x &= x / \sqrt{q + \epsilon} \qquad (2) \\
    y &= \gamma \odot \hat x \qquad (3)

Layer norm without the mean: re-scaling is kept, re-centring is dropped, one
reduction is saved. For inputs of mean zero the two are equal.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from ._layer import NormLayer, affine, check_features, feature_shape
from .core import normalize

__all__ = ["RMSNorm", "rms_norm"]


def rms_norm(
    x: Float[Tensor, "..."],
    normalized_shape: int | Sequence[int],
    weight: Float[Tensor, "..."] | None = None,
    eps: float | None = None,
) -> Float[Tensor, "..."]:
    r"""Return y of equation (3).

    Args:
        x: Entries with the features last.
        normalized_shape: Sizes of the axes of features.
        weight: The gain γ, of that shape; None is 1.
        eps: ε ≥ 0; None is the resolution of the type of the computation.

    Shape:
        ``[*, *normalized_shape]`` to the same.

    Returns:
        The scaled entries.

    Raises:
        ValueError: If the last axes of x do not have that shape.

    Example:
        >>> rms_norm(torch.tensor([3.0, 4.0]), 2, eps=0)
        tensor([0.8485, 1.1314])

    Notes:
        The paper has no ε; ``torch.nn.RMSNorm`` has this one.

    References:
        Zhang, Sennrich (2019), Root mean square layer normalization, arXiv
        1910.07467, eq. 4.
    """
    sizes = feature_shape(normalized_shape)
    check_features(x, sizes)
    if eps is None:
        eps = torch.finfo(torch.promote_types(x.dtype, torch.float32)).eps
    dims = range(-len(sizes), 0)
    parts = {"about_mean": False, "subtract_mean": False}
    x_hat = normalize(x, dims, eps, **parts).output  # (1), (2)
    return affine(x_hat, weight, None)  # (3)


class RMSNorm(NormLayer):
    r"""Divide the last axes by their root mean square, with a learnt gain.

    Args:
        normalized_shape: Sizes of the axes of features.
        eps: ε ≥ 0; None is the resolution of the type of the computation.
        elementwise_affine: Whether there is a gain, 1 at first.
        fused: Whether torch's kernel computes the same on CUDA, for speed.
        device: Device of the gain.
        dtype: Type of the gain.

    Shape:
        ``[*, *normalized_shape]`` to the same.

    Raises:
        ValueError: If an argument is out of its range.

    Example:
        >>> RMSNorm(4)(torch.tensor([[1.0, -1.0, 1.0, -1.0]]) * 5)
        tensor([[ 1., -1.,  1., -1.]], grad_fn=...)

    Notes:
        State dicts are those of ``torch.nn.RMSNorm``.

    References:
        Zhang, Sennrich (2019), arXiv 1910.07467, eq. 4.
    """

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        eps: float | None = None,
        elementwise_affine: bool = True,
        *,
        fused: bool = True,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        self.normalized_shape = feature_shape(normalized_shape)
        super().__init__(
            self.normalized_shape,
            0.0 if eps is None else eps,
            elementwise_affine,
            False,
            fused=fused,
            device=device,
            dtype=dtype,
        )
        self.eps_of_type = eps is None

    def forward(self, x: Tensor) -> Tensor:
        """Return the scaled entries.

        Args:
            x: ``[*, *normalized_shape]``.

        Returns:
            Entries of the same shape.
        """
        check_features(x, self.normalized_shape)
        # torch has one kernel for it on CUDA only, and before 2.4 nowhere
        fused = self.fused and x.is_cuda and hasattr(functional, "rms_norm")
        rule = functional.rms_norm if fused else rms_norm
        eps = None if self.eps_of_type else self.eps
        return rule(x, self.normalized_shape, self.weight, eps)
