r"""Exercise: one step of LARS for one layer, without momentum.

Every layer gets a rate of its own, from the ratio of two norms:

$$ \zeta_t = \zeta\, \frac{\|w\|}{\|g\| + \lambda_{wd} \|w\|} \tag{1} $$
$$ \zeta_t = 1 \quad \text{where } \|w\| = 0 \text{ or } \|g\| = 0 \tag{2} $$
$$ w' = w - \eta\, \zeta_t\, (g + \lambda_{wd}\, w) \tag{3} $$

Without weight decay a step has the length $\eta\zeta\|w\|$ whatever the length of $g$.

References:
    You, Gitman, Ginsburg 2017, arXiv 1708.03888, equation 6.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from coursekit.labs.exercise import Case, Exercise, Hint
from coursekit.labs.mutants.lars_step import MUTANTS
from coursekit.labs.tensors import difference, read_tensor
from coursekit.optim.lars import init, update

__all__ = ["LARS_STEP", "lars_step"]


def lars_step(w: Tensor, g: Tensor, lr: float, trust: float, wd: float) -> Tensor:
    """Take one step.

    Args:
        w: Weights of one layer.
        g: Their gradient.
        lr: Global rate η.
        trust: ζ.
        wd: Weight decay.

    Returns:
        The new weights.
    """
    theta = w.flatten()
    step, _ = update(
        g.flatten(), init(theta), theta, 1, lr=lr, trust=trust, weight_decay=wd
    )
    return w - step.reshape(w.shape)


def _cases(rng: np.random.Generator, visible: bool) -> list[Case]:
    def case(
        part: str, line: str, shape: tuple, wd: float, w: float = 1, g: float = 1
    ) -> Case:
        draw = torch.Generator().manual_seed(int(rng.integers(2**31)))
        two = [torch.randn(shape, generator=draw, dtype=torch.float64) for _ in "wg"]
        lr, trust = round(float(rng.uniform(0.3, 3)), 2), 0.02
        args = (0.4 * w * two[0], 3 * g * two[1], lr, trust, wd)
        zero = " and ".join(n for n, s in (("w", w), ("g", g)) if not s)
        says = f"lars_step, w {list(shape)}, lr={lr}, trust={trust}, wd={wd}"
        return Case(part, args, says + f", {zero} = 0" * bool(zero), line)

    m, n = (int(d) for d in rng.integers(3, 8, size=2))
    cases = [
        case("step", "(1)", (m, n), 0.0),
        case("step", "(3)", (m, n), 0.7),
    ]
    if visible:
        return cases
    return [
        *cases,
        case("step", "(1)", (n, 2, 3, 3), 0.0, g=1e4),
        case("step", "(1)", (n,), 0.0, g=1e-3),
        case("step", "(3)", (m, n), 0.3, w=50),
        case("zero norms", "(2)", (m, n), 0.4, w=0),
        case("zero norms", "(2)", (m,), 0.4, g=0),
        case("zero norms", "(2)", (m, n), 0.0, w=0, g=0),
    ]


def _read(case: Case, answer: Any) -> Tensor:
    return read_tensor(answer, case.args[0].shape)


def _compare(case: Case, got: Tensor, expected: Tensor) -> str | None:
    w, g, *_ = case.args
    one, right = got - w, expected - w
    if not difference(got, expected) and not difference(one, right, rtol=1e-5):
        return None
    said = difference(one, right, "the step w′ − w", rtol=1e-5)
    said = said or difference(got, expected, "w′")
    return (
        f"{said} Its length is {float(one.norm()):.4g}, expected "
        f"{float(right.norm()):.4g}; ‖w‖ = {float(w.norm()):.4g}, "
        f"‖g‖ = {float(g.norm()):.4g}."
    )


LARS_STEP = Exercise(
    name="lars_step",
    signature="lars_step(w, g, lr, trust, wd)",
    title="One step of LARS",
    minutes=10,
    difficulty=2,
    parts={"step": 3, "zero norms": 1},
    equations={
        "(1)": "ζₜ = ζ ‖w‖ / (‖g‖ + λ‖w‖), with λ the weight decay",
        "(2)": "ζₜ = 1 where ‖w‖ = 0 or ‖g‖ = 0",
        "(3)": "w′ = w − η ζₜ (g + λw)",
    },
    cases=_cases,
    reference=lars_step,
    read=_read,
    compare=_compare,
    mutants=MUTANTS,
    hints=(
        Hint(
            "NaN, or a step of 0 from zeros",
            "0/0. Ask for the two norms before you divide; equation (2) says what the "
            "rate is then.",
            helps=("zero_stands_still", "zero_gets_trust"),
        ),
        Hint(
            "The step is right without weight decay, and wrong with it",
            "Weight decay stands in two places: under the fraction of (1), and in (3).",
            helps=(
                "no_decay_below",
                "no_decay_in_step",
                "no_decay",
                "norm_of_sum",
                "decoupled_decay",
            ),
        ),
        Hint(
            "The length of my step depends on the length of g",
            "That is what (1) is to prevent for λ = 0. Is the ratio the right way up, "
            "and are these norms, not their squares?",
            helps=("inverted", "squared_norms", "no_ratio"),
        ),
    ),
)
