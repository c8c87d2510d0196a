r"""Exercise: shorten a gradient that is too long, and no other.

A step near a cliff of the loss is dangerous because of its length, not because of its
direction.  Clipping by norm keeps the direction of the whole gradient and bounds its
length, so the norm is that of all parameters together:

$$ \|g\| = \Big(\textstyle\sum_i \sum_j g_{ij}^2\Big)^{1/2} \tag{1} $$
$$ g'_i = g_i \cdot \min(1,\; c/\|g\|) \tag{2} $$

where $g_i$ is the gradient of parameter $i$ and $j$ runs over its entries.

References:
    Pascanu, Mikolov, Bengio 2013, arXiv 1211.5063, algorithm 1.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from coursekit.labs.exercise import Case, Exercise, Hint
from coursekit.labs.mutants.clip_norm import MUTANTS
from coursekit.labs.tensors import difference, read_tensors
from coursekit.optim import clip_norm

__all__ = ["CLIP_NORM"]


def _gradients(shapes: list[tuple], norm: float, seed: int) -> list[Tensor]:
    """Draw gradients of very different sizes with a given joint norm.

    Returns:
        One tensor a shape.
    """
    generator = torch.Generator().manual_seed(seed)
    draw = [
        3.0**-i * torch.randn(shape, generator=generator, dtype=torch.float64)
        for i, shape in enumerate(shapes)
    ]
    size = torch.sqrt(sum((g.square().sum() for g in draw), torch.tensor(0.0)))
    return [norm * g / size for g in draw]


def _cases(rng: np.random.Generator, visible: bool) -> list[Case]:
    def case(part: str, shapes: list[tuple], norm: float, c: float) -> Case:
        gs = _gradients(shapes, norm, int(rng.integers(2**31)))
        names = ", ".join(str(shape) for shape in shapes)
        says = f"clip_norm of gradients {names} with norm {norm:.4g}, c = {c:g}"
        return Case(part, (gs, c), says, "(2)" if part == "threshold" else "(1)")

    m, n = (int(d) for d in rng.integers(2, 7, size=2))
    two = [(m, n), (m,)]
    above = float(rng.uniform(20, 90))
    cases = [case("clipped", two, above, 5.0), case("threshold", two, 3.0, 5.0)]
    if visible:
        return cases
    many = [(n, m + 1), (n,), (m, n, 3), (), (7,)]
    c = round(float(rng.uniform(2, 6)), 2)
    zeros = Case(
        "threshold",
        ([torch.zeros(shape, dtype=torch.float64) for shape in many], c),
        "clip_norm of gradients that are 0",
        "(2)",
    )
    return [
        *cases,
        case("clipped", many, above * 10, c),
        case("clipped", [(n,)], 25.0, 0.5),
        case("threshold", many, 0.97 * c, c),
        case("threshold", many, 1.03 * c, c),
        zeros,
    ]


def _read(case: Case, answer: Any) -> list[Tensor]:
    shapes = [g.shape for g in case.args[0]]
    if isinstance(answer, Tensor) and len(shapes) == 1:
        answer = [answer]
    return read_tensors(answer, shapes, "gradients, each of the shape it came with")


def _compare(case: Case, got: list[Tensor], expected: list[Tensor]) -> str | None:
    for i, (one, right) in enumerate(zip(got, expected, strict=True)):
        if said := difference(one, right, f"gradient {i}"):
            return f"{said} {_norms(case, got)}"
    return None


def _norms(case: Case, got: list[Tensor]) -> str:
    before, after = (_norm(gs) for gs in (case.args[0], got))
    return (
        f"Their joint norm went from {before:.4g} to {after:.4g} with c = "
        f"{case.args[1]:g}."
    )


def _norm(gs: list[Tensor]) -> float:
    return float(torch.cat([g.flatten() for g in gs]).norm())


CLIP_NORM = Exercise(
    name="clip_norm",
    signature="clip_norm(gs, c)",
    title="Clip by the norm of all gradients",
    minutes=8,
    difficulty=2,
    parts={"clipped": 2, "threshold": 2},
    equations={
        "(1)": "‖g‖ = √(Σᵢ Σⱼ gᵢⱼ²), over all parameters together",
        "(2)": "g′ᵢ = gᵢ · min(1, c/‖g‖)",
    },
    cases=_cases,
    reference=clip_norm,
    read=_read,
    compare=_compare,
    mutants=MUTANTS,
    hints=(
        Hint(
            "How do I get one norm of several tensors?",
            "Add up the squares of all entries of all tensors, and take the root once "
            "at the end. The norm of the list of their norms is the same number.",
            helps=(
                "per_tensor",
                "sum_of_norms",
                "squared_norm",
                "largest_tensor",
                "root_of_mean",
            ),
        ),
        Hint(
            "A short gradient came out longer",
            "Clipping only ever shortens. What does equation (2) do where "
            "$c/\\|g\\|$ is above 1?",
            helps=(
                "always_rescales",
                "always_rescales_but_zero",
                "unit_norm",
                "max_for_min",
            ),
        ),
        Hint(
            "The check says that I changed `gs`",
            "`g *= s` and `g.mul_(s)` write into the tensor you were given. `s * g` "
            "makes a new one.",
        ),
        Hint(
            "NaN",
            "A gradient of zeros has norm 0, and 0 · (c/0) is not 0.",
        ),
    ),
)
