r"""Wrong ways to write a shallow net into a deep one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from coursekit.labs.exercise import Mutant

__all__ = ["MUTANTS"]

Map = tuple[Tensor, Tensor]


def _maps(shallow: nn.Module) -> list[Map]:
    linear = [m for m in shallow.modules() if isinstance(m, nn.Linear)]
    return [(m.weight.detach(), m.bias.detach()) for m in linear]


def _net(maps: Sequence[Map]) -> nn.Module:
    """Build the net of these maps.

    Returns:
        A sequence of linear maps with a ReLU between each two.
    """
    parts: list[nn.Module] = []
    for weight, bias in maps:
        linear = nn.Linear(weight.shape[1], weight.shape[0])
        linear.load_state_dict({"weight": weight, "bias": bias})
        parts += [linear, nn.ReLU()]
    return nn.Sequential(*parts[:-1])


def _same(d: int) -> Map:
    return torch.eye(d), torch.zeros(d)


def _right(shallow: nn.Module, depth: int) -> list[Map]:
    """Build the right maps.

    Returns:
        Weights and biases.
    """
    *first, (w, b) = _maps(shallow)
    d, more = w.shape[1], depth - len(first) - 1
    if not more:
        return [*first, (w, b)]
    if first:
        return [*first, *[_same(d)] * more, (w, b)]
    pair = torch.cat([torch.eye(d), -torch.eye(d)])
    return [
        (pair, torch.zeros(2 * d)),
        *[_same(2 * d)] * (more - 1),
        (torch.cat([w, -w], 1), b),
    ]


def _with(change: Callable[[list[Map], int], Any]) -> Callable[..., nn.Module]:
    """Change the right maps, given how many the shallow net has.

    Returns:
        The wrong answer.
    """

    def mutant(shallow, depth):
        maps = _right(shallow, depth)
        return _net(change(maps, len(_maps(shallow))) or maps)

    return mutant


def _identity_after_relu_only(shallow, depth):
    *first, last = _maps(shallow)
    more = depth - len(first) - 1
    return _net([*first, *[_same(last[0].shape[1])] * more, last])


def _identity_at_the_end(shallow, depth):
    maps = _maps(shallow)
    return _net([*maps, *[_same(len(maps[-1][1]))] * (depth - len(maps))])


def _identity_at_the_front(shallow, depth):
    maps = _maps(shallow)
    d = maps[0][0].shape[1]
    return _net([*[_same(d)] * (depth - len(maps)), *maps])


def _no_last_bias(maps, n):
    w, b = maps[-1]
    maps[-1] = w, torch.zeros_like(b)


def _no_first_bias(maps, n):
    for l in range(n - 1):
        maps[l] = maps[l][0], torch.zeros_like(maps[l][1])
    if n == 1:
        _no_last_bias(maps, n)


def _bias_in_each(maps, n):
    if n > 1:
        for l in range(n - 1, len(maps) - 1):
            maps[l] = maps[l][0], maps[n - 2][1]


def _transposed(maps, n):
    w, b = maps[-1]
    maps[-1] = w.T.reshape(w.shape), b


def _pair_added(maps, n):
    if n == 1:
        w, b = maps[-1]
        half = w[:, : w.shape[1] // 2]
        maps[-1] = torch.cat([half, half], 1), b


def _ones(maps, n):
    for l in range(n - 1, len(maps) - 1):
        w, b = maps[l]
        if w.shape[0] == w.shape[1]:
            maps[l] = torch.ones_like(w) / len(w), b


MUTANTS = (
    Mutant(
        "identity_on_signed_values",
        _identity_after_relu_only,
        "This is right behind a ReLU and wrong for a shallow net that is a single "
        "linear map: the added layers then carry inputs of either sign, and a ReLU "
        "turns the negative ones into 0. Carry the pair (v, −v).",
        "(3)",
    ),
    Mutant(
        "identity_at_the_end",
        _identity_at_the_end,
        "The identity layers stand behind the last map, so a ReLU follows the "
        "logits and the negative ones become 0. The last map stays last.",
        "(4)",
    ),
    Mutant(
        "identity_at_the_front",
        _identity_at_the_front,
        "The identity layers stand in front, where the inputs still have a sign: the "
        "ReLU turns the negative ones into 0. Put them behind the hidden layers.",
        "(2)",
    ),
    Mutant(
        "no_last_bias",
        _with(_no_last_bias),
        "The bias of the last map is missing.",
        "(4)",
    ),
    Mutant(
        "no_biases",
        _with(_no_first_bias),
        "The biases of the shallow net's hidden layers did not come along.",
        "(1)",
    ),
    Mutant(
        "bias_in_every_layer",
        _with(_bias_in_each),
        "The added layers carry a bias as well, the one of the layer before. They "
        "have to leave the values as they are: zeros.",
        "(2)",
    ),
    Mutant(
        "last_map_rearranged",
        _with(_transposed),
        "The entries of the last map are there, but in another order, as after "
        "`reshape` of a transpose. PyTorch's weights are [out, in] on both sides.",
        "(4)",
    ),
    Mutant(
        "pair_added",
        _with(_pair_added),
        "This behaves like max(0, v) + max(0, −v), the magnitude. The second half of "
        "the pair is subtracted: R = (I, −I).",
        "(3)",
    ),
    Mutant(
        "ones_for_identity",
        _with(_ones),
        "The added layers average their inputs. The identity has ones on the "
        "diagonal alone; `torch.ones` fills the whole matrix.",
        "(2)",
    ),
)
