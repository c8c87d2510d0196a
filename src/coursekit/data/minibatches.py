r"""Cut the examples into mini-batches, one epoch after the other.

An *epoch* is one pass over N examples. In batches of B it makes

.. math::

    M &= \lceil N / B \rceil \qquad (1)

updates (:math:`\lfloor N/B \rfloor` if a short last batch is dropped). The order
of the examples is decided in one of four ways:

- *each*: a new permutation every epoch. Within an epoch no example is seen twice,
  over epochs every example meets ever new neighbours. The usual choice.
- *once*: one permutation, kept. In practice hardly worse than *each*, if that one
  permutation is random.
- *none*: as given. Harmless for data in random order, ruinous for data sorted by
  class: each batch then pulls towards one class.
- *with_replacement*: N independent draws. About 37 % of the examples
  (:math:`(1-1/N)^N \approx 1/e`) are missing from an epoch, others come twice; the
  gradients of batches are independent, which theory likes: their variance is
  :math:`\sigma^2/B` without the factor :math:`(N-B)/(N-1)` of a permutation.
"""

from collections.abc import Iterator
from typing import Any

import torch
from jaxtyping import Int
from torch import Tensor

from .._validate import check_count, check_in
from ._draw import source

__all__ = ["Minibatches", "epoch_order", "minibatches", "updates_per_epoch"]

SCHEMES = ("each", "once", "none", "with_replacement")


def updates_per_epoch(n: int, batch_size: int, *, drop_last: bool = False) -> int:
    r"""Return the number of updates M of an epoch, equation (1).

    Args:
        n: Number of examples N.
        batch_size: Examples B of a batch.
        drop_last: Whether a last batch of fewer examples is left out.

    Returns:
        M; at least 1 unless the only batch is dropped.

    Raises:
        ValueError: If a count is below 1.

    Example:
        >>> updates_per_epoch(1000, 32), updates_per_epoch(1000, 32, drop_last=True)
        (32, 31)
    """
    n, B = check_count("n", n), check_count("batch_size", batch_size)
    return n // B if drop_last else -(-n // B)  # (1)


def epoch_order(
    n: int, *, replacement: bool = False, generator: torch.Generator
) -> Int[Tensor, " n"]:
    r"""Draw the order in which an epoch visits n examples.

    Args:
        n: Number of examples.
        replacement: Whether each place is drawn on its own.
        generator: Source of randomness; its next order is another one.

    Returns:
        A permutation of 0 … n−1, or n independent draws from them.

    Raises:
        ValueError: If n is below 1.

    Example:
        >>> from coursekit.device import generator
        >>> sorted(epoch_order(4, generator=generator(0)).tolist())
        [0, 1, 2, 3]
    """
    n, device = check_count("n", n), generator.device
    if replacement:
        return torch.randint(n, (n,), generator=generator, device=device)
    return torch.randperm(n, generator=generator, device=device)


class Minibatches:
    r"""Hold examples and serve them in mini-batches; each ``for`` is one epoch.

    Made by :func:`minibatches`.

    Attributes:
        n: Number of examples N.
        epochs: Number of epochs begun so far.
    """

    def __init__(
        self,
        x: Tensor | tuple[Tensor, ...],
        y: Tensor,
        batch_size: int,
        shuffle: str,
        generator: torch.Generator,
        drop_last: bool,
    ) -> None:
        check_in("shuffle", shuffle, SCHEMES)
        self.x, self.y, self.n, self.epochs = x, y, _count(x, y), 0
        self.batch_size, self.drop_last = batch_size, drop_last
        self.shuffle, self.generator = shuffle, generator
        if not len(self):
            raise ValueError(
                f"batch_size: expected at most {self.n} with drop_last, got "
                f"{batch_size}; no batch would be left"
            )
        self.order = torch.arange(self.n)
        if shuffle == "once":
            self.order = epoch_order(self.n, generator=generator)

    def __len__(self) -> int:
        return updates_per_epoch(self.n, self.batch_size, drop_last=self.drop_last)

    def __iter__(self) -> Iterator[tuple[Any, Tensor]]:
        order, self.epochs = self._order(), self.epochs + 1
        # A generator function would draw the order at the first batch only.
        return (self._batch(order, number) for number in range(len(self)))

    def _order(self) -> Tensor:
        if self.shuffle in {"once", "none"}:
            return self.order
        replacement = self.shuffle == "with_replacement"
        return epoch_order(self.n, replacement=replacement, generator=self.generator)

    def _batch(self, order: Tensor, number: int) -> tuple[Any, Tensor]:
        start = number * self.batch_size
        index = order[start : start + self.batch_size].to(self.y.device)
        if isinstance(self.x, tuple):
            return tuple(part[index] for part in self.x), self.y[index]
        return self.x[index], self.y[index]


def minibatches(
    x: Tensor | tuple[Tensor, ...],
    y: Tensor,
    batch_size: int = 32,
    *,
    shuffle: str = "each",
    generator: torch.Generator | None = None,
    seed: int = 0,
    drop_last: bool = False,
) -> Minibatches:
    r"""Serve pairs of inputs and targets in mini-batches.

    Args:
        x: Inputs ``[n, *]``, or several tensors that belong together, as a tuple.
        y: Targets ``[n, *]``.
        batch_size: Examples B of a batch; n or more is the full batch.
        shuffle: ``"each"``, ``"once"``, ``"none"`` or ``"with_replacement"``.
        generator: Source of the orders; None makes one from ``seed``.
        seed: Used only without a generator.
        drop_last: Whether a last batch of fewer than B examples is left out.

    Shape:
        a batch is ``(x [B, *], y [B, *])``.

    Returns:
        An object to loop over once an epoch, with ``len`` M. Two of them with
        the same seed serve the same batches.

    Raises:
        TypeError: If x or y is no tensor.
        ValueError: If x and y differ in length or device, there is no example,
            or an argument is out of its range.

    Example:
        >>> x = torch.arange(5.0)[:, None]
        >>> batches = minibatches(x, x[:, 0], 2)
        >>> len(batches)
        3
        >>> [sum(len(xb) for xb, _ in batches) for epoch in range(2)]
        [5, 5]

    Notes:
        ``torch.utils.data.DataLoader`` does the same with processes and one
        example at a time; for tensors in memory, indexing is faster.
        ``RandomSampler(replacement=True)`` is *with_replacement*.

    References:
        Gürbüzbalaban, Ozdaglar, Parrilo (2021), Why random reshuffling beats
        stochastic gradient descent, arXiv 1510.08560.
    """
    size = check_count("batch_size", batch_size)
    draw = source(generator, seed, "mini")
    return Minibatches(x, y, size, shuffle, draw, drop_last)


def _count(x: Any, y: Any) -> int:
    parts = [*(x if isinstance(x, tuple) else (x,)), y]
    for part in parts:
        if not isinstance(part, Tensor):
            raise TypeError(
                f"x, y: expected tensors, got {type(part).__name__}; use "
                "torch.as_tensor"
            )
    sizes = [len(part) if part.ndim else 0 for part in parts]
    devices = {part.device for part in parts}
    if len(set(sizes)) > 1 or not sizes[0] or len(devices) > 1:
        raise ValueError(
            f"x, y: expected the same number of examples, at least one, on one "
            f"device, got {sizes} on {sorted(map(str, devices))}"
        )
    return sizes[0]
