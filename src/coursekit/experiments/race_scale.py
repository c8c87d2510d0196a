r"""Race a rule for the scale of the weights against the chapter's schemes.

Weights have standard deviation :math:`g/\sqrt{n_{in}}`; gains :math:`g` are compared on
digits, by plain SGD, with the same noise and the same batches for every gain.  One
more net runs along: its standard deviations come from a rule, layer by layer.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from coursekit.experiments import stacked, stacked_training, trainability
from coursekit.experiments.plain_sgd import PlainSGD

Rule = Callable[[tuple[int, int], int, int], float]
SCHEMES = {"He": math.sqrt(2), "Glorot": 1.0, "PyTorch": math.sqrt(1 / 3)}


def race_scale(
    rule: Rule | None,
    activation: str = "relu",
    depth: int = 20,
    *,
    schemes: Sequence[str] = tuple(SCHEMES),
    steps: int | None = None,
) -> dict[str, np.ndarray]:
    r"""Train a net by a rule and nets by schemes, on equal noise and batches.

    Args:
        rule: ``rule(shape, layer, depth)`` gives the standard deviation of a weight
            of shape ``[out, in]``; layers count from 1, the last is ``depth + 1``.
            Without a rule only the schemes run.
        activation: Name of the activation function.
        depth: Number of hidden layers, each 64 units wide.
        schemes: Names of `SCHEMES` that run, too.
        steps: Number of updates; those of the chapter if ``None``.

    Returns:
        The training loss by scheme, that of the rule first as ``"yours"``, and the
        updates it was measured at as ``"updates"``.

    Raises:
        ValueError: If the rule gives a negative or no finite number.
    """
    data = trainability.digits()
    x, y = data.x_train.double(), data.y_train
    names = [*(["yours"] if rule else []), *schemes]
    gains = [SCHEMES.get(name, 1.0) for name in names]
    widths = [x.shape[1], *[trainability.WIDTH] * depth, 10]
    stack = stacked.draw_stack(widths, gains, [0] * len(gains), activation)
    if rule:
        _scale(stack, rule, depth)
    at = trainability.moments(steps or trainability.total_steps(), 12)
    run = stacked_training.train(
        stack,
        x,
        y,
        optimizer=lambda p: PlainSGD(p, trainability.LEARNING_RATE),
        batch_size=trainability.BATCH_SIZE,
        moments=at,
        seeds=[0] * len(gains),
    )
    probe = slice(trainability.PROBE)
    losses = np.stack([stacked.losses(stack, x[probe], y[probe]).numpy() for _ in run])
    return {"updates": np.array(at), **dict(zip(names, losses.T, strict=True))}


def _scale(stack: stacked.StackedMLP, rule: Rule, depth: int) -> None:
    """Give the first net of a stack the standard deviations of a rule.

    Raises:
        ValueError: If the rule gives a negative or no finite number.
    """
    for layer, weight in enumerate(stack.weights, 1):
        shape = (weight.shape[1], weight.shape[2])
        std = float(rule(shape, layer, depth))
        if not 0 <= std < math.inf:
            raise ValueError(
                f"my_std gave {std} for layer {layer}, expected ≥ 0 and finite"
            )
        weight[0] *= std * math.sqrt(shape[1])
