r"""Wrong ideas of which entries share a mean."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from coursekit.labs.exercise import Mutant
from coursekit.norm import norm_axes

__all__ = ["MUTANTS"]

Shape = tuple[int, ...]


def _positions(shape: Shape) -> Shape:
    return tuple(range(2, len(shape)))


def _with(**rules: Callable[[Shape], Shape]) -> Callable[..., Any]:
    """Give the right axes, but for some kinds.

    Returns:
        The wrong answer.
    """

    def mutant(kind, shape):
        return rules[kind](shape) if kind in rules else norm_axes(kind, shape)

    return mutant


def _kept(kind, shape):
    count = len(shape) + (kind == "group")
    return tuple(set(range(count)) - set(norm_axes(kind, shape)))


def _images_only(kind, shape):
    return norm_axes(kind, (2, 2, 2, 2))[: len(shape)]


MUTANTS = (
    Mutant(
        "instance_is_layer",
        _with(instance=lambda s: (1, *_positions(s))),
        "This behaves like layer norm under the name of instance norm. An instance "
        "norm has a mean for every channel of every example: positions only.",
        "(3)",
    ),
    Mutant(
        "instance_is_batch",
        _with(instance=lambda s: (0, *_positions(s))),
        "This behaves like batch norm under the name of instance norm. An instance "
        "norm looks at one example at a time: positions only.",
        "(3)",
    ),
    Mutant(
        "batch_and_layer_swapped",
        _with(batch=lambda s: (1, *_positions(s)), layer=lambda s: (0, *_positions(s))),
        "This behaves like batch and layer norm exchanged. Batch norm has a mean for "
        "each channel, over the batch; layer norm a mean for each example.",
        "(1)",
    ),
    Mutant(
        "batch_only",
        _with(batch=lambda s: (0,)),
        "This behaves like averaging each pixel over the batch alone. In batch norm "
        "all positions of a channel share a mean, as they share a kernel.",
        "(1)",
    ),
    Mutant(
        "layer_without_positions",
        _with(layer=lambda s: (1,)),
        "This behaves like averaging channels at each position. That is positional "
        "norm (and `nn.LayerNorm(C)` where channels come last); layer norm of [N, C, "
        "positions] averages over positions too.",
        "(2)",
    ),
    Mutant(
        "positional_is_instance",
        _with(positional=_positions, instance=lambda s: (1,)),
        "This behaves like instance and positional norm exchanged. The name says what "
        "has a mean of its own: each position, so channels are averaged.",
        "(5)",
    ),
    Mutant(
        "positions_averaged",
        _with(positional=lambda s: _positions(s) or (1,)),
        "This behaves like averaging over positions for positional norm. Each position "
        "has a mean of its own: average over channels.",
        "(5)",
    ),
    Mutant(
        "positional_over_batch",
        _with(positional=lambda s: (0, 1)),
        "This behaves like averaging over examples in positional norm. Only batch norm "
        "mixes examples.",
        "(5)",
    ),
    Mutant(
        "group_without_view",
        _with(group=lambda s: (1, *_positions(s))),
        "This behaves like numbering the axes of x instead of those of the view. "
        "[N, G, C/G, positions] has one axis more: the channels of a group are axis 2.",
        "(4)",
    ),
    Mutant(
        "group_forgets_shift",
        _with(group=lambda s: (2, *(_positions(s)))),
        "This behaves like forgetting that the positions move up by one axis in the "
        "view [N, G, C/G, positions].",
        "(4)",
    ),
    Mutant(
        "group_is_layer",
        _with(group=lambda s: (1, 2, *(p + 1 for p in _positions(s)))),
        "This behaves like averaging over the groups too. Then every grouping gives "
        "layer norm: each group has a mean of its own.",
        "(4)",
    ),
    Mutant(
        "group_is_instance",
        _with(group=lambda s: tuple(p + 1 for p in _positions(s))),
        "This behaves like one mean for every channel of a group. The channels of a "
        "group share their mean.",
        "(4)",
    ),
    Mutant(
        "axes_that_stay",
        _kept,
        "This behaves like returning the axes that keep statistics of their own. Asked "
        "are the others: those that `x.mean(axes)` averages over.",
        "(1)",
    ),
    Mutant(
        "images_only",
        _images_only,
        "This behaves like the axes of images, whatever the shape. How many axes of "
        "positions there are is `len(shape) - 2`.",
        "(1)",
    ),
)
