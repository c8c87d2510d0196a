r"""Find out whether a way of computing K models computes what they compute.

Outputs, gradients and buffers of two models are compared with those of the
models themselves, in float64, in training and in evaluation mode, with weights
that differ and are nowhere zero, and with one and the same stream of random
numbers. Their outputs are compared once more with many copies of the two side by
side, as in a block: code may ask how long the batch is that it sees.
"""

from __future__ import annotations

import copy
import re
import warnings
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from .derivatives import differentiate
from .guard import Guard
from .net import Inputs, Net
from .streams import as_global, reseed, stream

__all__ = ["agrees"]

MakeNet = Callable[..., Net]
SEEDS = (0, 1)
COPIES = 32
AT_ONCE = 2**21


def agrees(make: MakeNet, models: Sequence[nn.Module], x: Inputs) -> str:
    """Compare a way of computing models with the models.

    Args:
        make: Makes the net.
        models: Modules of one architecture, of which the first and the last
            are taken.
        x: Some inputs, each ``[examples, ...]``.

    Returns:
        An empty string where all numbers are equal, else the reason.
    """
    pair = _pair(models)
    inputs = _inputs(x)
    for training in (True, False):
        theirs = [
            _alone(copy.deepcopy(model), [v[k] for v in inputs], k, training)
            for k, model in enumerate(pair)
        ]
        try:
            ours = _together(make, copy.deepcopy(pair), inputs, training)
        except Exception as error:  # anything at all: another path will take the model
            return _words(error)
        for what, mine, each in zip(
            ("outputs", "gradients", "buffers"),
            ours,
            zip(*theirs, strict=True),
            strict=True,
        ):
            wanted = [torch.stack(same) for same in zip(*each, strict=True)]
            if not _close(mine, wanted):
                return f"its {what} differ, as where code counts axes from the left"
    return _crowded(make, pair, inputs)


def _crowded(make: MakeNet, pair: list[nn.Module], x: Inputs) -> str:
    # large models never stand many side by side, and would not fit here either
    size = sum(p.numel() for p in pair[0].parameters()) + 16 * x[0][0].numel()
    copies = max(1, min(COPIES, AT_ONCE // size))
    crowd = [copy.deepcopy(model).eval() for model in pair] * copies
    many = tuple(value.repeat(copies, *[1] * (value.dim() - 1)) for value in x)
    with torch.no_grad():
        alone = [m(*(v[k] for v in many)) for k, m in enumerate(crowd[:2])]
        draws = [stream(0, "dropout") for _ in crowd]
        net = make(crowd, "mse", draws, x[0].device)
        together = net.outputs(many)
    if _close([together], [torch.stack(alone).repeat(copies, *[1] * alone[0].dim())]):
        return ""
    return "its outputs depend on how many models are side by side"


Numbers = tuple[list[Tensor], list[Tensor], list[Tensor]]


def _alone(model: nn.Module, x: Sequence[Tensor], k: int, training: bool) -> Numbers:
    model.train(training)
    with as_global(stream(SEEDS[k], "dropout")):
        y = model(*x)
    wanted = [p for p in model.parameters() if p.requires_grad]
    # squares, because the sum of a softmax or of a norm is constant
    return [y.detach()], differentiate(y.square().sum(), wanted), list(model.buffers())


def _together(
    make: MakeNet, pair: list[nn.Module], x: Inputs, training: bool
) -> Numbers:
    net = make(pair, "mse", [stream(s, "dropout") for s in SEEDS], x[0].device)
    net.train(training)
    with Guard(), warnings.catch_warnings():
        # vmap falls back to a slow loop of its own where it has no rule
        warnings.filterwarnings("error", "There is a performance drop")
        y = net.outputs(x)
        grads = differentiate(y.square().sum(), net.trained)
    return [y.detach()], grads, list(net.buffers)


def _pair(models: Sequence[nn.Module]) -> list[nn.Module]:
    pair = [copy.deepcopy(models[0]), copy.deepcopy(models[-1])]
    for k, model in enumerate(pair):
        model._apply(lambda t: t.double() if t.is_floating_point() else t)
        draw = stream(SEEDS[k], "noise")
        with torch.no_grad():
            for p in model.parameters():
                step = torch.randn(p.shape, generator=draw, dtype=p.dtype)
                p.add_(0.05 * step)
        reseed(model, SEEDS[k])
    return pair


def _inputs(x: Inputs) -> Inputs:
    n = max(2, len(x[0]) // 2)
    rows = torch.arange(2 * n).remainder(len(x[0])).view(2, n)
    taken = [value[rows] for value in x]
    return tuple(v.double() if v.is_floating_point() else v for v in taken)


def _close(ours: Sequence[Tensor], theirs: Sequence[Tensor]) -> bool:
    return len(ours) == len(theirs) and all(
        a.shape == b.shape and torch.allclose(a, b, rtol=1e-9, atol=1e-9)
        for a, b in zip(ours, theirs, strict=True)
    )


# What torch says, shortened to what a reader can do something about.
SAYS = {
    "called random operation": "it draws random numbers by a function",
    "calling .item()": "it looks at the values of its tensors",
    "it looks at the values": "it looks at the values of its tensors",
    "data-dependent control flow": "it looks at the values of its tensors",
}


def _words(error: Exception) -> str:
    text = (str(error).strip().splitlines() or ["no message"])[0]
    for part, words in SAYS.items():
        if part in text:
            return words
    rule = re.search(r"(?:rule|Batching rule).*?(aten::\w+)", text)
    if rule:
        return f"torch.func.vmap has no rule for {rule[1]}"
    return f"{type(error).__name__} ({text[:80]})"
