r"""Plan how a residual net is written into one with more blocks.

.. math::

    a^l = a^{l-1} + s\, \bigl(0\, \phi(W_1^l a^{l-1})\bigr) = a^{l-1}

for every added block: no activation has to carry anything.
"""

from torch import Tensor, nn

from ._plan import Entry, check_depths, check_same_activation
from .residual import ResidualBlock, ResidualMLP

__all__ = ["plan_residual"]


def plan_residual(shallow: ResidualMLP, deep: ResidualMLP) -> list[Entry]:
    """Copy the blocks there are; set the last map of the added ones to zero.

    Args:
        shallow: The net to copy.
        deep: The net to plan for; it is left as it is.

    Returns:
        What each of its linear maps is to become.

    Raises:
        ValueError: If the deep net has fewer blocks or another activation.
        TypeError: If there are norm layers.
    """
    given, room = _blocks(shallow), _blocks(deep)
    n, _ = check_depths(given, room, "blocks")
    branches = [dict(block.branch.named_children()) for block in (*given, *room)]
    check_same_activation(branch["act"] for branch in branches)
    if any("norm" in branch for branch in branches):
        raise TypeError(
            "shallow, deep: expected branches without norm layers, got one; copy the "
            "blocks with load_state_dict and zero the last map of the added ones"
        )
    plan = [Entry("deep.stem", deep.stem, *_pair(shallow.stem))]
    for l, block in enumerate(room):
        name = f"deep.blocks[{l}].branch"
        plan += _copied(name, block, given[l]) if l < n else _silent(name, block)
    return [*plan, Entry("deep.head", deep.head, *_pair(shallow.head))]


def _copied(name: str, block: ResidualBlock, given: ResidualBlock) -> list[Entry]:
    if block.branch_scale == 0:
        raise ValueError(
            "deep: expected branches with a scale that is not 0, got 0; nothing that "
            "is written into such a branch reaches the stream"
        )
    (one, two), (from_one, from_two) = _maps(block), _maps(given)
    s = given.branch_scale / block.branch_scale
    return [
        Entry(f"{name}.linear1", one, *_pair(from_one)),
        Entry(f"{name}.linear2", two, *(s * p for p in _pair(from_two))),
    ]


def _silent(name: str, block: ResidualBlock) -> list[Entry]:
    _, last = _maps(block)
    return [Entry(f"{name}.linear2", last, last.weight.new_zeros(1, 1), None)]


def _blocks(net: ResidualMLP) -> list[ResidualBlock]:
    return [block for block in net.blocks if isinstance(block, ResidualBlock)]


def _maps(block: ResidualBlock) -> list[nn.Linear]:
    return [part for part in block.branch if isinstance(part, nn.Linear)]


def _pair(linear: nn.Linear) -> tuple[Tensor, Tensor]:
    return linear.weight, linear.bias
