r"""Record loss and gradient norm while a training loop runs.

.. math::

    \|g_t\| &= \|\nabla L_B(\theta_{t-1})\| \qquad (1) \\
    \|\nabla L\| &= \|\nabla L(\theta_{t-1})\| \qquad (2)

A loss that no longer falls does not mean a gradient that is zero, so record
both. (1) is read off ``.grad`` and costs next to nothing, but contains the
noise of the batch: near a minimum it stays at
:math:`\sqrt{\mathrm{tr}\,\Sigma/B}` while the full gradient (2) vanishes. (2)
costs a pass over the data; every 50th update is often enough.
``coursekit.diagnosis.diagnose_stall`` reads the lists.
"""

from types import TracebackType

from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from .._validate import check_count
from .per_example import check_examples
from .quiet import Loss, flat, quiet_gradients, trainable

__all__ = ["GradNormTrace", "grad_norm_trace"]


class GradNormTrace:
    r"""Collect one loss and one gradient norm an update.

    Attributes:
        losses: :math:`L_B` of every update.
        grad_norms: (1) of every update.
        full_steps: Numbers t of the updates at which the full set was looked
            at, from 1.
        full_losses: L on the full set at these updates.
        full_grad_norms: (2) at these updates.
    """

    def __init__(
        self,
        model: nn.Module,
        data: tuple[Tensor, Tensor] | None,
        loss: Loss,
        every: int,
    ) -> None:
        self._model, self._data, self._loss = model, data, loss
        self._every = every
        self.losses: list[float] = []
        self.grad_norms: list[float] = []
        self.full_steps: list[int] = []
        self.full_losses: list[float] = []
        self.full_grad_norms: list[float] = []

    def record(self, loss: Tensor | float) -> float:
        r"""Note one update: call it after ``backward()``, before ``step()``.

        Args:
            loss: The loss of the batch.

        Returns:
            :math:`\|g_t\|` over all trainable parameters; one without
            ``.grad`` counts as 0.

        Raises:
            ValueError: If no parameter has a gradient.
        """
        grads = {
            name: p.grad
            for name, p in trainable(self._model).items()
            if p.grad is not None
        }
        if not grads:
            raise ValueError(
                "model: expected gradients in .grad, got none; call record() after "
                "loss.backward() and before zero_grad()"
            )
        norm = flat(grads).norm().item()  # (1)
        self.losses.append(loss.item() if isinstance(loss, Tensor) else float(loss))
        self.grad_norms.append(norm)
        if self._every and (len(self.losses) - 1) % self._every == 0:
            self.record_full()
        return norm

    def record_full(self) -> float:
        r"""Look at the full set now, whatever the interval.

        Returns:
            :math:`\|\nabla L\|`.

        Raises:
            ValueError: If no data were handed in.
        """
        if self._data is None:
            raise ValueError(
                "data: expected (x, y) for the full gradient, got None; write "
                "grad_norm_trace(model, (x, y))"
            )
        value, gradients = quiet_gradients(self._model, *self._data, self._loss)
        norm = flat(gradients).norm().item()  # (2)
        self.full_steps.append(len(self.losses))
        self.full_losses.append(value.item())
        self.full_grad_norms.append(norm)
        return norm

    def __enter__(self) -> "GradNormTrace":
        """Return the trace itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Let go of model and data; the lists remain."""
        self._model, self._data = nn.Identity(), None


def grad_norm_trace(
    model: nn.Module,
    data: tuple[Tensor, Tensor] | None = None,
    loss: Loss = cross_entropy,
    *,
    every: int = 0,
) -> GradNormTrace:
    r"""Return a recorder for the training loop of the caller.

    Args:
        model: The model that is trained.
        data: All inputs and targets, for the full gradient; optional.
        loss: ``loss(model(x), y)`` on them, the mean.
        every: Look at the full set at the first update and every so many
            after it; 0 only when ``record_full()`` is called.

    Returns:
        The recorder. As a context manager it lets go of the model at the end.

    Raises:
        ValueError: If ``every`` is negative, or positive without data.
        TypeError: If ``every`` is not whole.

    Example:
        >>> import torch
        >>> from coursekit.optim import GD
        >>> model = nn.Linear(1, 1, bias=False)
        >>> _ = model.weight.data.fill_(1.0)
        >>> optimizer = GD(model.parameters(), lr=0.25)
        >>> with grad_norm_trace(model) as trace:
        ...     for _ in range(3):
        ...         optimizer.zero_grad()
        ...         value = model(torch.ones(1, 1)).square().mean()
        ...         value.backward()
        ...         _ = trace.record(value)
        ...         optimizer.step()
        >>> trace.losses, trace.grad_norms
        ([1.0, 0.25, 0.0625], [2.0, 1.0, 0.5])

    Notes:
        The full gradient is taken in the mode that the model is in, without a
        trace: no ``.grad``, no running statistics, no random number.
    """
    check_count("every", every, least=0)
    if data is not None:
        check_examples(*data)
    elif every:
        raise ValueError(
            f"data: expected (x, y) for a full gradient every {every} updates, got "
            "None; hand in data or leave every at 0"
        )
    return GradNormTrace(model, data, loss, every)
