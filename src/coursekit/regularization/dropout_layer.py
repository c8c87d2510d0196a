r"""Drop units in training mode, with masks from a generator of one's own.

The equations are in ``dropout``; the layer draws the masks, and asks its
``training`` flag which of the equations holds.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from .._validate import check_range
from .dropout import dropout, dropout_mask

__all__ = ["Dropout"]


class Dropout(nn.Module):
    r"""Drop entries in training mode, and none in evaluation.

    Args:
        p: :math:`p_{drop}` in [0, 1].
        inverted: Whether the scale is repaired in training, as in
            ``torch.nn.Dropout``, or at prediction.
        generator: Source of the masks; None is torch's global one on the CPU.
        shared: Axes along which all entries share one fate: ``(-2, -1)`` drops
            whole channels of ``[N, C, H, W]``, ``(1,)`` the same features at
            every position of ``[N, T, d]``.

    Shape:
        any, to the same.

    Raises:
        ValueError: If p is out of its range.

    Example:
        >>> layer = Dropout(0.5, generator=torch.Generator().manual_seed(0))
        >>> layer(torch.ones(8))
        tensor([2., 0., 2., 2., 2., 0., 2., 0.])
        >>> layer.eval()(torch.ones(3))
        tensor([1., 1., 1.])

    Notes:
        The masks are drawn on the generator's device and then moved, so a CPU
        generator gives the same masks on every device. Two layers may share
        one generator; two generators with one seed give equal masks, which
        are no longer independent. The state of the generator is not in the
        ``state_dict``: save ``generator.get_state()`` to resume exactly. Under
        ``torch.func.vmap`` a draw needs ``randomness="same"`` or
        ``"different"``; to have one generator a model, draw the masks outside
        and hand them to ``dropout``.

    References:
        Srivastava et al. (2014), Dropout: a simple way to prevent neural networks
        from overfitting, JMLR 15, section 4.
        Tompson et al. (2015), arXiv 1411.4280, section 3.2, for ``shared``.
    """

    def __init__(
        self,
        p: float = 0.5,
        *,
        inverted: bool = True,
        generator: torch.Generator | None = None,
        shared: Sequence[int] = (),
    ) -> None:
        super().__init__()
        self.p = check_range("p", p, 0, 1)
        self.inverted = inverted
        self.generator = generator
        self.shared = tuple(shared)

    def forward(self, x: Tensor) -> Tensor:
        """Return the thinned, or in eval mode the whole, activations.

        Args:
            x: Activations.

        Returns:
            Activations of the same shape.

        Raises:
            ValueError: If x lacks an axis that is to be shared.
        """
        mask = None
        if self.training:
            shape = list(x.shape)
            for axis in self.shared:
                if not -x.ndim <= axis < x.ndim:
                    raise ValueError(
                        f"shared: expected axes of {tuple(x.shape)}, got {axis}"
                    )
                shape[axis] = 1
            source = self.generator or torch.default_generator
            mask = dropout_mask(shape, self.p, generator=source)
        return dropout(
            x, self.p, training=self.training, inverted=self.inverted, mask=mask
        )

    def extra_repr(self) -> str:
        """Return what stands in the brackets of ``repr``.

        Returns:
            The arguments.
        """
        shared = f", shared={self.shared}" if self.shared else ""
        return f"p={self.p}, inverted={self.inverted}{shared}"
