r"""Exercise: carry the gradient back through a perceptron by hand.

With the examples as rows, $a^0 = X$, and $L$ the mean cross-entropy of $B$ examples,
the way forward is

$$ z^l = a^{l-1} (W^l)^\top + b^l, \quad a^l = \phi^l(z^l) \tag{1} $$
$$ L = -\tfrac1B \textstyle\sum_r \ln p_{r y_r}, \quad
   p = \mathrm{softmax}(z^L) \tag{2} $$

and the way back begins at the logits and ends at the first layer:

$$ \delta^L = \partial L/\partial z^L = \tfrac1B\,(p - \mathrm{onehot}(y)) \tag{3} $$
$$ \partial L/\partial W^l = (\delta^l)^\top a^{l-1} \tag{4} $$
$$ \partial L/\partial b^l = \textstyle\sum_r \delta^l_r \tag{5} $$
$$ \delta^{l-1} = (\delta^l W^l) \odot \phi'^{\,l-1}(z^{l-1}) \tag{6} $$

Line (6) is where a gradient vanishes or explodes: every layer multiplies by its weights
and by a slope.

References:
    Rumelhart, Hinton, Williams 1986, Nature 323.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from coursekit.labs.exercise import Case, Exercise, Hint, Unusable
from coursekit.labs.mutants.mlp_backward import MUTANTS
from coursekit.labs.reading import NONE, describe
from coursekit.labs.tensors import difference, read_tensor

__all__ = ["MLP_BACKWARD", "PHI", "mlp_backward"]

Layers = Sequence[tuple[Tensor, Tensor, str]]
PHI = {
    "tanh": torch.tanh,
    "relu": torch.relu,
    "sigmoid": torch.sigmoid,
    "identity": lambda z: z,
}
PAIRS = "a list of {} pairs (dW, db), one for each layer"


def mlp_backward(params: Layers, X: Tensor, y: Tensor) -> list[tuple[Tensor, Tensor]]:
    """Take the gradients by autograd, which knows none of the equations.

    Args:
        params: ``(W, b, phi)`` of every layer, the first first.
        X: Examples, one a row.
        y: Classes.

    Returns:
        ``(dW, db)`` of every layer.

    Example:
        >>> layer = (torch.eye(2), torch.zeros(2), "identity")
        >>> mlp_backward([layer], torch.eye(2)[:1], torch.tensor([0]))[0][1]
        tensor([-0.2689,  0.2689])
    """
    leaves = [t.detach().requires_grad_() for W, b, _ in params for t in (W, b)]
    a = X
    for i, (_, _, phi) in enumerate(params):
        a = PHI[phi](a @ leaves[2 * i].T + leaves[2 * i + 1])
    grads = torch.autograd.grad(cross_entropy(a, y), leaves)
    return list(zip(grads[::2], grads[1::2], strict=True))


def _net(widths: list[int], phis: list[str], batch: int, seed: int) -> tuple:
    generator = torch.Generator().manual_seed(seed)

    def draw(*shape: int) -> Tensor:
        return torch.randn(shape, generator=generator, dtype=torch.float64)

    params = [
        (1.3 * draw(m, n) / n**0.5, 0.5 * draw(m), phi)
        for n, m, phi in zip(widths, widths[1:], [*phis, "identity"], strict=False)
    ]
    y = torch.randint(widths[-1], (batch,), generator=generator)
    return params, draw(batch, widths[0]), y


def _cases(rng: np.random.Generator, visible: bool) -> list[Case]:
    def case(parts: list[str], widths: list[int], phis: list[str]) -> list[Case]:
        net = _net(widths, phis, int(rng.integers(9, 17)), int(rng.integers(2**31)))
        says = f"of layers {widths}, {', '.join(phis)}"
        lines = {"last layer": "(3)", "hidden layers": "(6)", "depth": "(6)"}
        return [
            Case(part, net, f"{part} {says}", lines[part], {"widths": widths})
            for part in parts
        ]

    d, h, c = (int(n) for n in rng.choice(range(3, 8), 3, replace=False))
    both = ["last layer", "hidden layers"]
    cases = [
        *case(both, [d, h, h], ["tanh"]),
        *case(both, [d, h, c], ["relu"]),
    ]
    if visible:
        return cases
    kinds = ["tanh", "relu", "sigmoid"]
    mixed = [kinds[i] for i in rng.permutation([0, 1, 2, int(rng.integers(3))])]
    hidden = [int(n) for n in rng.choice(range(4, 10), 4, replace=False)]
    return [
        *cases,
        *case(["hidden layers"], [c, h, h, h], ["sigmoid", "tanh"]),
        *case(["depth"], [d, h, h, h, h, h], ["sigmoid"] * 4),
        *case(["depth"], [d, *hidden, c], mixed),
    ]


def _read(case: Case, answer: Any) -> list[tuple[Tensor, Tensor]]:
    params = case.args[0]
    expected = PAIRS.format(len(params))
    if isinstance(answer, (list, tuple)) and len(answer) == 2 * len(params):
        answer = list(zip(answer[::2], answer[1::2], strict=True))
    if answer is None:
        raise Unusable(NONE.format(expected))
    if not isinstance(answer, (list, tuple)) or len(answer) != len(params):
        raise Unusable(
            f"The function returned {describe(answer)}, expected {expected}."
        )
    _check_order(params, answer)
    found = []
    for l in _layers(case):
        pair, (W, b, _) = answer[l], params[l]
        if not isinstance(pair, (list, tuple)) or len(pair) != 2:
            raise Unusable(f"Entry {l} is {describe(pair)}, expected a pair (dW, db).")
        found += [
            (
                read_tensor(pair[0], W.shape, f"∂L/∂W of layer {l + 1}"),
                read_tensor(pair[1], b.shape, f"∂L/∂b of layer {l + 1}"),
            )
        ]
    return found


def _layers(case: Case) -> list[int]:
    """List the layers that a part looks at, the last first.

    Returns:
        Their positions.
    """
    order = list(range(len(case.args[0])))[::-1]
    return {"last layer": order[:1], "hidden layers": order[1:]}.get(case.part, order)


def _check_order(params: Layers, answer: Sequence[Any]) -> None:
    """Refuse gradients that come in the order in which they are computed.

    Raises:
        Unusable: If the shapes fit from the last layer to the first only.
    """
    shapes = [tuple(W.shape) for W, _, _ in params]
    got = [
        tuple(pair[0].shape)
        if isinstance(pair, (list, tuple)) and pair and isinstance(pair[0], Tensor)
        else None
        for pair in answer
    ]
    if got != shapes and got == shapes[::-1]:
        raise Unusable(
            "The gradients come last layer first, expected the first layer first: the "
            "loop runs backward, so turn the list round before you return it."
        )


def _compare(case: Case, got: list[Any], expected: list[Any]) -> str | None:
    """Find the first wrong gradient on the way back.

    Returns:
        A sentence, or ``None``.
    """
    for l, pair, right in zip(_layers(case), got, expected, strict=True):
        for name, one, other in zip("Wb", pair, right, strict=True):
            if said := difference(one, other, f"∂L/∂{name} of layer {l + 1}"):
                if l + 1 < len(case.args[0]) and case.part != "last layer":
                    return f"{said} It is the first wrong one on the way back."
                return said
    return None


MLP_BACKWARD = Exercise(
    name="mlp_backward",
    signature="mlp_backward(params, X, y)",
    title="Back-propagate by hand",
    minutes=25,
    difficulty=4,
    parts={"last layer": 2, "hidden layers": 3, "depth": 3},
    equations={
        "(1)": "zˡ = aˡ⁻¹ (Wˡ)ᵀ + bˡ, aˡ = φˡ(zˡ)",
        "(2)": "L = mean over r of −ln p[r, y_r], p = softmax(zᴸ)",
        "(3)": "δᴸ = (p − onehot(y)) / B",
        "(4)": "∂L/∂Wˡ = (δˡ)ᵀ aˡ⁻¹",
        "(5)": "∂L/∂bˡ = Σ_r δˡ_r",
        "(6)": "δˡ⁻¹ = (δˡ Wˡ) ⊙ φ′(zˡ⁻¹)",
    },
    cases=_cases,
    reference=mlp_backward,
    read=_read,
    compare=_compare,
    mutants=MUTANTS,
    hints=(
        Hint(
            "Where do I begin?",
            "Go forward once and keep every $a^l$ and every $z^l$ in a list; the way "
            "back needs them all. Then compute $\\delta^L$ of equation (3) and check "
            "the last layer before you write the loop.",
        ),
        Hint(
            "RuntimeError: mat1 and mat2 shapes cannot be multiplied",
            "Write the shapes behind each line: $\\delta^l$ is `[B, n_l]`, $W^l$ is "
            "`[n_l, n_{l-1}]`, $a^{l-1}$ is `[B, n_{l-1}]`. With examples as rows, "
            "$W^\\top \\delta$ of the chapter is `delta @ W`.",
        ),
        Hint(
            "RuntimeError: The size of tensor a must match the size of tensor b",
            "In equation (6), are the weights there? And is the slope taken at the "
            "$z$ of the layer that the signal arrives at?",
            helps=("forgets_weights", "slope_of_next_layer"),
        ),
        Hint(
            "The last layer is right, the others are not",
            'One of the two factors of (6) is wrong. Try `"identity"` for all layers: '
            "if that is right, the slope is wrong, otherwise the weights.",
            helps=("weights_not_transposed", "no_slope", "activation_for_slope"),
        ),
        Hint(
            "Right for ReLU, wrong for tanh",
            "The slope of ReLU is the same at $z$ and at $a$. That of tanh is not.",
            helps=("slope_at_activation",),
        ),
        Hint(
            "All numbers are too large by the same factor",
            "The loss is a mean over the examples. The factor is in $\\delta^L$, and "
            "from there it is in everything.",
            helps=("sum_over_examples", "mean_in_bias", "mean_in_weights"),
        ),
    ),
)
