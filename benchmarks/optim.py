"""Time a step of every optimizer against torch's and two packages', in one run."""

from __future__ import annotations

import importlib
import statistics
import time
from collections.abc import Callable

import torch

from coursekit import optim

SIZES = {"20 small": [(64, 64), (64,)] * 10, "one 10M": [(10_000_000,)]}
TORCH = {
    "SGDM": ("SGD", {"momentum": 0.9}),
    "NAG": ("SGD", {"momentum": 0.9, "nesterov": True}),
    "AdaGrad": ("Adagrad", {}),
    "RMSProp": ("RMSprop", {}),
    "Adam": ("Adam", {}),
    "AMSGrad": ("Adam", {"amsgrad": True}),
    "NAdam": ("NAdam", {}),
    "RAdam": ("RAdam", {}),
    "AdamW": ("AdamW", {}),
}
PACKAGES = {
    "torch_optimizer": {"AdaBound": "AdaBound", "LAMB": "Lamb", "SWATS": "SWATS"},
    "pytorch_optimizer": {
        "AdaBound": "AdaBound",
        "LAMB": "Lamb",
        "LARS": "LARS",
        "SWATS": "SWATS",
        "SGDW": "SGDW",
        "RAdam": "RAdam",
    },
}
# what the packages set otherwise, so that the same method is timed
EQUAL = {
    "SGDW": {"momentum": 0.9, "weight_decay": 1e-2},
    "LAMB": {"weight_decay": 1e-2},
}
NAMES = [*TORCH, "RMSMean", "AdaBound", "SGDW", "SWATS", "LARS", "LAMB"]
Make = Callable[[list[torch.Tensor]], torch.optim.Optimizer]


def rivals(name: str) -> dict[str, Make]:
    """Everything that has this method, ours first."""
    found: dict[str, Make] = {"ours": lambda p: getattr(optim, name)(p, lr=1e-3)}
    if name in TORCH:
        kind, extra = TORCH[name]
        make = getattr(torch.optim, kind)
        for mode in ({}, {"foreach": True}, {"fused": True}):
            try:
                make([torch.zeros(1, requires_grad=True)], lr=1e-3, **extra, **mode)
            except (TypeError, RuntimeError):
                continue
            found[f"torch {next(iter(mode), 'default')}"] = lambda p, m=mode: make(
                p, lr=1e-3, **extra, **m
            )
    for package, names in PACKAGES.items():
        try:
            kind = getattr(importlib.import_module(package), names[name])
        except (ImportError, KeyError, AttributeError):
            continue
        found[package] = lambda p, k=kind: k(p, lr=1e-3, **EQUAL.get(name, {}))
    return found


def prepared(make: Make, shapes: list[tuple[int, ...]]) -> Callable[[], object]:
    """Take eight steps: state is there, and RAdam's first few are another method."""
    draw = torch.Generator().manual_seed(0)
    params = [torch.randn(s, generator=draw).requires_grad_() for s in shapes]
    for p in params:
        p.grad = torch.randn(p.shape, generator=draw)
    optimizer = make(params)
    for _ in range(8):
        optimizer.step()
    return optimizer.step


def main() -> None:
    """Alternate the rivals of each method, so that a busy moment hits all."""
    for size, shapes in SIZES.items():
        repeats = 200 if len(shapes) > 1 else 7
        print(f"\n{size} tensors: ours in ms, and ours / rival (below 1 is faster)")
        for name in NAMES:
            steps = {key: prepared(make, shapes) for key, make in rivals(name).items()}
            times: dict[str, list[float]] = {key: [] for key in steps}
            for _ in range(repeats):
                for key, step in steps.items():
                    start = time.perf_counter()
                    step()
                    times[key].append(time.perf_counter() - start)
            median = {key: statistics.median(values) for key, values in times.items()}
            ratios = ", ".join(
                f"{key} {median['ours'] / value:.2f}"
                for key, value in median.items()
                if key != "ours"
            )
            print(f"{name:9} {1000 * median['ours']:8.3f}  {ratios}")


if __name__ == "__main__":
    main()
