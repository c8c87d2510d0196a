r"""Measure the activation and the back-propagated signal of every layer.

.. math::

    z^l &= W^l a^{l-1} + b^l \\
    \delta^l &= \frac{\partial L}{\partial z^l} \qquad (1)

:math:`\delta^l`, not the gradient of the weights, tells whether the backward
signal survives. The weight gradient is the product
:math:`\delta^l (a^{l-1})^T` summed over the batch: where the forward signal
shrinks towards the output and :math:`\delta` shrinks towards the input, the
two decays compensate and weight gradients look level in a net that is broken.
"""

from collections.abc import Generator, Iterable
from contextlib import ExitStack, contextmanager
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from ..layers import linear_maps
from .quiet import Loss, quiet_loss

__all__ = ["SignalStats", "Signals", "forward_backward_std", "signals"]


class Signals(NamedTuple):
    r"""Hold the signals of every hidden layer, first layer first.

    Attributes:
        activation: :math:`a^l`, one tensor a layer.
        delta: :math:`\delta^l`, one tensor a layer.
    """

    activation: list[Tensor]
    delta: list[Tensor]


class SignalStats(NamedTuple):
    r"""Hold one number per hidden layer, first layer first.

    Attributes:
        activation: :math:`\mathrm{Std}(a^l)`.
        delta: :math:`\mathrm{Std}(\delta^l)`.
    """

    activation: list[float]
    delta: list[float]


def signals(
    model: nn.Module,
    x: Tensor,
    y: Tensor,
    loss: Loss = cross_entropy,
    *,
    at: Iterable[nn.Module] | None = None,
) -> Signals:
    r"""Return :math:`a^l` and :math:`\delta^l` of every hidden layer.

    A hidden layer is a ``Linear`` or ``Conv`` that another one follows in the
    forward pass: :math:`z^l` is its output, and :math:`a^l` is what the next
    one reads. That covers any activation, norm or reshaping in between.

    Args:
        model: Any module; used in the mode (train or eval) it is in.
        x: Inputs, batch first.
        y: Targets, as the loss takes them.
        loss: ``loss(model(x), y)``, a scalar: the *mean* over the batch, so
            that δ carries the factor 1/B.
        at: Look at the outputs of these modules instead: both the activation
            and the point of the derivative, e.g. ``model.blocks`` for the
            stream of a ``ResidualMLP``.

    Returns:
        Detached copies, in the order of the forward pass.

    Raises:
        ValueError: If there is no hidden layer, or the loss is not a scalar.
        TypeError: If a module in ``at`` returns something else than a tensor.

    Example:
        >>> from coursekit.models import MLP
        >>> x, y = torch.ones(3, 4), torch.tensor([0, 1, 0])
        >>> a, delta = signals(MLP([4, 6, 5, 2]), x, y)
        >>> [t.shape for t in delta]
        [torch.Size([3, 6]), torch.Size([3, 5])]

    Notes:
        Nothing is left behind: no ``.grad``, no hook, no moved running
        statistics, no step of the global random generators.
    """
    with _recording(model, at) as record:
        value = quiet_loss(model, x, y, loss)
    if len(record.outputs) < (2 if at is None else 1):
        raise ValueError(
            f"model: expected a hidden layer, got {type(model).__name__} with "
            f"{len(record.outputs)} recorded; a linear map counts as hidden when "
            "another one follows it"
        )
    a, z = record.inputs[1:], record.outputs[:-1]
    if at is not None:
        a = z = record.outputs
    delta = torch.autograd.grad(  # (1)
        value, z, allow_unused=True, materialize_grads=True
    )
    return Signals([tensor.detach().clone() for tensor in a], list(delta))


def forward_backward_std(
    model: nn.Module,
    x: Tensor,
    y: Tensor,
    loss: Loss = cross_entropy,
    *,
    at: Iterable[nn.Module] | None = None,
) -> SignalStats:
    r"""Return the standard deviation of :math:`a^l` and :math:`\delta^l` by layer.

    Args:
        model: Any module; used in the mode (train or eval) it is in.
        x: Inputs, batch first.
        y: Targets, as the loss takes them.
        loss: ``loss(model(x), y)``, the *mean* over the batch.
        at: Modules to look at instead of the hidden layers; see ``signals``.

    Returns:
        The deviations over all examples and units of a layer, computed in
        float64 because δ may be far below the smallest float32 square.

    Raises:
        ValueError: If there is no hidden layer, or the loss is not a scalar.

    Example:
        >>> from coursekit.init import initialize
        >>> from coursekit.models import MLP
        >>> model = initialize(MLP([64, 100, 100, 10]), "he_normal", seed=0)
        >>> x = torch.randn(200, 64, generator=torch.Generator().manual_seed(1))
        >>> stats = forward_backward_std(model, x, torch.zeros(200).long())
        >>> [f"{std:.1f}" for std in stats.activation]
        ['0.8', '0.8']

    References:
        Glorot, Bengio (2010), Understanding the difficulty of training deep
        feedforward neural networks, AISTATS, figures 6 and 7.
    """
    measured = signals(model, x, y, loss, at=at)
    return SignalStats(
        [_std(a) for a in measured.activation],
        [_std(delta) for delta in measured.delta],
    )


def _std(values: Tensor) -> float:
    return values.double().std(correction=0).item()


class _Record(NamedTuple):
    inputs: list[Tensor]
    outputs: list[Tensor]


@contextmanager
def _recording(
    model: nn.Module, at: Iterable[nn.Module] | None
) -> Generator[_Record, None, None]:
    record = _Record([], [])

    def hook(module: nn.Module, args: tuple[Any, ...], z: Any) -> Tensor:
        if not isinstance(z, Tensor):
            raise TypeError(
                f"at: expected modules that return a tensor, got "
                f"{type(module).__name__}, which returns a {type(z).__name__}"
            )
        if not z.requires_grad:  # a frozen model still has signals
            z = z.detach().requires_grad_(True)
        record.inputs.append(args[0])
        record.outputs.append(z)
        return z.clone()  # an in-place activation would overwrite z itself

    watched = at if at is not None else linear_maps(model)
    with ExitStack() as stack:
        for module in watched:
            stack.callback(module.register_forward_hook(hook).remove)
        yield record
