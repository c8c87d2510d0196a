r"""Run one setting by hand: the loop that a sweep stands for.

Everything here is ordinary: a module, an optimizer of ``coursekit.optim``, one
batch after the other. A sweep trains many of these side by side, and its tests
compare it with this loop, number by number.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, mse_loss
from torch.optim import Optimizer

from .. import optim
from ..optim import Rule, RuleOptimizer
from .birth import Model, build
from .data import as_inputs, read_data
from .feed import noisy, subset
from .setting import Setting, read_setting
from .streams import stream

__all__ = ["Plain", "plain_loop"]

LOSSES: dict[str, Callable[..., Tensor]] = {
    "cross_entropy": lambda z, y: cross_entropy(z.flatten(0, -2), y.flatten()),
    "mse": mse_loss,
}


class Plain(NamedTuple):
    """Hold a model that was trained alone.

    Attributes:
        model: The module after training.
        losses: Loss of each batch before its update.
    """

    model: nn.Module
    losses: list[float]


def plain_loop(
    model: Model,
    data: Sequence[Tensor],
    setting: Mapping[str, Any],
    steps: int,
    *,
    loss: str | Callable[[Tensor, Tensor], Tensor] = "cross_entropy",
    dtype: torch.dtype = torch.float32,
) -> Plain:
    """Train one setting of a sweep with torch's own modules, in the plainest way.

    Args:
        model: As for ``sweep``.
        data: As for ``sweep``; the first two entries are used.
        setting: One setting.
        steps: Number of updates.
        loss: As for ``sweep``.
        dtype: As for ``sweep``.

    Returns:
        The trained module and the losses; after a loss that is not finite there
        is no update any more.

    Example:
        >>> from coursekit.data import digits
        >>> def net(width):
        ...     return nn.Sequential(nn.Linear(64, width), nn.Linear(width, 10))
        >>> run = plain_loop(net, digits(), {"width": 8, "lr": 0.1, "seed": 3}, 50)
        >>> run.losses[-1] < run.losses[0]
        True
    """
    read = read_setting(setting, model)
    sets = read_data(data, dtype, torch.device("cpu"))
    x, y = as_inputs(sets.x_train), sets.y_train
    module = build(model, read, dtype, sets.few(2))
    y = noisy(y, read.label_noise, read.seed)
    compute = LOSSES[loss] if isinstance(loss, str) else loss
    optimizer = make_optimizer(module, read)
    losses: list[float] = []
    with torch.random.fork_rng(devices=[]):
        # what the model draws on the way, dropout masks above all, is of its seed
        torch.set_rng_state(stream(read.seed, "dropout").get_state())
        for t, rows in zip(range(1, steps + 1), batches(len(y), read), strict=False):
            for group in optimizer.param_groups:
                group["lr"] = read.lr(t)
            optimizer.zero_grad()
            value = compute(module(*(each[rows] for each in x)), y[rows])
            losses.append(value.item())
            if not value.isfinite():
                break
            value.backward()
            optimizer.step()
    return Plain(module, losses)


def batches(n: int, setting: Setting) -> Iterator[Tensor]:
    """Deal batches from shuffled epochs, laid end to end.

    Args:
        n: Number of training examples there are.
        setting: Its seed, ``n_train`` and batch size.

    Yields:
        Positions of the examples of a batch; all of them, in the order of the
        subset, where the batch is the whole training set.
    """
    pool = subset(n, setting.n_train, setting.seed)
    size = min(setting.batch_size or len(pool), len(pool))
    order, pending = stream(setting.seed, "order"), pool[:0]
    while True:
        if size == len(pool):
            yield pool
            continue
        while len(pending) < size:
            shuffled = pool[torch.randperm(len(pool), generator=order)]
            pending = torch.cat([pending, shuffled])
        yield pending[:size]
        pending = pending[size:]


def make_optimizer(module: nn.Module, setting: Setting) -> Optimizer:
    """Make the optimizer that a setting asks for.

    Args:
        module: What it will train; frozen parameters are left out.
        setting: The rule, its numbers and what stands around it.

    Returns:
        ``Lookahead(ClipValue(ClipNorm(GradientNoise(rule))))``, as far as asked.
    """
    trained = [p for p in module.parameters() if p.requires_grad]
    made: Optimizer = _class_of(setting.rule)(
        trained,
        **setting.hyper,
        **({"weight_decay": setting.l2} if setting.l2 else {}),
    )
    if setting.gradient_noise is not None:
        eta, gamma = setting.gradient_noise
        noise = optim.GradientNoise(made, eta, gamma)
        noise.noise_state = stream(setting.seed, "noise").get_state()
        made = noise
    if setting.clip_norm is not None:
        made = optim.ClipNorm(made, setting.clip_norm)
    if setting.clip_value is not None:
        made = optim.ClipValue(made, setting.clip_value)
    if setting.lookahead is not None:
        k, alpha = setting.lookahead
        made = optim.Lookahead(made, k, alpha)
    return made


def _class_of(rule: Rule) -> Callable[..., RuleOptimizer]:
    for name in optim.__all__:
        found = getattr(optim, name)
        if getattr(found, "rule", None) is rule:
            return found

    class Own(RuleOptimizer):
        def __init__(self, params: Any, weight_decay: float = 0.0, **hyper: Any):
            super().__init__(params, hyper, weight_decay=weight_decay)

    Own.rule = rule
    return Own
