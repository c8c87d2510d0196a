r"""Exercise: measure how far the gradient of a batch strays from the full one.

With $g_r$ the gradient of the loss of example $r$ with respect to all parameters,
$g = \frac1N \sum_r g_r$ the full gradient, and $g_{\mathcal B}$ the gradient of the
mean loss of a batch of $B$ *different* examples:

$$ \hat V = \frac1n \sum_{k=1}^{n} \| g_{\mathcal B_k} - g \|^2 \tag{1} $$
$$ \mathrm{tr}\,\Sigma = \frac1N \sum_r \| g_r - g \|^2 \tag{2} $$
$$ \mathbb{E}\,\hat V = \frac{\mathrm{tr}\,\Sigma}{B} \cdot \frac{N-B}{N-1} \tag{3} $$

References:
    Bottou, Curtis, Nocedal 2018, arXiv 1606.04838, section 4.2.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from coursekit import probes
from coursekit.labs.caller import Recipe
from coursekit.labs.exercise import Case, Exercise, Hint
from coursekit.labs.mutants.grad_variance import MUTANTS
from coursekit.labs.reading import read_number

__all__ = ["GRAD_VARIANCE", "grad_variance"]

SIGMAS, TRIALS, REPS = 6.0, 600, 300


def grad_variance(model: nn.Module, X: Tensor, y: Tensor, B: int, reps: int) -> float:
    """Give the expected value of (1), equation (3), from the examples' gradients.

    Args:
        model: A net without coupling of examples.
        X: Inputs.
        y: Labels.
        B: Batch size.
        reps: Not needed: nothing is drawn.

    Returns:
        The variance.
    """
    return probes.grad_noise(model, X, y, B, 0, replacement=False).exact


def _spread(model: nn.Module, X: Tensor, y: Tensor, B: int) -> float:
    """Simulate the standard deviation of one term of the sum (1).

    Returns:
        The deviation.
    """
    rows = torch.cat(list(probes.per_example_grads(model, X, y)))
    centred = rows - rows.mean(0)
    order = torch.rand(TRIALS, len(X), generator=torch.Generator().manual_seed(0))
    member = (order.argsort(1) < B).double() / B
    return float((member @ centred).square().sum(1).std())


def _cases(rng: np.random.Generator, visible: bool) -> list[Case]:
    def case(part: str, N: int, B: int) -> Case:
        seed = int(rng.integers(2**31))
        widths = [int(d) for d in rng.integers((5, 6, 3), (8, 10, 6))]
        g = torch.Generator().manual_seed(seed)
        x = torch.randn(N, widths[0], generator=g, dtype=torch.float64)
        y = torch.randint(widths[-1], (N,), generator=g)
        recipe = Recipe("coursekit.models:MLP", (widths, "tanh"), seed=seed)
        recipe = Recipe(recipe.target, recipe.args, seed=seed, dtype="float64")
        spread = _spread(recipe.build(), x, y, B) / REPS**0.5
        says = f"grad_variance(model, X, y, B={B}, reps={REPS}) with N = {N}"
        line = "(3)" if part == "finite set" else "(1)"
        return Case(part, (recipe, x, y, B, REPS), says, line, {"spread": spread})

    cases = [case("small batches", 120, B) for B in (1, 4, 16)]
    if visible:
        return cases
    N = int(rng.integers(40, 60))
    return [
        *cases,
        case("small batches", 150, 2),
        case("finite set", N, N),
        case("finite set", N, N // 2),
        case("finite set", N, 3 * N // 4),
    ]


def _read(case: Case, answer: Any) -> float:
    value = read_number(answer, "one number, a squared distance")
    return value if abs(value) > 1e-20 else 0.0


def _compare(case: Case, got: float, expected: float) -> str | None:
    allowed = SIGMAS * case.facts["spread"] + 1e-6 * expected
    if abs(got - expected) <= allowed:
        return None
    B, N = case.args[3], len(case.args[1])
    return (
        f"It returned {got:.4g}. For N = {N}, B = {B} the expected value is "
        f"{expected:.4g}, and the mean of {REPS} draws lies within {allowed:.2g} of it "
        "but once in many millions."
    )


GRAD_VARIANCE = Exercise(
    name="grad_variance",
    signature="grad_variance(model, X, y, B, reps)",
    title="The variance of a batch gradient",
    minutes=15,
    difficulty=3,
    parts={"small batches": 3, "finite set": 2},
    equations={
        "(1)": "V̂ = 1/n Σₖ ‖g_Bₖ − g‖²",
        "(2)": "tr Σ = 1/N Σᵣ ‖gᵣ − g‖²",
        "(3)": "E V̂ = tr Σ/B · (N−B)/(N−1), for batches of B different examples",
    },
    cases=_cases,
    reference=grad_variance,
    read=_read,
    compare=_compare,
    mutants=MUTANTS,
    likeness=0.25,
    hints=(
        Hint(
            "How do I get the gradient as one vector?",
            "`torch.autograd.grad(loss, list(model.parameters()))` gives one tensor a "
            "parameter; `torch.cat([g.flatten() for g in grads])` joins them.",
            helps=("first_layer_only",),
        ),
        Hint(
            "My numbers grow from draw to draw",
            "`loss.backward()` adds to `.grad`. Set it to zero before each, or use "
            "`torch.autograd.grad`, which adds to nothing.",
            helps=("accumulates",),
        ),
        Hint(
            "For B = N the check expects exactly 0",
            "A batch of N different examples is the data set. `torch.randperm(N)[:B]` "
            "draws different examples; `torch.randint` does not.",
            helps=("with_replacement", "of_one_example"),
        ),
        Hint(
            "How can a random number be right or wrong?",
            "The check knows the expected value, equation (3), and how far the mean of "
            "`reps` draws strays from it. It allows six standard deviations. An exact "
            "computation by (2) and (3) is as welcome.",
        ),
    ),
)
