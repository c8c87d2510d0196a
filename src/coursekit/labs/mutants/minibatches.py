r"""Wrong ways to cut an epoch into batches."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import Any

import torch

from coursekit.labs.exercise import Mutant

__all__ = ["MUTANTS"]

CALLS = count()


def _draw(key: int) -> torch.Generator:
    return torch.Generator().manual_seed(key)


def _order(n, B, seed, epoch):
    return torch.randperm(n, generator=_draw(1_000_003 * seed + epoch))


def _keyed(key: Callable[[int, int], int]) -> Callable[..., Any]:
    def mutant(n, B, seed, epoch):
        return torch.randperm(n, generator=_draw(key(seed, epoch))).split(B)

    return mutant


def _replacement(n, B, seed, epoch):
    order = torch.randint(n, (n,), generator=_draw(1_000_003 * seed + epoch))
    return order.split(B)


def _per_batch(n, B, seed, epoch):
    g = _draw(1_000_003 * seed + epoch)
    starts = range(0, n, B)
    return [torch.randperm(n, generator=g)[: min(B, n - k)] for k in starts]


def _drops_last(n, B, seed, epoch):
    order = _order(n, B, seed, epoch)
    return [b for b in order.split(B) if len(b) == B]


def _wraps(n, B, seed, epoch):
    order = _order(n, B, seed, epoch)
    more = -n % B
    return torch.cat([order, order.repeat(B)[:more]]).split(B)


def _short_first(n, B, seed, epoch):
    order = _order(n, B, seed, epoch)
    rest = n % B
    first = [order[:rest]] if rest else []
    return [*first, *order[rest:].split(B)]


def _even(n, B, seed, epoch):
    return _order(n, B, seed, epoch).tensor_split(-(-n // B))


def _number_of_batches(n, B, seed, epoch):
    return _order(n, B, seed, epoch).tensor_split(B)


def _in_order(n, B, seed, epoch):
    return torch.arange(n).split(B)


def _blocks(n, B, seed, epoch):
    blocks = torch.arange(n).split(B)
    order = torch.randperm(
        len(blocks), generator=_draw(1_000_003 * seed + epoch)
    ).tolist()
    full = [blocks[i] for i in order if len(blocks[i]) == B]
    return [*full, *(b for b in blocks if len(b) < B)]


def _from_one(n, B, seed, epoch):
    return (_order(n, B, seed, epoch) + 1).split(B)


def _global(n, B, seed, epoch):
    return torch.randperm(n, generator=_draw(next(CALLS))).split(B)


MUTANTS = (
    Mutant(
        "with_replacement",
        _replacement,
        "Examples are drawn with replacement: some come twice in an epoch, about a "
        "third not at all. Draw a permutation.",
        "(1)",
    ),
    Mutant(
        "new_permutation_per_batch",
        _per_batch,
        "Each batch is drawn from all examples anew. Within an epoch every example "
        "comes once: draw one permutation and cut it.",
        "(2)",
    ),
    Mutant(
        "same_order_every_epoch",
        _keyed(lambda seed, epoch: seed),
        "The order does not depend on the epoch. Examples then always meet the same "
        "neighbours.",
        "(1)",
    ),
    Mutant(
        "ignores_the_seed",
        _keyed(lambda seed, epoch: epoch),
        "The order does not depend on the seed, so that runs with different seeds see "
        "the same batches.",
        "(1)",
    ),
    Mutant(
        "adds_seed_and_epoch",
        _keyed(lambda seed, epoch: seed + epoch),
        "`seed + epoch` is the same for (3, 1) and (4, 0): two runs with neighbouring "
        "seeds share all orders but one. Combine the two so that pairs stay apart.",
        "(1)",
    ),
    Mutant(
        "not_reproducible",
        _global,
        "Two calls with the same seed and epoch give different batches. Draw from a "
        "generator that the function seeds itself.",
        "(1)",
    ),
    Mutant(
        "in_order",
        _in_order,
        "The examples come in the order in which they are stored. For data sorted by "
        "class every batch then pulls towards one class.",
        "(1)",
    ),
    Mutant(
        "shuffles_batches",
        _blocks,
        "Only the order of the batches is shuffled; which examples are in a batch "
        "never changes. Shuffle the examples, then cut.",
        "(2)",
    ),
    Mutant(
        "drops_the_last",
        _drops_last,
        "The short last batch is left out: its examples are not seen in this epoch.",
        "(3)",
    ),
    Mutant(
        "fills_the_last",
        _wraps,
        "The last batch is filled up with examples that were already used. It is "
        "shorter than the others, and that is all right.",
        "(3)",
    ),
    Mutant(
        "short_batch_first",
        _short_first,
        "The short batch comes first; it is the last one.",
        "(3)",
    ),
    Mutant(
        "evened_out",
        _even,
        "The batches are made about equally long. All have B examples but the last.",
        "(3)",
    ),
    Mutant(
        "number_of_batches",
        _number_of_batches,
        "This makes B batches. B is the number of examples in a batch.",
        "(2)",
    ),
    Mutant(
        "counts_from_one",
        _from_one,
        "The indices run from 1 to N. Python's run from 0 to N − 1.",
        "(1)",
    ),
)
