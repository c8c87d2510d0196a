r"""Rebuild the network of a run from its setting and its final parameters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import torch
from torch import nn

from .birth import Model, build
from .setting import read_setting

if TYPE_CHECKING:
    from .result import Sweep

__all__ = ["rebuild"]


def rebuild(sweep: Sweep, row: int, factory: Model | None) -> nn.Module:
    """Build the network of one run and give it what it had at the end.

    Args:
        sweep: The runs.
        row: Position of the run.
        factory: What made it; None for what the sweep remembers.

    Returns:
        The module on the CPU, in evaluation mode.

    Raises:
        IndexError: If there is no such run.
        ValueError: If nobody knows how to build it, if it was never trained, or if
            the factory makes another network.
    """
    held = sweep.parameters[row]
    if not held:
        raise ValueError(
            f"row: expected a run with parameters, got run {row}, which is "
            f"{sweep.status[row]!r} and has none"
        )
    job = sweep.job
    if factory is not None:
        setting = read_setting(sweep.settings[row], factory)
        dtype = torch.from_numpy(next(iter(held.values()))).dtype
    elif job is not None:
        factory, setting, dtype = job.model, job.settings[row], job.dtype
    else:
        raise ValueError(
            "factory: expected the function that made the models, got None; a file "
            "has no code: model(row, factory)"
        )
    few = () if job is None else job.data.few(2)
    module = build(factory, setting, dtype, few)
    _fill(module, held, row)
    return module.eval()


def _fill(module: nn.Module, held: Mapping[str, object], row: int) -> None:
    tensors = {**dict(module.named_parameters()), **dict(module.named_buffers())}
    stored = {name: torch.as_tensor(value) for name, value in held.items()}
    ours = {name: tuple(value.shape) for name, value in tensors.items()}
    theirs = {name: tuple(value.shape) for name, value in stored.items()}
    if ours != theirs:
        raise ValueError(
            f"factory: expected the network of run {row} with {theirs}, got {ours}"
        )
    with torch.no_grad():
        for name, tensor in tensors.items():
            tensor.copy_(stored[name])
