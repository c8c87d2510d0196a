"""Compare our norm layers with torch's: time forward and backward, and memory kept.

Every line is measured in one run, the layers in turn, and the best of many rounds is
taken; a round is one pass, so that on a busy machine some of them run undisturbed.
`fused` is what a user of the layer gets; `definition` is the readable rule with the
backward pass written by hand. Expected: `fused` within twice torch's time, and never
more memory kept for the backward pass.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import torch
from torch import Tensor, nn

from coursekit import norm

INF = float("inf")
ROUNDS = 300
VECTORS, SEQUENCES, IMAGES = (256, 512), (32, 128, 256), (32, 64, 16, 16)
CASES: list[tuple[str, tuple[int, ...], Callable, Callable]] = [
    ("BatchNorm", VECTORS, lambda **k: norm.BatchNorm(512, **k), nn.BatchNorm1d),
    ("BatchNorm", IMAGES, lambda **k: norm.BatchNorm(64, **k), nn.BatchNorm2d),
    ("LayerNorm", VECTORS, lambda **k: norm.LayerNorm(512, **k), nn.LayerNorm),
    ("LayerNorm", SEQUENCES, lambda **k: norm.LayerNorm(256, **k), nn.LayerNorm),
    ("RMSNorm", SEQUENCES, lambda **k: norm.RMSNorm(256, **k), nn.RMSNorm),
    (
        "GroupNorm",
        IMAGES,
        lambda **k: norm.GroupNorm(8, 64, **k),
        lambda C: nn.GroupNorm(8, C),
    ),
    (
        "InstanceNorm",
        IMAGES,
        lambda **k: norm.InstanceNorm(64, affine=True, **k),
        lambda C: nn.InstanceNorm2d(C, affine=True),
    ),
]
# torch has no such layers; the nearest one it has stands beside them
ALONE: list[tuple[str, tuple[int, ...], Callable, Callable]] = [
    ("SimpleLayerNorm", VECTORS, lambda: norm.SimpleLayerNorm(512), nn.LayerNorm),
    ("VarianceOnly", VECTORS, lambda: norm.VarianceOnlyLayerNorm(512), nn.LayerNorm),
    (
        "PositionalNorm",
        IMAGES,
        lambda: norm.PositionalNorm(64, affine=True),
        nn.BatchNorm2d,
    ),
    ("LpBatchNorm(1)", VECTORS, lambda: norm.LpBatchNorm(512, 1), nn.BatchNorm1d),
    ("LpBatchNorm(1)", IMAGES, lambda: norm.LpBatchNorm(64, 1), nn.BatchNorm2d),
    ("LpBatchNorm(2)", VECTORS, lambda: norm.LpBatchNorm(512, 2), nn.BatchNorm1d),
    ("LpBatchNorm(∞)", VECTORS, lambda: norm.LpBatchNorm(512, INF), nn.BatchNorm1d),
    ("LpBatchNorm(∞)", IMAGES, lambda: norm.LpBatchNorm(64, INF), nn.BatchNorm2d),
    ("NoisyBatchNorm", VECTORS, lambda: norm.NoisyBatchNorm(512), nn.BatchNorm1d),
    # the paper draws two numbers an entry, which takes most of the time
    ("... and draws", VECTORS, lambda: norm.NoisyBatchNorm(512), lambda C: Drawing(C)),
]


class Drawing(nn.BatchNorm1d):
    """Batch norm of torch that also draws two numbers an entry, and drops them."""

    def forward(self, input: Tensor) -> Tensor:
        """Return the normalized batch."""
        torch.rand(input.shape), torch.randn(input.shape)
        return super().forward(input)


def seconds(layer: nn.Module, x: Tensor, g: Tensor) -> float:
    """Time one pass forward and backward through a layer."""
    inputs = (x, *layer.parameters())
    # the layer before has left the heap trimmed to its own needs
    torch.autograd.grad(layer(x), inputs, g)
    start = time.perf_counter()
    torch.autograd.grad(layer(x), inputs, g)
    return time.perf_counter() - start


def kept(layer: nn.Module, x: Tensor) -> int:
    """Count the bytes that the backward pass keeps, parameters aside."""
    storages: dict[int, int] = {}

    def pack(tensor: Tensor) -> Tensor:
        if not isinstance(tensor, nn.Parameter):
            storage = tensor.untyped_storage()
            storages[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        y = layer(x)
    assert y.requires_grad
    return sum(storages.values())


def measure(shape: tuple[int, ...], layers: list[nn.Module]) -> list[str]:
    """Return time and memory of each layer over those of the last one."""
    x = torch.randn(shape, requires_grad=True)
    g = torch.randn(shape)
    best = [float("inf")] * len(layers)
    for _ in range(ROUNDS):
        for k, layer in enumerate(layers):
            best[k] = min(best[k], seconds(layer, x, g))
    memory = [kept(layer, x) for layer in layers]
    return [
        f"{time / best[-1]:5.2f}× time {bytes_ / memory[-1]:5.2f}× memory"
        for time, bytes_ in zip(best[:-1], memory[:-1], strict=True)
    ]


def main() -> None:
    """Print one line a layer and shape."""
    torch.set_num_threads(1)
    print("over torch's layer of the same kind (expected: fused at most 2×, 1×):")
    for name, shape, ours, theirs in CASES:
        channels = shape[1] if len(shape) == 4 else shape[-1]
        layers = [ours(), ours(fused=False), theirs(channels)]
        fused, definition = measure(shape, layers)
        print(f"{name:15}{shape!s:18} fused {fused}   definition {definition}")
    print("over the nearest layer that torch has:")
    for name, shape, ours, theirs in ALONE:
        (ratio,) = measure(shape, [ours(), theirs(shape[1])])
        print(f"{name:15}{shape!s:18} {ratio}")


if __name__ == "__main__":
    main()
