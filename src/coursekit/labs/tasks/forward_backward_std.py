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

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from coursekit.labs.caller import Recipe
from coursekit.labs.exercise import Case, Exercise, Hint, Mutant, Unusable, agree
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


Signals = tuple[list[Tensor], list[Tensor], Tensor]


def _forward(model: nn.Module, x: Tensor, y: Tensor) -> Signals:
    z, a, signal = [], [x], x
    for layer in model.children():
        signal = layer(signal)
        (z if isinstance(layer, nn.Linear) else a).append(signal)
    return z, a, cross_entropy(signal, y)


def _std(tensors: Any) -> list[float]:
    return [float(t.detach().std()) for t in tensors]


def _variant(
    activations: Callable[[Signals], Any] = lambda s: _std(s[1][1:]),
    deltas: Callable[[Signals], Any] = lambda s: _std(_grad(s, s[0][:-1])),
) -> Callable[..., Any]:
    def mutant(model, X, y):
        signals = _forward(model, X, y)
        return activations(signals), deltas(signals)

    return mutant


def _grad(signals: Signals, inputs: list[Tensor]) -> tuple[Tensor, ...]:
    return torch.autograd.grad(signals[2], inputs, retain_graph=True)


def _weight_gradients(model, X, y):
    _, a, loss = _forward(model, X, y)
    weights = [m.weight for m in model.children() if isinstance(m, nn.Linear)]
    return _std(a[1:]), _std(torch.autograd.grad(loss, weights[:-1]))


def _summed(model, X, y):
    activations, deltas = _variant()(model, X, y)
    return activations, [len(X) * d for d in deltas]


def _both(reduce: Callable[[Tensor], Tensor]) -> Callable[..., Any]:
    def reduced(tensors):
        return [float(reduce(t.detach())) for t in tensors]

    return _variant(lambda s: reduced(s[1][1:]), lambda s: reduced(_grad(s, s[0][:-1])))


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
    mutants=(
        Mutant(
            "weight_gradients",
            _weight_gradients,
            "The second list behaves like the gradients of the weights, ∂L/∂W. These "
            "multiply δ by the activations of the layer before and can look level in "
            "a net whose δ has died out. Asked is δ = ∂L/∂z.",
            "(2)",
        ),
        Mutant(
            "post_activation_gradients",
            _variant(deltas=lambda s: _std(_grad(s, s[1][1:]))),
            "The second list behaves like ∂L/∂a, the gradient after the activation "
            "function. Asked is ∂L/∂z, before it: δ = ∂L/∂a · φ′(z).",
            "(2)",
        ),
        Mutant(
            "summed_loss",
            _summed,
            "The second list behaves like the gradient of the summed loss: it is the "
            "batch size times too large. L is the mean over the batch.",
            "(2)",
        ),
        Mutant(
            "backward_order",
            _variant(deltas=lambda s: _std(_grad(s, s[0][:-1]))[::-1]),
            "The second list is in the order of the backward pass. Both lists start "
            "with the first hidden layer.",
            "(3)",
        ),
        Mutant(
            "includes_output_layer",
            _variant(deltas=lambda s: _std(_grad(s, s[0]))),
            "The second list includes the logits. Only hidden layers count, so that "
            "both lists have the same length.",
            "(2)",
        ),
        Mutant(
            "logits_in_both",
            _variant(
                lambda s: [*_std(s[1][1:]), *_std(s[0][-1:])],
                lambda s: _std(_grad(s, s[0])),
            ),
            "Both lists include the logits. Only hidden layers count.",
            "(1)",
        ),
        Mutant(
            "includes_input",
            _variant(lambda s: _std(s[1])),
            "The first list starts with the input. It should start with a¹, the "
            "output of the first activation function.",
            "(1)",
        ),
        Mutant(
            "pre_activations",
            _variant(lambda s: _std(s[0][:-1])),
            "The first list behaves like Std(z), before the activation function. "
            "Asked is Std(a), after it.",
            "(1)",
        ),
        Mutant(
            "variance",
            _both(torch.var),
            "This behaves like variances. Asked are standard deviations, their roots.",
            "(3)",
        ),
        Mutant(
            "norm",
            _both(torch.linalg.norm),
            "This behaves like norms. A norm grows with the number of entries; the "
            "standard deviation does not, so layers of different width compare.",
            "(3)",
        ),
        Mutant(
            "root_mean_square",
            _both(lambda t: t.square().mean().sqrt()),
            "This behaves like the root of the mean square. A standard deviation "
            "subtracts the mean first; after ReLU or a sigmoid that matters.",
            "(3)",
        ),
        Mutant(
            "per_unit",
            _both(lambda t: t.std(dim=0).mean()),
            "This behaves like the mean over units of each unit's deviation over the "
            "batch. Asked is one deviation over all entries of the layer.",
            "(3)",
        ),
    ),
    hints=(
        Hint(
            "How do I get at z and a?",
            "An `MLP` is an `nn.Sequential`: `for layer in model:` visits Linear, "
            "activation, Linear, …. Apply one after the other and keep what you need.",
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
        ),
    ),
)
