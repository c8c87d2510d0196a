r"""Show some images as in a mirror, where a mirror keeps the label.

For every image, with probability p,

.. math::

    r &\sim \mathrm{Bernoulli}(p) \qquad (1) \\
    y_{a,b} &= r\, x_{a,\,W-1-b} + (1 - r)\, x_{a,b} \qquad (2)

Not every transformation keeps the label. A cat in a mirror is a cat; b becomes
d, 2 and 5 become something that nobody writes, and upside down a 6 is a 9.
Trained on mirrored digits a net spends its capacity on images that never
occur, and is told the wrong class for some that do. Before any augmentation
ask two questions: does the *label* stay, and does the result *occur* where the
net will be used?
"""

import torch
from jaxtyping import Float
from torch import Tensor

from .._validate import check_in, check_range
from ._images import lead

__all__ = ["augment_flip"]


def augment_flip(
    images: Float[Tensor, "..."],
    p: float = 0.5,
    *,
    axis: str = "horizontal",
    generator: torch.Generator,
) -> Float[Tensor, "..."]:
    r"""Mirror every image with probability p, equations (1) and (2).

    Args:
        images: Pixels x.
        p: Probability of a mirrored image, in [0, 1].
        axis: ``"horizontal"`` swaps left and right, (2); ``"vertical"`` above
            and below.
        generator: Source of randomness.

    Shape:
        ``[*, H, W]`` or ``[*, C, H, W]`` to the same.

    Returns:
        The images, some of them mirrored; with p = 0 the old ones.

    Raises:
        ValueError: If p or the axis is out of its range.

    Example:
        >>> x = torch.tensor([[1.0, 2.0, 3.0]])
        >>> augment_flip(x, 1.0, generator=torch.Generator().manual_seed(0))
        tensor([[3., 2., 1.]])

    References:
        Shorten, Khoshgoftaar (2019), A survey on image data augmentation for
        deep learning, J. Big Data 6:60, on the safety of a transformation.
    """
    p = check_range("p", p, 0, 1)
    check_in("axis", axis, ("horizontal", "vertical"))
    axes = lead(images)
    r = torch.rand(axes, generator=generator, device=generator.device) < p  # (1)
    r = r.to(images.device).view(*axes, *[1] * (images.ndim - len(axes)))
    mirrored = images.flip(-1 if axis == "horizontal" else -2)
    return torch.where(r, mirrored, images)  # (2)
