r"""Wrong ways to count dead units."""

from __future__ import annotations

import torch
from torch import Tensor

from coursekit.labs.exercise import Mutant

__all__ = ["MUTANTS"]


def _share(mask: Tensor) -> float:
    return mask.double().mean().item()


def _dead(a: Tensor) -> Tensor:
    return (a == 0).all(0)


def _batches_averaged(acts):
    return sum(_share(_dead(a)) for a in acts) / len(acts)


def _in_some_batch(acts):
    return _share(torch.stack([_dead(a) for a in acts]).any(0))


def _examples(acts):
    return _share((torch.cat(acts) == 0).all(1))


def _counted(acts):
    return int(_dead(torch.cat(acts)).sum())


def _over_entries(acts):
    return int(_dead(torch.cat(acts)).sum()) / torch.cat(acts).numel()


def _off_half_the_time(acts):
    return _share((torch.cat(acts) == 0).double().mean(0) > 0.5)


MUTANTS = (
    Mutant(
        "counts_zeros",
        lambda acts: _share(torch.cat(acts) == 0),
        "This behaves like the share of activations that are 0. Half of them are in a "
        "healthy ReLU layer. A unit is dead if it is 0 for every example.",
        "(1)",
    ),
    Mutant(
        "averages_batches",
        _batches_averaged,
        "This behaves like counting in each batch and averaging. A unit that is off in "
        "one batch and on in another is alive, and this counts it in part.",
        "(1)",
    ),
    Mutant(
        "last_batch",
        lambda acts: _share(_dead(acts[-1])),
        "This behaves like looking at the last batch only. Dead means off on the whole "
        "data set; does something in your loop get overwritten?",
        "(1)",
    ),
    Mutant(
        "first_batch",
        lambda acts: _share(_dead(acts[0])),
        "This behaves like looking at the first batch only. Dead means off on the "
        "whole data set; does a `return` stand inside the loop?",
        "(1)",
    ),
    Mutant(
        "in_some_batch",
        _in_some_batch,
        "This behaves like counting units that are off throughout some batch. They "
        "have to be off in all batches: `and`, not `or`.",
        "(1)",
    ),
    Mutant(
        "examples_for_units",
        _examples,
        "This behaves like counting examples that switch on no unit. Reduce over the "
        "examples, which are the rows, and count columns.",
        "(1)",
    ),
    Mutant(
        "some_example",
        lambda acts: _share((torch.cat(acts) == 0).any(0)),
        "This behaves like counting units that are off for at least one example. "
        "Almost every ReLU is; a dead one is off for all.",
        "(1)",
    ),
    Mutant(
        "mostly_off",
        _off_half_the_time,
        "This behaves like counting units that are off for more than half of the "
        "examples. One example that switches a unit on gives it a gradient.",
        "(1)",
    ),
    Mutant(
        "tolerance",
        lambda acts: _share((torch.cat(acts) <= 1e-6).all(0)),
        "This behaves like counting units below a small threshold. However small an "
        "activation is, if it is above 0 the slope there is 1: compare with 0.",
        "(1)",
    ),
    Mutant(
        "share_alive",
        lambda acts: 1 - _share(_dead(torch.cat(acts))),
        "This behaves like the share of units that are alive. The dead ones are asked.",
        "(2)",
    ),
    Mutant(
        "number_of_units",
        _counted,
        "This behaves like the number of dead units. Divide by the number of units.",
        "(2)",
    ),
    Mutant(
        "over_entries",
        _over_entries,
        "This behaves like dividing the number of dead units by the number of "
        "activations. There are as many units as columns.",
        "(2)",
    ),
)
