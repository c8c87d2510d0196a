r"""Exercise: let a unit be the largest of its pieces.

A maxout unit has no fixed activation.  It computes $k$ linear maps of its input and
passes on the largest, so no piece saturates and one of them always has a gradient:

$$ z_{ji} = w_{ji}^\top x + b_{ji}, \quad i = 1 \dots k \tag{1} $$
$$ h_j = \max_i z_{ji} \tag{2} $$

The pieces $z$ come as one vector, those of a unit side by side:
$z_{11}, \dots, z_{1k}, z_{21}, \dots$

References:
    Goodfellow, Warde-Farley, Mirza, Courville, Bengio 2013, arXiv 1302.4389, section 3.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from coursekit.labs.exercise import Case, Exercise, Hint
from coursekit.labs.mutants.maxout import MUTANTS
from coursekit.labs.tensors import difference, read_tensor
from coursekit.models import maxout

__all__ = ["MAXOUT"]


def _cases(rng: np.random.Generator, visible: bool) -> list[Case]:
    def case(part: str, axes: tuple[int, ...], units: int, k: int) -> Case:
        generator = torch.Generator().manual_seed(int(rng.integers(2**31)))
        shape = (*axes, units * k)
        x = torch.randn(shape, generator=generator, dtype=torch.float64) - 0.7
        says = f"maxout of a tensor of shape {shape}, k = {k}"
        return Case(part, (x, k), says, "(2)", {"shape": (*axes, units)})

    n = int(rng.integers(3, 8))
    cases = [case("values", (n,), 4, 2), case("values", (n,), 2, 3)]
    if visible:
        return cases
    t, units, k = (int(d) for d in rng.choice(range(3, 8), 3, replace=False))
    return [
        *cases,
        case("values", (n + 1,), units, k),
        case("any shape", (n, t), units, 2),
        case("any shape", (), units, k),
        case("any shape", (2, 3, 2), k, units),
        case("any shape", (n,), units, 1),
    ]


def _read(case: Case, answer: Any) -> Tensor:
    return read_tensor(answer, case.facts["shape"])


def _compare(case: Case, got: Tensor, expected: Tensor) -> str | None:
    return difference(got, expected)


MAXOUT = Exercise(
    name="maxout",
    signature="maxout(x, k)",
    title="The largest of k pieces",
    minutes=7,
    difficulty=2,
    parts={"values": 2, "any shape": 1},
    equations={
        "(1)": "z_ji = w_jiᵀ x + b_ji, i = 1 … k",
        "(2)": "h_j = max over i of z_ji, for the k neighbours of unit j",
    },
    cases=_cases,
    reference=maxout,
    read=_read,
    compare=_compare,
    mutants=MUTANTS,
    hints=(
        Hint(
            "How do I get groups of k neighbours?",
            "`x.reshape(..., units, k)` cuts the last axis into rows of k neighbours; "
            "print it for `torch.arange(6)` and see which numbers share a row. "
            "`x.shape[:-1]` are the other axes, however many there are.",
            helps=("overlapping", "two_pieces"),
        ),
        Hint(
            "The shape is right and the numbers are not",
            "`reshape(..., k, units)` has the same number of entries and puts "
            "neighbours into *different* groups.",
            helps=("pieces_apart",),
        ),
        Hint(
            "The check speaks of a tuple of length 2",
            "`x.max(dim)` returns the values and their positions. `x.amax(dim)` "
            "returns the values.",
            helps=("positions",),
        ),
    ),
)
