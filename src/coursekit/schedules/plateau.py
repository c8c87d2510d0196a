r"""Let the rate fall when the validation loss has stopped improving.

With the best loss so far :math:`L^*`, a relative threshold :math:`\vartheta`
and the number b of bad epochs in a row:

.. math::

    L_t < (1 - \vartheta)\, L^*:\quad L^* &\leftarrow L_t,\ b \leftarrow 0
    \qquad (1) \\
    \text{otherwise}:\quad b &\leftarrow b + 1 \qquad (2) \\
    b > \text{patience}:\quad \eta &\leftarrow \max(\gamma\,\eta,\ \eta_{min}),\
    b \leftarrow 0 \qquad (3)

A loss equal to the best one is no improvement, and neither is NaN. The rate
falls after ``patience + 1`` bad epochs, not after ``patience``. During the
``cooldown`` epochs that follow, bad epochs are not counted. The schedule reads
the validation set, so that set no longer measures the model without bias.
"""

import math
from typing import NamedTuple

from .._validate import check_count, check_in, check_positive, check_range

__all__ = ["Plateau", "PlateauState", "update"]


class PlateauState(NamedTuple):
    r"""Hold what the schedule remembers.

    Attributes:
        lr: The rate η.
        best: The best loss :math:`L^*`.
        bad: Bad epochs in a row, b.
        cooldown: Epochs of cooldown that are left.
    """

    lr: float = 1.0
    best: float = math.inf
    bad: int = 0
    cooldown: int = 0


def update(
    state: PlateauState,
    loss: float,
    *,
    factor: float,
    patience: int,
    threshold: float = 1e-4,
    threshold_mode: str = "rel",
    cooldown: int = 0,
    lr_min: float = 0.0,
) -> PlateauState:
    r"""Return the state after one more epoch, equations (1) to (3).

    Args:
        state: The state before it.
        loss: Its validation loss; NaN counts as bad.
        factor: γ in (0, 1).
        patience: Bad epochs that are borne.
        threshold: Improvement that counts, :math:`\vartheta` ≥ 0.
        threshold_mode: ``"rel"`` compares with :math:`(1-\vartheta) L^*`, right
            for positive losses; ``"abs"`` with :math:`L^* - \vartheta`.
        cooldown: Epochs after a fall in which bad ones are not counted.
        lr_min: The lowest rate.

    Returns:
        The new state.

    Example:
        >>> update(PlateauState(), 0.7, factor=0.1, patience=3)
        PlateauState(lr=1.0, best=0.7, bad=0, cooldown=0)
    """
    lr, best, bad, cooling = state
    relative = threshold_mode == "rel"
    if loss < (best * (1 - threshold) if relative else best - threshold):
        best, bad = loss, 0  # (1)
    else:
        bad = bad + 1  # (2)
    if cooling:
        cooling, bad = cooling - 1, 0
    if bad > patience:
        lr, bad, cooling = max(factor * lr, lr_min), 0, cooldown  # (3)
    return PlateauState(lr, best, bad, cooling)


class Plateau:
    r"""Follow validation losses and say by how much the rate is to be multiplied.

    Args:
        factor: γ in (0, 1), what the rate is multiplied by.
        patience: Bad epochs that are borne, ≥ 0.
        threshold: Improvement that counts, :math:`\vartheta` ≥ 0.
        threshold_mode: ``"rel"`` or ``"abs"``.
        cooldown: Epochs after a fall in which bad ones are not counted, ≥ 0.
        lr: The first rate η > 0; 1 gives the factor for ``LambdaLR``.
        lr_min: The lowest rate, between 0 and ``lr``.

    Raises:
        ValueError: If an argument is out of its range.

    Example:
        >>> plateau = Plateau(factor=0.5, patience=1)
        >>> [plateau.step(loss) for loss in (1.0, 0.9, 0.9, 0.9, 0.8)]
        [1.0, 1.0, 1.0, 0.5, 0.5]

    Notes:
        A plateau is a function of losses, not of time. Called with any t it
        returns the present factor, so that ``LambdaLR(optimizer, plateau)``
        works: call ``plateau.step(loss)`` before the scheduler's ``step()``.
        ``LambdaLR.state_dict()`` saves its state. For a measure where larger
        is better hand in its negative, with ``threshold_mode="abs"``.
        ``torch.optim.lr_scheduler.ReduceLROnPlateau`` is the same, but skips a
        fall of less than its ``eps`` = 1e-8.

    References:
        Krizhevsky, Sutskever, Hinton (2012), ImageNet classification with deep
        convolutional neural networks, NIPS 25, section 5: divided by 10 by hand
        when the validation error stopped improving.
    """

    def __init__(
        self,
        factor: float = 0.1,
        patience: int = 10,
        *,
        threshold: float = 1e-4,
        threshold_mode: str = "rel",
        cooldown: int = 0,
        lr: float = 1.0,
        lr_min: float = 0.0,
    ) -> None:
        check_in("threshold_mode", threshold_mode, ("rel", "abs"))
        lr = check_positive("lr", lr)
        self.hyper = {
            "factor": check_range(
                "factor", factor, 0, 1, open_low=True, open_high=True
            ),
            "patience": check_count("patience", patience, least=0),
            "threshold": check_positive("threshold", threshold, zero=True),
            "threshold_mode": threshold_mode,
            "cooldown": check_count("cooldown", cooldown, least=0),
            "lr_min": check_range("lr_min", lr_min, 0, lr, hint="it is the lowest"),
        }
        # A plain dict, which LambdaLR saves and torch.load reads without pickle.
        self.memory = PlateauState(lr=lr)._asdict()

    @property
    def state(self) -> PlateauState:
        """What is remembered."""
        return PlateauState(**self.memory)

    def step(self, loss: float) -> float:
        r"""Take in the validation loss of one epoch.

        Args:
            loss: One number; NaN counts as a bad epoch.

        Returns:
            The rate for the next epoch.
        """
        self.memory = update(self.state, float(loss), **self.hyper)._asdict()
        return self.state.lr

    def __call__(self, t: float = 0) -> float:
        """Return the present rate.

        Args:
            t: Ignored; ``LambdaLR`` passes it.

        Returns:
            The rate, or the factor if ``lr`` was left at 1.
        """
        return self.state.lr
