r"""Exercise: normalize the summed inputs of a recurrent net, step by step.

A recurrent net applies the same weights at every step, so a badly scaled recurrent
matrix makes the summed inputs grow or fade from step to step.  Layer norm measures them
anew at each step, over the units:

$$ a_t = W_h h_{t-1} + W_x x_t \tag{1} $$
$$ \hat a_t = (a_t - \mu_t) / \sqrt{\sigma_t^2 + \epsilon} \tag{2} $$
$$ h_t = \tanh(\gamma \odot \hat a_t + \beta) \tag{3} $$

with $\mu_t$ and $\sigma_t^2$ the mean and the (biased) variance over the units of
*this* step and example, $\epsilon = 10^{-5}$, and $\gamma$ and $\beta$ the same at all
steps.

References:
    Ba, Kiros, Hinton 2016, arXiv 1607.06450, equation 4.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from coursekit import norm
from coursekit.labs.exercise import Case, Exercise, Hint
from coursekit.labs.mutants.lnrnn_step import MUTANTS
from coursekit.labs.tensors import difference, read_tensor

__all__ = ["LNRNN_STEP", "lnrnn_step"]


def lnrnn_step(
    x: Tensor, h: Tensor, W_x: Tensor, W_h: Tensor, gamma: Tensor, beta: Tensor
) -> Tensor:
    """Call the package's function with the arguments of the exercise.

    Returns:
        The right answer.

    Example:
        >>> eye, one = torch.eye(2), torch.ones(2)
        >>> lnrnn_step(torch.tensor([1.0, 3.0]), 0 * one, eye, eye, one, 0 * one)
        tensor([-0.7616,  0.7616])
    """
    return norm.layer_norm_rnn_step(x, h, W_x, W_h, gamma, beta)


def _cases(rng: np.random.Generator, visible: bool) -> list[Case]:
    inputs, units = (int(k) for k in rng.choice(range(3, 9), 2, replace=False))

    def draw(*shape: int) -> Tensor:
        generator = torch.Generator().manual_seed(int(rng.integers(2**31)))
        return torch.randn(shape, generator=generator, dtype=torch.float64)

    def case(part: str, line: str, *axes: int, scale: float = 1.0, pad: int = 0):
        x, h = draw(*axes, inputs), torch.tanh(draw(*axes, units))
        says = f"lnrnn_step, x of shape {tuple(x.shape)}"
        if pad:
            x[:, -pad:] = 50.0
            says += f", padded with 50 in the last {pad} steps"
        weights = scale * draw(units, inputs), scale * draw(units, units)
        args = (x, h, *weights, 1 + 0.4 * draw(units), 0.5 * draw(units))
        return Case(part, args, says, line)

    n, t = int(rng.integers(3, 7)), int(rng.integers(4, 8))
    cases = [
        case("one step", "(1)", n),
        case("one step", "(2)", n, scale=0.01),
    ]
    if visible:
        return cases
    return [
        *cases,
        case("own statistics", "(2)", scale=0.5),
        case("own statistics", "(2)", 1),
        case("own statistics", "(2)", n, t),
        case("own statistics", "(2)", n, t, pad=2),
    ]


def _read(case: Case, answer: Any) -> Tensor:
    return read_tensor(answer, case.args[1].shape)


def _compare(case: Case, got: Tensor, expected: Tensor) -> str | None:
    said = difference(got, expected)
    if said and float(got.abs().max()) > 1:
        return f"{said} Behind a tanh no entry exceeds 1."
    return said


LNRNN_STEP = Exercise(
    name="lnrnn_step",
    signature="lnrnn_step(x, h, W_x, W_h, gamma, beta)",
    title="A recurrent step with layer norm",
    minutes=8,
    difficulty=3,
    parts={"one step": 2, "own statistics": 2},
    equations={
        "(1)": "a_t = W_h h_(t−1) + W_x x_t",
        "(2)": "â_t = (a_t − μ_t)/√(σ_t² + ε), over the units of this step and example",
        "(3)": "h_t = tanh(γ ⊙ â_t + β)",
    },
    cases=_cases,
    reference=lnrnn_step,
    read=_read,
    compare=_compare,
    mutants=MUTANTS,
    hints=(
        Hint(
            "RuntimeError: mat1 and mat2 shapes cannot be multiplied",
            "States and inputs are rows: `[*, units]` times `[units, units]`. "
            "$W_h h$ of the equation is `h @ W_h.T`.",
            helps=("not_transposed",),
        ),
        Hint(
            "Right for a batch, wrong for a batch of sequences",
            "The units are the last axis, wherever it stands. Which axis do "
            "you reduce?",
            helps=("over_time", "over_examples", "whole_tensor", "units_and_time"),
        ),
        Hint(
            "May I use my `layer_norm`?",
            "Yes. The grader runs all cells of the notebook, and `lnrnn_step` may call "
            "what you wrote above.",
        ),
    ),
)
