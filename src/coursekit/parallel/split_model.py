r"""Lay the parts of a model out on several devices.

A model that is too large for one device is cut into stages, each on a device
of its own; activations cross the cuts forward, their gradients backward
(``stage``), in the order of a pipeline (``pipeline``). With micro-batch m of
:math:`n_m` examples out of n, the loss of the batch and the signal that starts
the way back are

.. math::

    L &= \sum_m \frac{n_m}{n}\, L_m \qquad (1) \\
    \delta_m &= \frac{n_m}{n}\,
    \frac{\partial L_m}{\partial a^S_m} \qquad (2)

so gradients may simply be added up over micro-batches. What is divided is the
model; each of its stages still sees every example. Compared with data
parallelism the traffic is another one: activations for every example instead
of gradients for every parameter.
"""

from collections import OrderedDict
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from .._validate import check_count
from ..probes.quiet import Loss
from .pipeline import Schedule, Task, pipeline_schedule
from .shards import Gradients, check_shards, children_of, trainable
from .stage import Stage, loss_signal

__all__ = ["SplitModel"]

Device = torch.device | str


class SplitModel(nn.Module):
    r"""Cut a chain of layers into stages, each on its own device.

    Args:
        model: An ``nn.Sequential``, e.g. ``coursekit.models.MLP``. Its parts
            are shared, not copied; those that change device move.
        cuts: Where to cut: the position of the first part behind each cut, one
            number or several, rising.
        devices: A device a stage; None leaves every part where it is.

    Shape:
        those of the model.

    Raises:
        TypeError: If the model is no chain.
        ValueError: If a cut leaves a stage empty, the number of devices is not
            the number of stages, or two stages share a parameter.

    Example:
        >>> model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))
        >>> split = SplitModel(model, cuts=2, devices=["cpu", "cpu"])
        >>> x, y = torch.randn(6, 4), torch.tensor([0, 1, 0, 1, 0, 1])
        >>> torch.equal(split(x), model(x))
        True
        >>> list(split.gradients(x, y, micro_batches=3))
        ['0.weight', '0.bias', '2.weight', '2.bias']

    References:
        Dean et al. (2012), Large scale distributed deep networks, NIPS.
        Huang et al. (2019), GPipe, arXiv 1811.06965.
    """

    def __init__(
        self,
        model: nn.Module,
        cuts: int | Sequence[int],
        devices: Sequence[Device] | None = None,
    ) -> None:
        super().__init__()
        parts = list(children_of(model))
        edges = [0, *_check_cuts(cuts, len(parts)), len(parts)]
        chains = [
            nn.Sequential(OrderedDict(parts[low:high])) for low, high in pairwise(edges)
        ]
        _check_apart(chains)
        if devices is not None and len(devices) != len(chains):
            raise ValueError(
                f"devices: expected one for each of {len(chains)} stages, got "
                f"{len(devices)}"
            )
        self.devices = list(devices) if devices is not None else [None] * len(chains)
        for chain, device in zip(chains, self.devices, strict=True):
            chain.to(device)
        self.stages = nn.ModuleList(chains)

    def forward(self, x: Tensor) -> Tensor:
        """Return the model's output; autograd crosses the devices.

        Args:
            x: Inputs, batch first, on any device.

        Returns:
            The output, on the last device.
        """
        for stage, device in zip(self.stages, self.devices, strict=True):
            x = stage(x.to(device))
        return x

    def gradients(
        self, x: Tensor, y: Tensor, loss: Loss = cross_entropy, micro_batches: int = 1
    ) -> Gradients:
        r"""Return the gradient of the batch, computed by the pipeline.

        Args:
            x: Inputs, batch first.
            y: Targets.
            loss: ``loss(output, y)``, a mean over the examples.
            micro_batches: M ≥ 1, at most the number of examples.

        Returns:
            Gradient by the name that each parameter has in the unsplit model.

        Raises:
            ValueError: If there are fewer examples than micro-batches.
        """
        check_shards([(x, y)])
        trainable(self)
        M = check_count("micro_batches", micro_batches)
        if len(x) < M:
            raise ValueError(
                f"micro_batches: expected at most the {len(x)} examples, got {M}"
            )
        stages = [
            Stage(part, device)
            for part, device in zip(self.stages, self.devices, strict=True)
        ]
        schedule = pipeline_schedule(len(stages), M)
        cuda = sorted({
            d.index or 0 for d in map(_place, self.devices) if d is not None
        })
        with torch.random.fork_rng(devices=cuda):
            _run(schedule, stages, x.tensor_split(M), y.tensor_split(M), loss)
        return {name: G for stage in stages for name, G in stage.grads.items()}


def _run(
    schedule: Schedule,
    stages: Sequence[Stage],
    xs: Sequence[Tensor],
    ys: Sequence[Tensor],
    loss: Loss,
) -> None:
    last, n = len(stages) - 1, sum(map(len, xs))
    # a message that was not sent yet cannot be popped: an impossible order fails
    inbox: dict[tuple[Task, int], Tensor] = {
        (Task("F", m), 0): x for m, x in enumerate(xs)
    }
    for tick in schedule.ticks:
        sent: dict[tuple[Task, int], Tensor] = {}
        for s, task in enumerate(tick):
            if task is None:
                continue
            m, message = task.micro_batch, inbox.pop((task, s))
            if task.kind == "B":
                back = stages[s].backward(m, message)
                if back is not None:
                    sent[task, s - 1] = back
            elif s < last:
                sent[task, s + 1] = stages[s].forward(m, message)
            else:
                output = stages[s].forward(m, message)
                delta, _ = loss_signal(output, ys[m], loss)  # (1)
                sent[Task("B", m), s] = len(xs[m]) / n * delta  # (2)
        inbox.update(sent)


def _place(device: Device | None) -> torch.device | None:
    place = None if device is None else torch.device(device)
    return place if place is not None and place.type == "cuda" else None


def _check_cuts(cuts: int | Sequence[int], parts: int) -> list[int]:
    numbers = [cuts] if not isinstance(cuts, Sequence) else list(cuts)
    numbers = [check_count("cuts", number) for number in numbers]
    rising = all(a < b for a, b in pairwise([0, *numbers, parts]))
    if not numbers or not rising:
        raise ValueError(
            f"cuts: expected rising positions between 1 and {parts - 1}, got "
            f"{numbers}; each stage needs at least one of the {parts} parts"
        )
    return numbers


def _check_apart(chains: Sequence[nn.Module]) -> None:
    owner: dict[int, int] = {}
    for s, chain in enumerate(chains):
        for name, param in chain.named_parameters():
            if owner.setdefault(id(param), s) != s:
                raise ValueError(
                    f"cuts: stages {owner[id(param)]} and {s} share the parameter "
                    f"{name!r}; tied parameters must lie on one stage"
                )
