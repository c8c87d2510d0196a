r"""Exercise: batch norm in training and in evaluation.

In training, over the $n$ entries that a channel has in the batch (examples and
positions),

$$ \mu_B = \tfrac1n \textstyle\sum x, \quad
   \sigma_B^2 = \tfrac1n \textstyle\sum (x - \mu_B)^2 \tag{1} $$
$$ \hat x = (x - \mu_B) / \sqrt{\sigma_B^2 + \epsilon} \tag{2} $$
$$ \bar\mu \leftarrow p\,\bar\mu + (1-p)\,\mu_B \tag{3} $$
$$ \bar\sigma^2 \leftarrow p\,\bar\sigma^2
   + (1-p)\,\tfrac{n}{n-1}\,\sigma_B^2 \tag{4} $$

and in evaluation, which changes nothing that is remembered,

$$ \hat x = (x - \bar\mu) / \sqrt{\bar\sigma^2 + \epsilon} \tag{5} $$

with, in both, one gain and one bias a channel:

$$ y = \gamma\,\hat x + \beta \tag{6} $$

Here $\epsilon = 10^{-5}$ and $p = 0.9$ is the share of the *old* value that is kept
(torch's `momentum` is $1 - p$).

References:
    Ioffe, Szegedy 2015, arXiv 1502.03167, algorithms 1 and 2.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from coursekit import norm
from coursekit.labs.exercise import Case, Exercise, Hint, Unusable
from coursekit.labs.mutants.batch_norm import MUTANTS
from coursekit.labs.reading import NONE, describe
from coursekit.labs.tensors import difference, read_tensor

__all__ = ["BATCH_NORM", "batch_norm"]

State = dict[str, Tensor]
BOTH = 'a pair (y, state), the state a dict with "mean" and "var"'
ALONE = (
    "a channel with one entry has σ = 0 and x̂ = 0 whatever the entry is, so training "
    "on it would learn nothing. Count the entries of a channel, N · H · W, and raise."
)
NAMES = {"y": "`y`", "mean": '`state["mean"]`', "var": '`state["var"]`'}
LOOKED_AT = {
    "training": ("y",),
    "running statistics": ("mean", "var"),
    "evaluation": ("y", "mean", "var"),
    "images": ("y", "mean", "var"),
}


def batch_norm(
    x: Tensor, gamma: Tensor, beta: Tensor, state: State, train: bool
) -> tuple[Tensor, State]:
    """Call the package's function with the arguments of the exercise.

    Returns:
        The right answer.

    Example:
        >>> x, state = torch.tensor([[1.0], [3.0]]), {"mean": 0.0, "var": 1.0}
        >>> batch_norm(x, torch.ones(1), torch.zeros(1), state, True)[1]["mean"]
        tensor([0.2000])
    """
    running = norm.RunningStats(state["mean"], state["var"])
    y, running = norm.batch_norm(x, running, gamma, beta, training=train)
    mean, var = running or (None, None)
    return y, {"mean": mean, "var": var}  # type: ignore[dict-item]


def _cases(rng: np.random.Generator, visible: bool) -> list[Case]:
    def draw(*shape: int) -> Tensor:
        generator = torch.Generator().manual_seed(int(rng.integers(2**31)))
        return torch.randn(shape, generator=generator, dtype=torch.float64)

    def case(
        part: str, line: str, *shape: int, train: bool = True, why: str = ""
    ) -> Case:
        c, rest = shape[1], [1] * (len(shape) - 2)
        scales = torch.logspace(-2, 1, c, dtype=torch.float64).reshape(c, *rest)
        x = scales * draw(*shape) + draw(c, *rest)
        state = {"mean": draw(c), "var": 0.01 + draw(c).square()}
        args = (x, 1 + 0.5 * draw(c), draw(c), state, train)
        says = f"{part}, x of shape {shape}, train={train}"
        return Case(part, args, says, line, raises=why)

    n, c, h, w = (int(k) for k in rng.choice(range(3, 9), 4, replace=False))
    cases = [
        case("training", "(2)", n, c),
        case("running statistics", "(4)", n, c),
    ]
    if visible:
        return cases
    return [
        *cases,
        case("training", "(2)", 2, c),
        case("training", "(1)", 1, c, why=ALONE),
        case("running statistics", "(3)", n + 9, c),
        case("evaluation", "(5)", n, c, train=False),
        case("evaluation", "(5)", 1, c, train=False),
        case("evaluation", "(5)", n, c, h, w, train=False),
        case("images", "(1)", n, c, h, w),
        case("images", "(4)", 1, c, 2, w),
        case("images", "(1)", 1, c, 1, 1, why=ALONE),
    ]


def _read(case: Case, answer: Any) -> State:
    x, gamma = case.args[0], case.args[1]
    if answer is None:
        raise Unusable(NONE.format(BOTH))
    if not isinstance(answer, (list, tuple)) or len(answer) != 2:
        raise Unusable(f"The function returned {describe(answer)}, expected {BOTH}.")
    y, state = answer
    if isinstance(state, (list, tuple)) and len(state) == 2:
        state = {"mean": state[0], "var": state[1]}
    if not isinstance(state, Mapping) or not {"mean", "var"} <= state.keys():
        raise Unusable(
            f'The second value is {describe(state)}, expected a dict with "mean" and '
            '"var".'
        )
    values = {"y": (y, x.shape, NAMES["y"])} | {
        key: (state[key], gamma.shape, NAMES[key]) for key in ("mean", "var")
    }
    return {key: read_tensor(*values[key]) for key in LOOKED_AT[case.part]}


def _compare(case: Case, got: State, expected: State) -> str | None:
    for key, right in expected.items():
        if said := difference(got[key], right, NAMES[key]):
            if key != "y" and case.part == "evaluation":
                return f"{said} Evaluation leaves the state as it is."
            return said
    return None


BATCH_NORM = Exercise(
    name="batch_norm",
    signature="batch_norm(x, gamma, beta, state, train)",
    title="Batch norm, training and evaluation",
    minutes=18,
    difficulty=4,
    parts={"training": 2, "running statistics": 2, "evaluation": 2, "images": 2},
    equations={
        "(1)": "μ_B, σ²_B: mean and biased variance of a channel's n entries",
        "(2)": "training: x̂ = (x − μ_B)/√(σ²_B + ε)",
        "(3)": "μ̄ ← p μ̄ + (1 − p) μ_B, p = 0.9",
        "(4)": "σ̄² ← p σ̄² + (1 − p) n/(n − 1) σ²_B",
        "(5)": "evaluation: x̂ = (x − μ̄)/√(σ̄² + ε), the state stays",
        "(6)": "y = γ x̂ + β",
    },
    cases=_cases,
    reference=batch_norm,
    read=_read,
    compare=_compare,
    mutants=MUTANTS,
    hints=(
        Hint(
            "RuntimeError: The size of tensor a must match the size of tensor b",
            "A channel is axis 1. Statistics of channels have the shape `[C]`; to line "
            "them up with `[N, C, H, W]` reshape them to `[1, C, 1, 1]`, with as many "
            "ones as there are positions: `s.reshape(1, -1, *[1] * (x.dim() - 2))`.",
        ),
        Hint(
            "y is right and the running variance is slightly too small",
            "Two variances are in play: the biased one divides the batch, the unbiased "
            "one is remembered. `x.var(axes, correction=0)` and `correction=1`.",
            helps=("biased_running_variance", "unbiased_in_training"),
        ),
        Hint(
            "The check says that I changed `state`",
            '`state["mean"] = ...` writes into the caller\'s dict. Make a new one: '
            '`{"mean": ..., "var": ...}`.',
        ),
        Hint(
            "Which calls have to be refused?",
            "In training, those where a channel has a single entry: one example and "
            "one position. One image of many pixels is fine, and so is one example in "
            'evaluation. Write `raise ValueError("...")` with a sentence that helps.',
            helps=("never_refuses",),
        ),
    ),
)
