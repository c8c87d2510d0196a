r"""Wrong ways to measure the signal of every layer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from coursekit.labs.exercise import Mutant

__all__ = ["MUTANTS"]


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


MUTANTS = (
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
)
