r"""Restrict a network to what images have in common: neighbourhood and shift.

A convolution is a linear map with two constraints. A unit sees only the
:math:`|\mathrm{kernel}|` places around its own, and all places share one set
of weights. With channels i, c, places p and offsets r of the kernel,

.. math::

    z^l_{c}(p) &= \textstyle\sum_{i,r} W^l_{ci}(r)\, a^{l-1}_i(p + r) + b^l_c
    \qquad (1) \\
    a^l(p) &= \max_{q\, \in\, 2p + \{0, 1\}^D} \phi(z^l(q)) \qquad (2) \\
    o &= W\, \mathrm{vec}(a^L) + b \qquad (3)

with zeros outside of the image and D = 2 axes of places (1 for a signal). A
shift of the input shifts :math:`z^1` and changes nothing else, up to the
border. What the constraint saves is spent on channels: on 8×8 digits the two
layers of 16 and 32 channels have 6,090 parameters, while the fully connected
``MLP([64, 64, 32, 10])`` has 6,570. Where the data lack the structure, or
come centred already, the restriction buys little.
"""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from itertools import pairwise
from math import prod

from jaxtyping import Float
from torch import Tensor, nn

from .._validate import check_count, check_in
from .mlp import new_activation

__all__ = ["SmallCNN"]

CONV = {1: nn.Conv1d, 2: nn.Conv2d}
POOL = {1: nn.MaxPool1d, 2: nn.MaxPool2d}
KERNEL = {1: 5, 2: 3}
SIZE = {1: 40, 2: 8}


class Unpack(nn.Module):
    """Give flat examples their axes, and check those that have them.

    Args:
        shape: Channels and places of an example.
    """

    def __init__(self, shape: Sequence[int]) -> None:
        super().__init__()
        self.shape = tuple(shape)

    def forward(self, x: Float[Tensor, "batch ..."]) -> Float[Tensor, "batch ..."]:
        """Return the examples with their axes.

        Args:
            x: Images or signals, with their axes or flat.

        Returns:
            The examples, ``[N, *shape]``.

        Raises:
            ValueError: If an example does not have that size.
        """
        if tuple(x.shape[1:]) not in (self.shape, (prod(self.shape),)):
            raise ValueError(
                f"x: expected [N, {', '.join(map(str, self.shape))}] or the same "
                f"flat, got {tuple(x.shape)}; give size= and in_channels= for others"
            )
        return x.reshape(len(x), *self.shape)


class SmallCNN(nn.Module):
    r"""Stack convolution, optional norm, activation and pooling, then a linear map.

    The parts of ``features`` are named ``conv1, norm1, act1, pool1, ...``.

    Args:
        channels: Channels of the hidden layers; each halves the places.
        n_classes: Number of logits.
        activation: A name known to ``coursekit.models.activation``, or a
            callable without arguments that makes the module.
        dims: 2 for images, 1 for signals.
        size: Places along an axis of the input; None is 8 for images (the
            digits) and 40 for signals (the length of MNIST-1D).
        in_channels: Channels of the input.
        kernel: Odd width of the kernel; None is 3 for images and 5 for signals.
        norm: Makes a norm layer for a number of channels, e.g.
            ``coursekit.norm.BatchNorm``; it stands before the activation.

    Shape:
        input ``[N, in_channels, size]`` or ``[N, in_channels, size, size]``, or
        flat, ``[N, in_channels · size^dims]``; output ``[N, n_classes]``.

    Attributes:
        features: The hidden layers.
        head: The last linear map.

    Raises:
        ValueError: If a number is out of its range, the kernel is even, or the
            input is too small for so many halvings.
        TypeError: If a number is not an integer.

    Example:
        >>> import torch
        >>> model = SmallCNN()
        >>> model(torch.zeros(5, 64)).shape
        torch.Size([5, 10])
        >>> sum(p.numel() for p in model.parameters())
        6090
        >>> SmallCNN(dims=1)(torch.zeros(5, 1, 40)).shape
        torch.Size([5, 10])

    Notes:
        As in torch, the "convolution" (1) is a cross-correlation: the kernel
        is not turned around. The weights are learnt, so it makes no difference.

    References:
        LeCun, Bottou, Bengio, Haffner (1998), Gradient-based learning applied
        to document recognition, Proceedings of the IEEE 86, section II.
    """

    def __init__(
        self,
        channels: Sequence[int] = (16, 32),
        n_classes: int = 10,
        activation: str | Callable[[], nn.Module] = "relu",
        *,
        dims: int = 2,
        size: int | None = None,
        in_channels: int = 1,
        kernel: int | None = None,
        norm: Callable[[int], nn.Module] | None = None,
    ) -> None:
        super().__init__()
        check_in("dims", dims, CONV)
        size = check_count("size", SIZE[dims] if size is None else size)
        kernel = check_count("kernel", KERNEL[dims] if kernel is None else kernel)
        counts = [check_count("in_channels", in_channels)]
        counts += [check_count(f"channels[{i}]", c) for i, c in enumerate(channels)]
        left = size // 2 ** len(channels)
        if kernel % 2 == 0 or left < 1 or len(counts) < 2:
            raise ValueError(
                f"kernel, size, channels: expected an odd kernel, and places left "
                f"after one halving or more, got kernel={kernel}, size={size} and "
                f"channels={tuple(channels)}"
            )
        self.unpack = Unpack((counts[0], *(size,) * dims))
        parts: OrderedDict[str, nn.Module] = OrderedDict()
        for l, (n_in, n_out) in enumerate(pairwise(counts), 1):
            parts[f"conv{l}"] = CONV[dims](n_in, n_out, kernel, padding=kernel // 2)
            if norm is not None:
                parts[f"norm{l}"] = norm(n_out)
            parts[f"act{l}"] = new_activation(activation)
            parts[f"pool{l}"] = POOL[dims](2)
        self.features = nn.Sequential(parts)
        n_flat = counts[-1] * left**dims
        self.head = nn.Linear(n_flat, check_count("n_classes", n_classes))

    def forward(self, x: Float[Tensor, "batch ..."]) -> Float[Tensor, "batch classes"]:
        """Return the logits.

        Args:
            x: Images or signals, with their axes or flat.

        Returns:
            Logits, ``[N, n_classes]``.
        """
        a = self.features(self.unpack(x))  # (1), (2)
        return self.head(a.flatten(-len(self.unpack.shape)))  # (3)
