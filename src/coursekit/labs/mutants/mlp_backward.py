r"""Wrong ways to carry a gradient back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from coursekit.labs.exercise import Mutant

__all__ = ["MUTANTS"]

PHI: dict[str, Callable[[Tensor], Tensor]] = {
    "tanh": torch.tanh,
    "relu": torch.relu,
    "sigmoid": torch.sigmoid,
    "identity": lambda z: z,
}
SLOPE: dict[str, Callable[[Tensor], Tensor]] = {
    "tanh": lambda z: 1 - torch.tanh(z) ** 2,
    "relu": lambda z: (z > 0).double(),
    "sigmoid": lambda z: torch.sigmoid(z) * (1 - torch.sigmoid(z)),
    "identity": torch.ones_like,
}


def _first(o: Tensor, y: Tensor) -> Tensor:
    return (o.softmax(1) - one_hot(y, o.shape[1])) / len(y)


def _through_softmax_only(o: Tensor, y: Tensor) -> Tensor:
    hot = one_hot(y, o.shape[1])
    return -hot / (len(y) * o.softmax(1))


@dataclass(frozen=True)
class _Back:
    """Carry a gradient back rightly, but for the step that is replaced.

    Attributes:
        first: δ of the logits, given logits and classes.
        weight: ∂L/∂W, given δ, the activation before and the pre-activation before.
        bias: ∂L/∂b, given δ.
        down: δ one layer down, given δ, W, then φ, z and a of that layer, and the φ
            of the layer above.
    """

    first: Callable[..., Tensor] = _first
    weight: Callable[..., Tensor] = lambda delta, a, z: delta.T @ a
    bias: Callable[..., Tensor] = lambda delta: delta.sum(0)
    down: Callable[..., Tensor] = lambda delta, W, phi, z, a, up: (
        (delta @ W) * SLOPE[phi](z)
    )

    def __call__(self, params: Any, X: Tensor, y: Tensor) -> list[Any]:
        """Give the gradients, one of them wrong.

        Returns:
            ``(dW, db)`` of every layer.
        """
        a, z = [X], [X]
        for W, b, phi in params:
            z.append(a[-1] @ W.T + b)
            a.append(PHI[phi](z[-1]))
        delta, found = self.first(z[-1], y), []
        for l in range(len(params), 0, -1):
            W, _, up = params[l - 1]
            found.insert(0, (self.weight(delta, a[l - 1], z[l - 1]), self.bias(delta)))
            if l > 1:
                phi = params[l - 2][2]
                delta = self.down(delta, W, phi, z[l - 1], a[l - 1], up)
        return found


MUTANTS = (
    Mutant(
        "forgets_weights",
        _Back(down=lambda d, W, phi, z, a, up: d * SLOPE[phi](z)),
        "This behaves like multiplying by the slope alone on the way back. The signal "
        "also passes the weights: δˡ W. Without them no gradient could ever explode, "
        "since no slope here exceeds 1.",
        "(6)",
    ),
    Mutant(
        "weights_not_transposed",
        _Back(down=lambda d, W, phi, z, a, up: (d @ W.T) * SLOPE[phi](z)),
        "This behaves like going back through W as one goes forward. With examples as "
        "rows the way forward is a @ W.T and the way back is δ @ W.",
        "(6)",
    ),
    Mutant(
        "slope_at_activation",
        _Back(down=lambda d, W, phi, z, a, up: (d @ W) * SLOPE[phi](a)),
        "This behaves like taking the slope at a instead of z. For ReLU the two agree, "
        "for tanh and sigmoid they do not. There φ′(z) is 1 − a² or a(1 − a).",
        "(6)",
    ),
    Mutant(
        "no_slope",
        _Back(down=lambda d, W, phi, z, a, up: d @ W),
        "This behaves like leaving out the slope of the activation, as if every layer "
        "were linear.",
        "(6)",
    ),
    Mutant(
        "activation_for_slope",
        _Back(down=lambda d, W, phi, z, a, up: (d @ W) * a),
        "This behaves like multiplying by φ(z) on the way back. It is its derivative, "
        "φ′(z), that belongs there.",
        "(6)",
    ),
    Mutant(
        "slope_of_next_layer",
        _Back(down=lambda d, W, phi, z, a, up: (d @ W) * SLOPE[up](z)),
        "This behaves like using the activation function of the layer above. The "
        "signal that arrives at layer l−1 passes the activation of layer l−1.",
        "(6)",
    ),
    Mutant(
        "sum_over_examples",
        _Back(first=lambda o, y: len(y) * _first(o, y)),
        "This behaves like the gradient of the summed loss. The loss is the mean over "
        "the examples: δᴸ carries 1/B.",
        "(3)",
    ),
    Mutant(
        "forgets_the_target",
        _Back(first=lambda o, y: o.softmax(1) / len(y)),
        "This behaves like δᴸ = p/B. Subtract 1 at the right class of each example.",
        "(3)",
    ),
    Mutant(
        "sign",
        _Back(first=lambda o, y: -_first(o, y)),
        "This behaves like the negative gradient. δᴸ is p minus the target: a "
        "probability that is too large has a positive gradient.",
        "(3)",
    ),
    Mutant(
        "softmax_forgotten",
        _Back(first=lambda o, y: (o - one_hot(y, o.shape[1])) / len(y)),
        "This behaves like subtracting the target from the logits. Cross-entropy takes "
        "the probabilities, p = softmax(z).",
        "(3)",
    ),
    Mutant(
        "softmax_over_examples",
        _Back(first=lambda o, y: (o.softmax(0) - one_hot(y, o.shape[1])) / len(y)),
        "This behaves like a softmax over the examples. The probabilities of *one* "
        "example add up to 1: `dim=1`.",
        "(3)",
    ),
    Mutant(
        "stops_at_the_probabilities",
        _Back(first=_through_softmax_only),
        "This behaves like ∂L/∂p, the gradient with respect to the probabilities. The "
        "signal still has to pass the softmax; then p − onehot(y) is left.",
        "(3)",
    ),
    Mutant(
        "input_before_activation",
        _Back(weight=lambda d, a, z: d.T @ z),
        "This behaves like multiplying δ by z of the layer below. The weights of a "
        "layer see its input, the activation a.",
        "(4)",
    ),
    Mutant(
        "mean_in_bias",
        _Back(bias=lambda d: d.mean(0)),
        "This behaves like averaging δ over the examples in ∂L/∂b. The mean of the "
        "loss is in δ already: sum here.",
        "(5)",
    ),
    Mutant(
        "mean_in_weights",
        _Back(weight=lambda d, a, z: d.T @ a / len(a)),
        "This behaves like averaging over the examples in ∂L/∂W. The mean of the loss "
        "is in δ already: the product sums over examples and needs no 1/B.",
        "(4)",
    ),
)
