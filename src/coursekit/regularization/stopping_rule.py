r"""Stop when the validation loss has stopped falling, and go back to its best.

The training loss keeps falling while the net learns the noise of its examples
by heart; the validation loss falls, and then rises. With the best loss so far
:math:`L^*`, the margin δ that counts as progress and the number b of bad
evaluations in a row,

.. math::

    L_t < L^* - \delta:\quad L^* &\leftarrow L_t,\ b \leftarrow 0 \qquad (1) \\
    \text{otherwise}:\quad b &\leftarrow b + 1 \qquad (2) \\
    \text{stop} &:\ b \ge \text{patience} \qquad (3)

The parameters to keep are those of :math:`L^*`, not the last ones, to which
``patience`` more evaluations have been added in vain. Prechelt's
*generalization loss* is the relative rise above the best, in percent, and
another reason to stop:

.. math::

    GL_t &= 100\, (L_t / L^* - 1) \qquad (4) \\
    \text{stop} &:\ GL_t > \alpha \qquad (5)

It stops a run that has clearly turned at once, where (3) waits; on a noisy
curve it stops at the first spike. A loss equal to the best is no progress, and
neither is NaN, so a diverged run ends after ``patience`` evaluations.

The set that decides when to stop has been *used*: its best loss is too good,
and a third set has to measure the model.
"""

import math
from collections.abc import Iterable
from typing import NamedTuple

from .._validate import check_count, check_positive

__all__ = ["StopState", "early_stop", "generalization_loss", "update"]


class StopState(NamedTuple):
    r"""Hold what the rule remembers.

    Attributes:
        best: The best value :math:`L^*`; infinite before the first one.
        best_step: The evaluation, counted from 0, that gave it; -1 if none.
        bad: Bad evaluations in a row, b.
        step: Evaluations so far.
        stopped: Whether (3) or (5) has come true.
    """

    best: float = math.inf
    best_step: int = -1
    bad: int = 0
    step: int = 0
    stopped: bool = False


def update(
    state: StopState,
    loss: float,
    *,
    patience: int,
    min_delta: float = 0.0,
    alpha: float = math.inf,
) -> StopState:
    r"""Return the state after one more evaluation, equations (1) to (5).

    Args:
        state: The state before it; one that has stopped stays as it is.
        loss: The validation loss :math:`L_t`; NaN counts as bad.
        patience: Bad evaluations in a row that end the run, ≥ 1.
        min_delta: δ ≥ 0, in units of the loss.
        alpha: Generalization loss, in percent, that ends the run; ∞ is never.

    Returns:
        The new state.

    Example:
        >>> update(StopState(), 0.7, patience=3)
        StopState(best=0.7, best_step=0, bad=0, step=1, stopped=False)
    """
    best, best_step, bad, step, stopped = state
    if stopped:
        return state
    if loss < best - min_delta:
        best, best_step, bad = loss, step, 0  # (1)
    else:
        bad = bad + 1  # (2)
    stopped = bad >= patience  # (3)
    if alpha < math.inf and best_step >= 0:
        stopped = stopped or generalization_loss(loss, best) > alpha  # (5)
    return StopState(best, best_step, bad, step + 1, stopped)


def generalization_loss(loss: float, best: float) -> float:
    r"""Return by how many percent a loss lies above the best one.

    Args:
        loss: :math:`L_t` ≥ 0.
        best: :math:`L^*` ≥ 0, the lowest loss so far.

    Returns:
        :math:`GL_t` of equation (4); above a best of 0 it is infinite.

    Raises:
        ValueError: If the best is negative: a ratio then says nothing.

    Example:
        >>> round(generalization_loss(0.6, 0.5), 6)
        20.0

    References:
        Prechelt (1998), Early stopping - but when?, in Neural Networks: Tricks
        of the Trade, LNCS 1524, section 2.1.
    """
    best = check_positive(
        "best", best, zero=True, hint="only losses >= 0 have a generalization loss"
    )
    if best == 0:
        return math.inf if loss > 0 else 0.0
    return 100 * (loss / best - 1)  # (4)


def early_stop(
    losses: Iterable[float], patience: int, *, min_delta: float = 0.0
) -> StopState:
    r"""Follow a recorded curve up to where the rule would have stopped.

    Args:
        losses: Validation losses, in order.
        patience: Bad evaluations in a row that end the run, ≥ 1.
        min_delta: δ ≥ 0, in units of the loss.

    Returns:
        The last state: ``best_step`` is the index of the model to keep,
        ``step`` how many evaluations were needed.

    Raises:
        ValueError: If patience or δ is out of its range.

    Example:
        >>> state = early_stop([0.9, 0.5, 0.6, 0.5, 0.4], patience=2)
        >>> state.best_step, state.step, state.stopped
        (1, 4, True)
    """
    patience = check_count("patience", patience)
    min_delta = check_positive("min_delta", min_delta, zero=True)
    state = StopState()
    for loss in losses:
        state = update(state, float(loss), patience=patience, min_delta=min_delta)
        if state.stopped:
            break
    return state
