"""Name the nets and the data that all rivals train."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from coursekit import models

__all__ = ["CASES", "Case", "flops", "loss_of"]

DRAW = torch.Generator().manual_seed(0)
EXAMPLES, CLASSES, TOKENS, LENGTH = 1400, 10, 32, 32


@dataclass(frozen=True)
class Case:
    """Hold one net with its data.

    Attributes:
        make: Makes the net.
        x: Inputs.
        y: Classes.
        batch: Batch size.
        jax: What ``with_jax`` builds the same net from.
    """

    make: Callable[[], nn.Module]
    x: Tensor
    y: Tensor
    batch: int
    jax: Mapping[str, Any] = field(default_factory=dict)


def vectors(size: int) -> tuple[Tensor, Tensor]:
    """Draw inputs and classes; speed does not depend on what they are."""
    x = torch.randn(EXAMPLES, size, generator=DRAW)
    return x, torch.randint(CLASSES, (EXAMPLES,), generator=DRAW)


def texts() -> tuple[Tensor, Tensor]:
    """Draw token sequences and their successors."""
    text = torch.randint(TOKENS, (EXAMPLES, LENGTH + 1), generator=DRAW)
    return text[:, :-1].contiguous(), text[:, 1:].contiguous()


def mlp(widths: list[int], batch: int, activation: str = "relu") -> Case:
    """Describe a multilayer perceptron."""

    def make() -> nn.Module:
        return models.MLP(widths, activation)

    words = {"kind": "mlp", "widths": widths, "activation": activation}
    return Case(make, *vectors(widths[0]), batch, words)


def signal_net() -> nn.Module:
    """Make the convnet of signals."""
    return models.SmallCNN(dims=1)


def image_net() -> nn.Module:
    """Make the convnet of images."""
    return models.SmallCNN()


def language_model() -> nn.Module:
    """Make the small Transformer."""
    return models.TransformerLM(TOKENS, 48, 2, 2, LENGTH)


CASES = {
    "64-64-64-10, batch 32": mlp([64, 64, 64, 10], 32),
    "64-64-64-10, batch 256": mlp([64, 64, 64, 10], 256),
    "40-100-100-10, batch 32": mlp([40, 100, 100, 10], 32),
    "tanh, depth 20, width 64": mlp([*[64] * 20, 10], 32, "tanh"),
    "1-D convnet, batch 32": Case(signal_net, *vectors(40), 32, {"kind": "conv"}),
    "2-D convnet, batch 32": Case(image_net, *vectors(64), 32),
    "2-D convnet, batch 256": Case(image_net, *vectors(64), 256),
    "Transformer, 16 × 32 tokens": Case(
        language_model, *texts(), 16, {"kind": "transformer"}
    ),
}


def loss_of(outputs: Tensor, y: Tensor) -> Tensor:
    """Compute the mean cross-entropy, over tokens where there are any."""
    return nn.functional.cross_entropy(outputs.flatten(0, -2), y.flatten())


def flops(case: Case) -> int:
    """Count the operations of one update's products, forward and backward."""
    model = case.make()
    with FlopCounterMode(display=False) as counter:
        loss_of(model(case.x[: case.batch]), case.y[: case.batch]).backward()
    return counter.get_total_flops()
