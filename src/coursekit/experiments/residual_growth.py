r"""Follow the variance along a residual stream, and see whether the net then trains.

A block adds a branch to the stream, :math:`a \leftarrow a + s\,W_2\,\varphi(W_1 a)`.
At initialization the branch is uncorrelated with the stream, so variances add. With
He's variance in both matrices, ReLU, and :math:`q` the mean square of the stream,

.. math:: q \leftarrow q + s^2\, g_2^2\, \tfrac12 g_1^2\, q = (1 + 2 s^2)\, q
    \qquad (g_1^2 = g_2^2 = 2) \qquad (1)

Three-fold a block for :math:`s=1`; :math:`(1+2/L)^L < e^2` in total for
:math:`s=L^{-1/2}`; exactly no growth if :math:`W_2` starts at zero.

No growth at the start is not all: the first updates move all L branches at once, and
the same way. Fixup therefore also scales the first matrix of each branch, by
:math:`L^{-1/2}` where a branch has two, and starts the head at zero.

References:
    Zhang, Dauphin, Ma (2019), Fixup initialization, arXiv 1901.09321, section 3: rules
    1 and 2 are the scheme `fixup`; rule 3 adds scalar biases and a multiplier.
    De, Smith (2020), arXiv 2002.10444.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from coursekit._validate import check_in
from coursekit.data import digits
from coursekit.experiments import stacked, stacked_training

WIDTH, BLOCKS, BATCH_SIZE, PROBE = 64, 27, 64, 512
SCHEMES = ("plain", "scaled", "zero_last", "fixup")


@dataclass
class StackedResidual(stacked.StackedMLP):
    """Hold K residual nets: stem, pairs of matrices, head.

    Attributes:
        branch_scale: s of equation (1), one a model, `[models, 1, 1]`.
    """

    branch_scale: Tensor = field(default_factory=lambda: torch.ones(1, 1, 1))

    def layers(
        self, x: Float[Tensor, "models batch in"]
    ) -> list[Float[Tensor, "models batch out"]]:
        """Compute the stream after the stem and after each block, logits last.

        Args:
            x: Inputs of each model.

        Returns:
            The stream, one tensor more than there are blocks, then the logits.
        """
        maps = list(zip(self.weights, self.biases, strict=True))
        stream = [_linear(maps[0], x)]
        for first, second in zip(maps[1:-1:2], maps[2:-1:2], strict=True):
            branch = _linear(second, self.activation(_linear(first, stream[-1])))
            stream.append(stream[-1] + self.branch_scale * branch)  # (1)
        return [*stream, _linear(maps[-1], stream[-1])]


def _linear(layer: tuple[Tensor, Tensor], x: Tensor) -> Tensor:
    return torch.baddbmm(layer[1], x, layer[0].mT)


def draw_residual(scheme: str, seeds: Sequence[int]) -> StackedResidual:
    r"""Draw residual ReLU nets with He's weights, one a seed.

    Args:
        scheme: `plain` (s = 1), `scaled` (:math:`s=L^{-1/2}` over L blocks), or
            `zero_last` (s = 1, the last matrix of every branch zero), or `fixup`
            (as `zero_last`, with the first matrix times :math:`L^{-1/2}` and the
            head zero).
        seeds: Seed of each model, shared by the schemes.

    Returns:
        One net of 27 blocks a seed.

    Raises:
        ValueError: If the scheme is not one of the four.
    """
    check_in("scheme", scheme, SCHEMES)
    widths = [64, *[WIDTH] * (2 * BLOCKS + 1), 10]
    drawn = stacked.draw_stack(widths, [np.sqrt(2.0)] * len(seeds), seeds)
    if scheme in ("zero_last", "fixup"):
        for last in drawn.weights[2:-1:2]:
            last.zero_()
    if scheme == "fixup":
        drawn.weights[-1].zero_()
        for first in drawn.weights[1:-1:2]:
            first.mul_(BLOCKS**-0.5)
    s = BLOCKS**-0.5 if scheme == "scaled" else 1.0
    scale = torch.full((len(seeds), 1, 1), s, dtype=torch.float64)
    return StackedResidual(drawn.weights, drawn.biases, drawn.activation, scale)


def stream_variance(scheme: str, seeds: Sequence[int]) -> np.ndarray:
    """Measure the mean square of the stream relative to that after the stem.

    Args:
        scheme: As in `draw_residual`.
        seeds: Seed of each model.

    Returns:
        Array `[seed, block]`, block 0 (the stem) being 1.
    """
    x = digits().x_train.double()[:PROBE]
    stack = draw_residual(scheme, seeds)
    with torch.no_grad():
        stream = stack.layers(x.expand(len(seeds), *x.shape))[:-1]
    squares = torch.stack([a.square().mean((1, 2)) for a in stream], -1).numpy()
    return squares / squares[:, :1]


def trained_loss(
    scheme: str, lr: float, *, seeds: Sequence[int], steps: int = 262
) -> np.ndarray:
    """Train by plain SGD and return the final training loss of each seed.

    Args:
        scheme: As in `draw_residual`.
        lr: Learning rate.
        seeds: Seed of each model.
        steps: Updates of 64 examples.

    Returns:
        Mean cross-entropy on the first 512 training digits, `[seed]`; NaN or inf
        where training diverged.
    """
    data = digits()
    x, y = data.x_train.double(), data.y_train
    stack = draw_residual(scheme, seeds)
    run = stacked_training.train(
        stack,
        x,
        y,
        optimizer=stacked_training.sgd(lr),
        batch_size=BATCH_SIZE,
        moments=[steps],
        seeds=seeds,
    )
    for _ in run:
        pass
    return stacked.losses(stack, x[:PROBE], y[:PROBE]).numpy()
