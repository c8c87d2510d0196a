r"""Compute K perceptrons side by side as one stack of matrices.

A sweep over gains and seeds needs hundreds of small nets that differ only in
their numbers. Stacked along a leading axis they share every call:

.. math::

    Z^l_k = A^{l-1}_k (W^l_k)^\top + b^l_k, \qquad  A^l_k = \varphi(Z^l_k)
    \qquad (1)

for all models :math:`k` at once (`torch.baddbmm`). No model sees another one: a
net that diverges fills its own slice with NaN and leaves the rest as they were.
A stack equals the plain loop over its models to rounding error, which is what
its tests check.

The random numbers of a model depend on its seed alone. Two models of one seed and
different gains have the *same* weights up to that factor, so comparisons across
gains are paired. How a stack is trained stands in `stacked_training`.

A grid of settings is shorter to write as a sweep, and as fast (`coursekit.sweep`). The
stack is for what a sweep does not offer: pauses at unevenly spaced moments, to look at
every layer of every model, and starts that no initializer draws.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn.functional import cross_entropy

from coursekit import device, init, models


@dataclass
class StackedMLP:
    """Hold the weights of K perceptrons of one shape.

    Attributes:
        weights: One tensor a layer, `[models, out, in]`.
        biases: One tensor a layer, `[models, 1, out]`.
        activation: Applied after every layer but the last.
    """

    weights: list[Tensor]
    biases: list[Tensor]
    activation: Callable[[Tensor], Tensor]

    @property
    def parameters(self) -> list[Tensor]:
        """All tensors that training moves."""
        return self.weights + self.biases

    def layers(
        self, x: Float[Tensor, "models batch in"]
    ) -> list[Float[Tensor, "models batch out"]]:
        """Compute Z of every layer (equation 1).

        Args:
            x: Inputs of each model.

        Returns:
            Pre-activations of the hidden layers, then the logits.
        """
        z, a = [], x
        for weight, bias in zip(self.weights, self.biases, strict=True):
            z.append(torch.baddbmm(bias, a, weight.mT))  # (1)
            a = self.activation(z[-1])
        return z


def draw_stack(
    widths: Sequence[int],
    gains: Sequence[float],
    seeds: Sequence[int],
    activation: str = "relu",
    *,
    last_gain: float | None = None,
    dtype: torch.dtype = torch.float64,
) -> StackedMLP:
    r"""Draw one net a (gain, seed) pair, weights N(0, gain²/n_in), biases zero.

    Args:
        widths: Units of each layer, inputs first and classes last.
        gains: Standard deviation of the weights times :math:`\sqrt{n_{in}}`, one a
            model.
        seeds: Seed of each model.
        activation: Name known to `coursekit.models.activation`.
        last_gain: Gain of the output layer; that of the other layers if None.
        dtype: Type of all numbers. Float64 keeps a rerun on another machine equal
            to many digits even where training is chaotic.

    Returns:
        A stack of `len(seeds)` nets.

    Raises:
        ValueError: If there are not as many gains as seeds.

    Example:
        >>> stack = draw_stack([64, 100, 10], gains=[1.0, 1.41], seeds=[0, 0])
        >>> [tuple(w.shape) for w in stack.weights]
        [(2, 100, 64), (2, 10, 100)]
    """
    if len(gains) != len(seeds):
        raise ValueError(
            f"got {len(gains)} gains and {len(seeds)} seeds; expected one of each a "
            "model: repeat the shorter list"
        )
    shapes = [(n_out, n_in) for n_in, n_out in pairwise(widths)]
    drawn: list[list[Tensor]] = [[] for _ in shapes]
    for gain, seed in zip(gains, seeds, strict=True):
        generator = device.generator(seed)
        for layer, shape in enumerate(shapes):
            is_last = layer == len(shapes) - 1
            g = last_gain if is_last and last_gain is not None else gain
            drawn[layer].append(
                init.scaled_normal(shape, g, generator=generator, dtype=dtype)
            )
    weights = [torch.stack(layer) for layer in drawn]
    biases = [w.new_zeros(len(seeds), 1, w.shape[1]) for w in weights]
    return StackedMLP(weights, biases, models.activation(activation))


def stacked_loss(
    logits: Float[Tensor, "models batch classes"], y: Int[Tensor, "models batch"]
) -> Float[Tensor, " models"]:
    """Compute each model's mean cross-entropy.

    Args:
        logits: Outputs of each model.
        y: Classes, which may differ between models.

    Returns:
        One loss a model.
    """
    return cross_entropy(logits.mT, y, reduction="none").mean(-1)


def losses(
    stack: StackedMLP, x: Float[Tensor, "batch in"], y: Int[Tensor, " batch"]
) -> Float[Tensor, " models"]:
    """Evaluate every model on the same examples, without gradients.

    Args:
        stack: The nets.
        x: Inputs shared by all models.
        y: Their classes.

    Returns:
        One mean cross-entropy a model.
    """
    k = len(stack.weights[0])
    with torch.no_grad():
        logits = stack.layers(x.expand(k, *x.shape))[-1]
    return stacked_loss(logits, y.expand(k, -1))


def signals(
    stack: StackedMLP, x: Float[Tensor, "batch in"], y: Int[Tensor, " batch"]
) -> tuple[list[Tensor], list[Tensor]]:
    r"""Return :math:`a^l` and :math:`\delta^l=\partial L/\partial z^l`.

    Args:
        stack: The nets.
        x: Inputs shared by all models.
        y: Their classes.

    Returns:
        Two lists over the hidden layers, each tensor `[models, batch, units]`. L is
        the *mean* loss, so every :math:`\delta` carries a factor 1/batch.
    """
    k = len(stack.weights[0])
    with torch.enable_grad():
        probe = StackedMLP(
            [w.detach().requires_grad_() for w in stack.weights],
            stack.biases,
            stack.activation,
        )
        z = probe.layers(x.expand(k, *x.shape))
        loss = stacked_loss(z[-1], y.expand(k, -1)).sum()
        delta = torch.autograd.grad(loss, z[:-1])
    return [stack.activation(layer.detach()) for layer in z[:-1]], list(delta)
