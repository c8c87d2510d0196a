r"""Exercise: the largest eigenvalue of the Hessian, with its sign.

Power iteration multiplies a vector by $H$ and scales it to length 1, again and again:

$$ u = H v, \qquad v \leftarrow u / \|u\| \tag{1} $$
$$ \lambda = v^\top H v \tag{2} $$

It finds the eigenvalue of the largest *magnitude*. If that one is negative, the same
iteration on a shifted matrix finds the largest:

$$ \lambda < 0: \quad \lambda_{\max} = \mu - c, \text{ with } \mu
   \text{ from (1), (2) on } H + cI,\; c = |\lambda| \tag{3} $$

since all eigenvalues of $H + cI$ are at least 0. The product needs no matrix:

$$ H v = \nabla_\theta \left( v^\top \nabla_\theta L \right) \tag{4} $$

References:
    Golub, Van Loan 2013, Matrix Computations, section 8.2.1.
    Pearlmutter 1994, Neural Computation 6(1).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from coursekit.labs.caller import Recipe
from coursekit.labs.exercise import Case, Exercise, Hint, Unusable
from coursekit.labs.matrices import dense_hessian, spectrum
from coursekit.labs.mutants.lambda_max import MUTANTS
from coursekit.labs.reading import read_number

__all__ = ["LAMBDA_MAX", "lambda_max"]

OVERFLOW = (
    "A vector that is not scaled to length 1 grows by |λ| at every product, until it "
    "overflows."
)
# After k products the relative error is about ratio^(2k): 0.8^120 is 2e-12
ITERS, RATIO, TOLERANCE = 60, 0.8, 1e-5


def lambda_max(
    model: nn.Module, loss: Callable[[nn.Module], Tensor], iters: int
) -> float:
    """Take the largest eigenvalue of the whole Hessian matrix.

    Args:
        model: A small net.
        loss: A function of the model.
        iters: Not needed.

    Returns:
        The eigenvalue.
    """
    return float(torch.linalg.eigvalsh(dense_hessian(model, loss))[-1])


def _converges(eigs: Tensor) -> bool:
    """Ask whether (1) to (3) converge on these eigenvalues in `ITERS` products.

    Returns:
        The answer.
    """
    size = eigs.abs().sort(descending=True).values
    top = eigs.sort(descending=True).values
    shifted = top + (size[0] if eigs[eigs.abs().argmax()] < 0 else 0)
    first = size[1] <= RATIO * size[0]
    return bool(first and shifted[1] <= RATIO * shifted[0])


def _bowl(part: str, line: str, eigs: list[float], seed: int) -> Case:
    """Make a case with a known spectrum.

    Returns:
        The case.
    """
    p = len(eigs)
    H = spectrum((p, p), [1.0] * p, seed)
    H = H @ torch.diag(torch.tensor(eigs, dtype=torch.float64)) @ H.T
    model = Recipe(
        "coursekit.models:MLP",
        ([p, 1],),
        {"bias": False},
        seed=seed,
        dtype="float64",
    )
    loss = Recipe("coursekit.experiments.frozen_loss:Bowl", ((H + H.T) / 2,))
    says = f"lambda_max of a quadratic loss of {p} parameters, {ITERS} products"
    return Case(part, (model, loss, ITERS), says, line)


def _net(rng: np.random.Generator) -> Case:
    """Draw a small net until power iteration converges on its Hessian.

    Returns:
        The case.
    """
    while True:
        seed = int(rng.integers(2**31))
        g = torch.Generator().manual_seed(seed)
        x = torch.randn(24, 4, generator=g, dtype=torch.float64)
        y = (x[:, 0] > 0).long() + (x[:, 1] > 1).long()
        widths = [4, int(rng.integers(4, 7)), 3]
        model = Recipe(
            "coursekit.models:MLP", (widths, "tanh"), seed=seed, dtype="float64"
        )
        loss = Recipe("coursekit.experiments.frozen_loss:Fit", (3 * x + 2, y))
        eigs = torch.linalg.eigvalsh(dense_hessian(model.build(), loss.build()))
        if _converges(eigs):
            says = f"lambda_max of MLP({widths}, 'tanh'), {ITERS} products"
            return Case("positive", (model, loss, ITERS), says, "(2)")


def _cases(rng: np.random.Generator, visible: bool) -> list[Case]:
    def scaled(low: float, high: float, sizes: list[float]) -> list[float]:
        unit = float(rng.uniform(low, high))
        return [unit * s for s in sizes]

    def seed() -> int:
        return int(rng.integers(2**31))

    cases = [_net(rng)]
    if visible:
        return cases
    positive = scaled(0.5, 3, [10, 7, 4, 1, 0.2, -0.5, -3])
    steep = scaled(200, 900, [5, 3.9, 2, 0.5, -1, -2])
    negative = scaled(0.5, 3, [4, 1, 0.3, -0.2, -1, -6])
    saddle = scaled(2, 6, [1.5, 0.1, -0.4, -1, -2])
    below = scaled(1, 3, [-0.4, -2, -3, -4.5, -6])
    return [
        *cases,
        _bowl("positive", "(2)", positive, seed()),
        _bowl("positive", "(1)", steep, seed()),
        _bowl("negative", "(3)", negative, seed()),
        _bowl("negative", "(3)", saddle, seed()),
        _bowl("negative", "(3)", below, seed()),
    ]


def _read(case: Case, answer: Any) -> float:
    try:
        return read_number(answer, "one number, an eigenvalue")
    except Unusable as error:
        if "NaN" in str(error) or "infinity" in str(error):
            raise Unusable(f"{error} {OVERFLOW}") from None
        raise


def _compare(case: Case, got: float, expected: float) -> str | None:
    if abs(got - expected) <= TOLERANCE * abs(expected):
        return None
    near = abs(got - expected) <= 0.05 * abs(expected)
    more = (
        " That is near: too few products, or a product Hv that is not exact."
        if near
        else ""
    )
    return f"It returned {got:.6g}, expected {expected:.6g} (within 1e-05).{more}"


LAMBDA_MAX = Exercise(
    name="lambda_max",
    signature="lambda_max(model, loss, iters)",
    title="The largest eigenvalue of the Hessian",
    minutes=22,
    difficulty=4,
    parts={"positive": 3, "negative": 3},
    equations={
        "(1)": "u = Hv, v ← u/‖u‖",
        "(2)": "λ = vᵀHv",
        "(3)": "λ < 0: λ_max = μ − c, with μ from (1), (2) on H + cI, c = |λ|",
        "(4)": "Hv = ∇(vᵀ∇L)",
    },
    cases=_cases,
    reference=lambda_max,
    read=_read,
    compare=_compare,
    mutants=MUTANTS,
    hints=(
        Hint(
            "How do I get Hv?",
            "`gs = torch.autograd.grad(loss(model), params, create_graph=True)`, then "
            "`torch.autograd.grad(sum((g * v).sum() for …), params)`. Without "
            "`create_graph=True` the first gradient has no graph.",
        ),
        Hint(
            "One of the differentiated tensors appears to not have been used",
            "In a loss that is linear in some parameter its second derivative does "
            "not exist in the graph. `materialize_grads=True` puts zeros there.",
        ),
        Hint(
            "Infinity or NaN after many products",
            "The vector grows by |λ| at each product. Scale it to length 1 each time.",
        ),
        Hint(
            "The visible check passes, the part *negative* does not",
            "Where the steepest direction goes down, the first run ends at a negative "
            "number. Equation (3): run it again on Hv + cv and take c off at the end.",
            helps=("dominant", "magnitude", "shift_left_in"),
        ),
        Hint(
            "Nearly right, but not within 1e-05",
            "Use all `iters` products in each run, and in (2) a v of length 1. A "
            "finite difference of gradients is not exact enough; (4) is.",
            helps=("few_products", "unnormalised"),
        ),
    ),
)
