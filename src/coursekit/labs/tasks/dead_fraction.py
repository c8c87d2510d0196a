r"""Exercise: count the ReLU units that no example switches on.

A ReLU whose input is negative for every example has the slope 0 for every example: no
gradient reaches its weights, and unless the layers below it move the data back it
stays as it is.  With $a_{ru} \ge 0$ the activation of unit $u$ on example $r$,

$$ u \text{ is dead} \iff a_{ru} = 0 \text{ for all } r = 1 \dots N \tag{1} $$
$$ \text{share} = \frac{\text{number of dead units}}{\text{number of units}} \tag{2} $$

All $r$ means the whole data set, however it was cut into batches: a unit that is off in
one batch and on in the next is alive.

References:
    Maas, Hannun, Ng 2013, ICML workshop on deep learning for audio, section 2.
    Lu, Shin, Su, Karniadakis 2020, arXiv 1903.06733.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from coursekit.labs.agreement import agree
from coursekit.labs.exercise import Case, Exercise, Hint
from coursekit.labs.mutants.dead_fraction import MUTANTS
from coursekit.labs.reading import read_number

__all__ = ["DEAD_FRACTION", "dead_fraction"]


def dead_fraction(acts: list[Tensor]) -> float:
    """Count the units that are 0 in every batch.

    Args:
        acts: Activations of one ReLU layer, one tensor ``[examples, units]`` a batch.

    Returns:
        The share of dead units.

    Example:
        >>> a = torch.tensor([[0.0, 1.0], [0.0, 0.0]])
        >>> dead_fraction([a, a.flip(1)]), dead_fraction([a, a])
        (0.0, 0.5)
    """
    dead = (torch.cat(acts) == 0).all(0)  # (1)
    return dead.double().mean().item()  # (2)


def _layer(sizes: list[int], kinds: dict[str, int], seed: int) -> list[Tensor]:
    """Draw the activations of a layer, with a known number of units of each kind.

    Args:
        sizes: Examples of each batch.
        kinds: How many units are ``"dead"``, ``"late"`` (on in the last batch only),
            ``"early"`` (in the first only), ``"faint"`` (one tiny activation) and
            ``"alive"`` (about half of the time).
        seed: Seed of the numbers and of the order of units.

    Returns:
        One tensor a batch.
    """
    generator = torch.Generator().manual_seed(seed)
    names = [name for name, count in kinds.items() for _ in range(count)]
    order = torch.randperm(len(names), generator=generator).tolist()
    z = torch.randn(sum(sizes), len(names), generator=generator, dtype=torch.float64)
    a, first, last = z.relu(), sizes[0], sizes[-1]
    a[0], a[first - 1], a[-1] = z[0].abs(), z[first - 1].abs(), z[-1].abs()
    for column, name in enumerate(names[i] for i in order):
        if name in ("dead", "faint"):
            a[:, column] = 0
        if name == "late":
            a[:-last, column] = 0
        if name == "early":
            a[first:, column] = 0
        if name == "faint":
            a[first // 2, column] = 1e-9
    return list(a.split(sizes))


def _cases(rng: np.random.Generator, visible: bool) -> list[Case]:
    def case(part: str, line: str, sizes: list[int], **kinds: int) -> Case:
        acts = _layer(sizes, kinds, int(rng.integers(2**31)))
        units = sum(kinds.values())
        says = (
            f"dead_fraction of {units} units, batches of {', '.join(map(str, sizes))}"
        )
        return Case(part, (acts,), says, line)

    toy = torch.tensor(
        [[0.0, 1.5, 0.0, 0.0], [0.0, 0.0, 2.0, 0.0], [0.0, 0.5, 0.0, 0.0]],
        dtype=torch.float64,
    )
    n = int(rng.integers(6, 12))
    cases = [
        Case(
            "one batch", ([toy],), "dead_fraction of a toy, 3 examples, 4 units", "(2)"
        ),
        case("one batch", "(2)", [n], dead=int(rng.integers(1, 4)), alive=6),
    ]
    if visible:
        return cases
    d, late, early = (int(k) for k in rng.integers(2, 6, size=3))
    return [
        *cases,
        case("whole set", "(1)", [n, n, 3], dead=d, late=late, alive=9),
        case("whole set", "(1)", [n, 5], dead=1, early=early, late=2, alive=4),
        case("whole set", "(1)", [n, n], dead=d, faint=2, alive=3),
        case("whole set", "(1)", [4, n, 2], alive=5, early=1, late=1),
        case("whole set", "(2)", [n, 3], dead=6),
    ]


def _read(case: Case, answer: Any) -> float:
    return read_number(answer, "one number, a share between 0 and 1")


def _compare(case: Case, got: float, expected: float) -> str | None:
    if agree(got, expected) or abs(got - expected) < 1e-12:
        return None
    acts = case.args[0]
    units, examples = acts[0].shape[1], sum(len(a) for a in acts)
    more = "" if 0 <= got <= 1 else " A share lies between 0 and 1."
    return (
        f"It returned {got:.6g}, expected {expected:.6g}, that is "
        f"{round(expected * units)} of {units} units over {examples} examples.{more}"
    )


DEAD_FRACTION = Exercise(
    name="dead_fraction",
    signature="dead_fraction(acts)",
    title="The share of dead units",
    minutes=8,
    difficulty=2,
    parts={"one batch": 1, "whole set": 2},
    equations={
        "(1)": "unit u is dead if and only if a_ru = 0 for all examples r",
        "(2)": "share = dead units / units",
    },
    cases=_cases,
    reference=dead_fraction,
    read=_read,
    compare=_compare,
    mutants=MUTANTS,
    hints=(
        Hint(
            "My number is far too large",
            "Half of the activations of a healthy ReLU layer are 0. Which axis has to "
            "be 0 *throughout* before a unit counts as dead?",
            helps=("counts_zeros", "some_example"),
        ),
        Hint(
            "Right for one batch, wrong for several",
            "Mark, or count, after all batches have been looked at. `torch.cat` joins "
            "them along the examples; or keep for each unit the largest activation so "
            "far.",
            helps=("averages_batches", "last_batch", "first_batch", "in_some_batch"),
        ),
        Hint(
            "It returned a tensor of truth values",
            "`.mean()` of a bool tensor is refused by torch; `.double().mean()` is "
            "the share of `True`.",
        ),
    ),
)
