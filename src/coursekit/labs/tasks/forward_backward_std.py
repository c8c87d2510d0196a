r"""Exercise: measure the signal on its way forward and on its way back.

A network can learn from its first layer only if the forward signal reaches the loss
and the backward signal reaches the first layer.  Both are read off per hidden layer:

$$ z^l = W^l a^{l-1} + b^l, \quad a^l = \phi(z^l) \tag{1} $$
$$ \delta^l = \partial L / \partial z^l \tag{2} $$
$$ \mathrm{Std}(a^l), \quad \mathrm{Std}(\delta^l) \tag{3} $$

with $L$ the mean cross-entropy of the batch.  The gradient of the weights is not a
substitute: it is the product of $\delta^l$ and $a^{l-1}$, and where one shrinks along
the depth while the other grows the product stays flat in a net that does not learn.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from coursekit.labs.agreement import agree
from coursekit.labs.caller import Recipe
from coursekit.labs.exercise import Case, Exercise, Hint, Unusable
from coursekit.labs.mutants.forward_backward_std import MUTANTS
from coursekit.labs.reading import describe, read_numbers
from coursekit.probes import forward_backward_std

__all__ = ["FORWARD_BACKWARD_STD"]

SIDES = {"forward": "activations", "backward": "deltas"}


def _case(part: str, widths: list[int], activation: str, batch: int, seed: int) -> Case:
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(batch, widths[0], generator=generator, dtype=torch.float64)
    y = torch.randint(widths[-1], (batch,), generator=generator)
    model = Recipe(
        "coursekit.models:MLP", (widths, activation), seed=seed, dtype="float64"
    )
    return Case(
        part,
        (model, x, y),
        f"{SIDES[part]} of MLP({widths}, {activation!r})",
        "(3)" if part == "forward" else "(2)",
        {"entries": [batch * w for w in widths[1:-1]]},
    )


def _cases(rng: np.random.Generator, visible: bool) -> list[Case]:
    names = ["tanh", "relu"] if visible else ["tanh", "relu", "sigmoid", "leaky_relu"]
    cases = []
    for activation in names:
        depth, (d_in, d_out) = int(rng.integers(3, 6)), rng.choice(range(3, 9), 2)
        hidden = rng.choice(range(12, 30), depth, replace=False)
        widths = [int(w) for w in (d_in, *hidden, d_out)]
        batch, seed = int(rng.integers(24, 48)), int(rng.integers(2**31))
        cases += [_case(part, widths, activation, batch, seed) for part in SIDES]
    return cases


def _read(case: Case, answer: Any) -> list[float]:
    two = "two lists, (activations, deltas)"
    if answer is None:
        raise Unusable(f"The function returned None, expected {two}.")
    if isinstance(answer, Tensor) and answer.dim() == 2:
        answer = list(answer)
    if not isinstance(answer, (list, tuple)) or len(answer) != 2:
        raise Unusable(f"The function returned {describe(answer)}, expected {two}.")
    side = list(SIDES).index(case.part)
    return read_numbers(answer[side], f"the list of {SIDES[case.part]}")


def _compare(case: Case, got: list[float], expected: list[float]) -> str | None:
    entries = case.facts["entries"]
    unbiased = [
        e * (n / (n - 1)) ** 0.5 for e, n in zip(expected, entries, strict=True)
    ]
    if len(got) != len(expected):
        return (
            f"It returned {len(got)} numbers, expected {len(expected)}: one for each "
            "hidden layer, neither the input nor the logits."
        )
    for layer, (value, biased, other) in enumerate(
        zip(got, expected, unbiased, strict=True), 1
    ):
        if not (agree(value, biased) or agree(value, other)):
            return (
                f"Hidden layer {layer} has {value:.4g}, expected {biased:.4g}. "
                f"Yours, by layer: {_row(got)}; expected: {_row(expected)}."
            )
    return None


def _row(numbers: list[float]) -> str:
    return ", ".join(f"{n:.3g}" for n in numbers[:8]) + ", …" * (len(numbers) > 8)


FORWARD_BACKWARD_STD = Exercise(
    name="forward_backward_std",
    signature="forward_backward_std(model, X, y)",
    title="The signal forward and backward",
    minutes=20,
    difficulty=3,
    parts={"forward": 2, "backward": 4},
    equations={
        "(1)": "zˡ = Wˡ aˡ⁻¹ + bˡ, aˡ = φ(zˡ)",
        "(2)": "δˡ = ∂L/∂zˡ, with L the mean cross-entropy",
        "(3)": "Std(aˡ) and Std(δˡ) over all examples and units of layer l",
    },
    cases=_cases,
    reference=forward_backward_std,
    read=_read,
    compare=_compare,
    likeness=5e-3,
    mutants=MUTANTS,
    hints=(
        Hint(
            "How do I get at z and a?",
            "An `MLP` is an `nn.Sequential`: `for layer in model:` visits Linear, "
            "activation, Linear, …. Apply one after the other and keep what you need.",
            helps=("pre_activations", "includes_input"),
        ),
        Hint(
            "`.grad` of z is None",
            "Only leaves keep `.grad`. `torch.autograd.grad(loss, [z1, z2])` returns "
            "the gradients of a loss with respect to any tensors of its graph.",
        ),
        Hint(
            "RuntimeError: element 0 of tensors does not require grad",
            "Something cut the graph: `torch.no_grad()`, `.detach()`, `.data`, or "
            "`float(z)` before the gradient was taken.",
        ),
        Hint(
            "My second list is flat, the expected one is not",
            "You may have taken the gradient of the weights. That flat curve is the "
            "subject of the written question below.",
            helps=("weight_gradients",),
        ),
    ),
)
