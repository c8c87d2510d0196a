r"""Exercise: cut the examples of an epoch into mini-batches.

One epoch visits each of $N$ examples once, in a random order $\pi$ that depends on the
seed and on the epoch:

$$ \pi = \text{a permutation of } 0, \dots, N-1, \text{ drawn for } (\text{seed},
   \text{epoch}) \tag{1} $$
$$ \text{batch } k = (\pi_{kB},\, \dots,\, \pi_{\min((k+1)B,\,N)-1}) \tag{2} $$
$$ M = \lceil N/B \rceil \text{ batches, the last one of } N - (M-1)B
   \text{ examples} \tag{3} $$

References:
    Gürbüzbalaban, Ozdaglar, Parrilo 2021, arXiv 1510.08560.
"""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from torch import Tensor

from coursekit.data import epoch_order
from coursekit.labs.exercise import Case, Exercise, Hint, Unusable
from coursekit.labs.mutants.minibatches import MUTANTS
from coursekit.labs.reading import NONE, describe

__all__ = ["MINIBATCHES", "minibatches"]

Facts = dict[str, Any]
Epoch = list[list[int]]


def minibatches(n: int, B: int, seed: int, epoch: int) -> list[Tensor]:
    """Give the batches of one epoch.

    Args:
        n: Number of examples.
        B: Batch size.
        seed: Seed of the run.
        epoch: Number of the epoch, from 0.

    Returns:
        Indices, one tensor a batch.
    """
    generator = torch.Generator().manual_seed(1_000_003 * seed + epoch)
    order = epoch_order(n, generator=generator)  # (1)
    return list(order.split(B))  # (2), (3)


def _cases(rng: np.random.Generator, visible: bool) -> list[Case]:
    def case(part: str, n: int, B: int) -> Case:
        seed, epoch = int(rng.integers(100)), int(rng.integers(4))
        again = ((n, B, seed, epoch), (n, B, seed, epoch + 1))
        again += ((n, B, seed + 1, epoch), (n, B, seed + 1, epoch + 1))
        says = f"minibatches({n}, {B}, {seed}, {epoch}), again, and at other epochs"
        line = {"one epoch": "(2)", "short batch": "(3)"}.get(part, "(1)")
        return Case(part, (n, B, seed, epoch), says, line, again=again)

    B, M = int(rng.integers(5, 9)), int(rng.integers(5, 9))
    cases = [case("one epoch", B * M, B)]
    if visible:
        return cases
    return [
        *cases,
        case("one epoch", B * B + B, B),
        case("short batch", B * M + int(rng.integers(1, B)), B),
        case("short batch", 40 + M, 64),
        case("reshuffled", 8 * B, B),
        case("reshuffled", 60 + M, 7),
    ]


def _read(case: Case, answer: Any) -> Facts:
    epochs = [_epoch(one) for one in answer]
    first, same, later, other, both = epochs
    n = case.args[0]
    flat = [i for batch in first for i in batch]
    groups = [sorted(sorted(batch) for batch in epoch) for epoch in epochs]
    return {
        "sizes": [len(batch) for batch in first],
        "missing": len(set(range(n)) - set(flat)) > 0,
        "repeated": max(Counter(flat).values(), default=0) > 1,
        "outside": any(not 0 <= i < n for i in flat),
        "in_order": flat == sorted(flat),
        "by_rule": _by_rule(flat, n),
        "repeats": first == same,
        "same_next": first == later,
        "same_batches": groups[0] == groups[2],
        "same_seed": first == other,
        "shifted": later == other and later != first and first != both,
    }


def _by_rule(order: list[int], n: int) -> bool:
    """Ask whether most steps of an order are equal, as in a rotation.

    Returns:
        The answer; a random order repeats a step now and then only.
    """
    steps = Counter((b - a) % n for a, b in pairwise(order))
    return max(steps.values(), default=0) > n / 2


def _epoch(value: Any) -> Epoch:
    """Read the batches of one epoch.

    Returns:
        Indices by batch.

    Raises:
        Unusable: If it is no list of lists of whole numbers.
    """
    what = "a list of batches, each a list or a tensor of indices"
    if value is None:
        raise Unusable(NONE.format(what))
    if isinstance(value, Tensor):
        value = list(value) if value.dim() == 2 else value
    if getattr(value, "type_name", "") == "generator":
        raise Unusable(f"The function returned a generator, expected {what}: `list(…)`")
    if not isinstance(value, (list, tuple)):
        hint = " Cut it into batches." if isinstance(value, Tensor) else ""
        raise Unusable(
            f"The function returned {describe(value)}, expected {what}.{hint}"
        )
    return [_batch(one, k) for k, one in enumerate(value)]


def _batch(value: Any, k: int) -> list[int]:
    if isinstance(value, Tensor) and value.dtype == torch.bool:
        raise Unusable(f"Batch {k} is a mask of truth values, expected indices.")
    if isinstance(value, Tensor) and value.dim() == 1:
        value = value.tolist()
    if not isinstance(value, (list, tuple)):
        raise Unusable(f"Batch {k} is {describe(value)}, expected a list of indices.")
    entries = [
        v.item() if isinstance(v, Tensor) and v.numel() == 1 else v for v in value
    ]
    for v in entries:
        if isinstance(v, bool) or not isinstance(v, (int, float)) or v != v // 1:
            raise Unusable(f"Batch {k} holds {describe(v)}, expected whole numbers.")
    return [int(v) for v in entries]


def _compare(case: Case, got: Facts, expected: Facts) -> str | None:
    n, B = case.args[:2]
    if got["outside"]:
        return f"An index lies outside 0 … {n - 1}."
    if got["repeated"] or got["missing"]:
        said = [w for w in ("repeated", "missing") if got[w]]
        return f"Within one epoch examples are {' and others '.join(said)}."
    if got["sizes"] != expected["sizes"]:
        return (
            f"The batches have the sizes {_short(got['sizes'])}, expected "
            f"{_short(expected['sizes'])} for {n} examples and B = {B}."
        )
    said = {
        "in_order": "The examples come in the order in which they are stored.",
        "by_rule": "From one example to the next it is nearly always the same step, as "
        "in a rotation; expected a random permutation.",
        "same_next": "The next epoch has the same order.",
        "same_batches": "The next epoch has the same batches, only in another order.",
        "same_seed": "Another seed gives the same order.",
        "shifted": "Epoch e of seed s is epoch e + 1 of seed s − 1: two runs with "
        "neighbouring seeds see almost the same batches.",
    }
    if not got["repeats"]:
        return "The same seed and epoch, called twice, give different batches."
    # one batch or one row leaves no other grouping
    return next(
        (text for key, text in said.items() if got[key] and not expected[key]), None
    )


def _short(sizes: list[int]) -> str:
    return ", ".join(map(str, sizes[:6])) + ", …" * (len(sizes) > 6)


MINIBATCHES = Exercise(
    name="minibatches",
    signature="minibatches(n, B, seed, epoch)",
    title="Mini-batches of one epoch",
    minutes=10,
    difficulty=2,
    parts={"one epoch": 2, "short batch": 1, "reshuffled": 1},
    equations={
        "(1)": "π = a permutation of 0 … N−1, drawn for (seed, epoch)",
        "(2)": "batch k = π at kB … min((k+1)B, N) − 1",
        "(3)": "M = ⌈N/B⌉ batches, the last one of N − (M−1)B examples",
    },
    cases=_cases,
    reference=minibatches,
    read=_read,
    compare=_compare,
    mutants=MUTANTS,
    hints=(
        Hint(
            "How do I get the same order at a second call?",
            "Make a generator inside the function, `torch.Generator().manual_seed(k)` "
            "or `np.random.default_rng([seed, epoch])`, and draw from it alone.",
            helps=("not_reproducible",),
        ),
        Hint(
            "Epoch e of seed s is epoch e + 1 of seed s − 1",
            "`seed + epoch` is the same number for both. A list of two numbers as "
            "seed (NumPy), or `1000003 * seed + epoch`, tells them apart.",
            helps=("adds_seed_and_epoch",),
        ),
        Hint(
            "The last batch is missing",
            "N need not be a multiple of B. `order.split(B)` and "
            "`range(0, n, B)` both keep the rest.",
            helps=("drops_the_last",),
        ),
    ),
)
