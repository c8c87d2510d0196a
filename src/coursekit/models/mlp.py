r"""Build a plain multilayer perceptron from its widths.

.. math::

    z^l &= W^l a^{l-1} + b^l \qquad (1) \\
    a^l &= \phi(z^l) \qquad (2)

for the hidden layers, with :math:`a^0 = x`; the last linear map has no
activation, its output is the logits. With a norm, :math:`a^l = \phi(N(z^l))`.
It is the network on which vanishing and exploding signals are easiest to
see: the signal has one way through.
"""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from itertools import pairwise

from torch import nn

from .._validate import check_count
from ..layers import activation as make_activation

__all__ = ["MLP"]


class MLP(nn.Sequential):
    r"""Stack linear maps, an optional norm and an activation.

    Its parts are named ``linear1, norm1, act1, linear2, ...``, counted from 1
    as the layers are in the text.

    Args:
        widths: ``[d_in, h_1, ..., d_out]``, at least two numbers.
        activation: A name known to ``coursekit.models.activation``, or a
            callable without arguments that makes the module.
        norm: Makes a norm layer for a given width, e.g. ``nn.BatchNorm1d``;
            it stands between the linear map and the activation.
        bias: Whether the linear maps have a bias.
        layer: Makes the map of a hidden layer, called as
            ``layer(n_in, n_out, bias=bias)``. ``coursekit.models.Maxout``
            brings its own activation: give ``"identity"`` for the other.

    Shape:
        input ``[*, d_in]``, output ``[*, d_out]``.

    Raises:
        ValueError: If fewer than two widths are given or one is below 1.
        TypeError: If a width is not an integer.

    Example:
        >>> import torch
        >>> model = MLP([64, 100, 100, 10], "tanh")
        >>> model(torch.zeros(5, 64)).shape
        torch.Size([5, 10])
        >>> [name for name, _ in model.named_children()]
        ['linear1', 'act1', 'linear2', 'act2', 'linear3']

    Notes:
        The weights are born with torch's default, U(±1/√n_in), drawn from
        torch's global generator; ``coursekit.init.initialize`` replaces them
        reproducibly.
    """

    def __init__(
        self,
        widths: Sequence[int],
        activation: str | Callable[[], nn.Module] = "relu",
        *,
        norm: Callable[[int], nn.Module] | None = None,
        bias: bool = True,
        layer: Callable[..., nn.Module] = nn.Linear,
    ) -> None:
        if len(widths) < 2:
            raise ValueError(
                f"widths: expected [d_in, ..., d_out], got {list(widths)!r}; "
                "give at least the input and the output width"
            )
        sizes = [check_count(f"widths[{i}]", width) for i, width in enumerate(widths)]
        parts: OrderedDict[str, nn.Module] = OrderedDict()
        last = len(sizes) - 1
        for l, (n_in, n_out) in enumerate(pairwise(sizes), 1):
            make = nn.Linear if l == last else layer
            parts[f"linear{l}"] = make(n_in, n_out, bias=bias)  # (1)
            if l == last:
                break
            if norm is not None:
                parts[f"norm{l}"] = norm(n_out)
            parts[f"act{l}"] = new_activation(activation)  # (2)
        super().__init__(parts)

    def __getitem__(self, idx: int | slice) -> nn.Module:
        """Return one part, or a plain ``nn.Sequential`` of several.

        Args:
            idx: A position or a slice, e.g. ``[:-1]`` for the hidden layers.

        Returns:
            The part itself, or a sequence that shares its parts with the MLP.
        """
        return nn.Sequential(OrderedDict(self._modules.items()))[idx]


def new_activation(activation: str | Callable[[], nn.Module]) -> nn.Module:
    """Make one activation module from a name or from a callable.

    Args:
        activation: A name known to ``activation``, or a callable without
            arguments.

    Returns:
        A new module.

    Raises:
        ValueError: If there is no activation of that name.

    Example:
        >>> new_activation(nn.Tanh)
        Tanh()
    """
    if isinstance(activation, str):
        return make_activation(activation)
    return activation()


def split_mlp(model: nn.Module) -> tuple[list[nn.Linear], list[nn.Module]]:
    """Part an MLP into its linear maps and the activations between them.

    Args:
        model: An ``MLP`` without norm layers or other special layers.

    Returns:
        The n linear maps and the n − 1 activations.

    Raises:
        TypeError: If the model has other parts.

    Example:
        >>> split_mlp(MLP([4, 3, 2], "tanh"))[1]
        [Tanh()]
    """
    # not children(), which lists an activation that two layers share only once
    parts = list(model) if isinstance(model, MLP) else list(model.children())
    maps = [part for part in parts[::2] if type(part) is nn.Linear]
    if not isinstance(model, MLP) or len(maps) != (len(parts) + 1) // 2:
        raise TypeError(
            "model: expected an MLP of linear maps and activations in turn, got "
            f"{type(model).__name__} of {[type(p).__name__ for p in parts]}; norms "
            "and other layers would need formulas of their own"
        )
    return maps, parts[1::2]
