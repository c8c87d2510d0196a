r"""Watch a training run: keep the best parameters, and say when to stop.

The rule is in ``stopping_rule``; here it is tied to a model, whose parameters
and buffers are copied to the CPU whenever the validation value is the best so
far. The last parameters are not the best ones when the rule stops a run: they
come up to ``patience`` evaluations later.
"""

import copy
import math
from typing import Any

from torch import Tensor, nn

from .._validate import check_count, check_in, check_positive
from .stopping_rule import StopState, update

__all__ = ["EarlyStopping"]


class EarlyStopping:
    r"""Watch a validation loss, keep the best parameters, say when to stop.

    Args:
        patience: Bad evaluations in a row that end the run, ≥ 1.
        min_delta: δ ≥ 0: a smaller progress does not count.
        mode: ``"min"`` for losses, ``"max"`` for measures such as accuracy.
        restore: Whether the model gets its best parameters back at the stop.
        alpha: Generalization loss in percent, > 0, that also ends the run;
            None is off. Losses only.

    Raises:
        ValueError: If an argument is out of its range.

    Example:
        >>> stopping = EarlyStopping(patience=2)
        >>> [stopping.step(loss) for loss in (0.9, 0.5, 0.6, 0.7)]
        [False, False, False, True]
        >>> stopping.best, stopping.best_step
        (0.5, 1)

    Notes:
        If the run ends for another reason, call ``restore_best(model)``. The
        copy is in the memory of the CPU, one model large. Patience counts as in
        Goodfellow's algorithm 7.1 and Keras do; ``schedules.Plateau`` waits one
        evaluation longer. The optimizer is not wound back: to train on from
        the best parameters, save its state too.

    References:
        Prechelt (1998), Early stopping - but when?, LNCS 1524, section 2.1, for
        ``alpha``.
        Goodfellow, Bengio, Courville (2016), Deep Learning, algorithm 7.1.
    """

    def __init__(
        self,
        patience: int = 10,
        min_delta: float = 0.0,
        mode: str = "min",
        restore: bool = True,
        *,
        alpha: float | None = None,
    ) -> None:
        check_in("mode", mode, ("min", "max"))
        if alpha is not None and mode == "max":
            raise ValueError(
                "alpha: expected None with mode='max', got "
                f"{alpha!r}; the generalization loss is a ratio of losses"
            )
        self.sign = 1 if mode == "min" else -1
        self.restore = restore
        self.hyper = {
            "patience": check_count("patience", patience),
            "min_delta": check_positive("min_delta", min_delta, zero=True),
            "alpha": math.inf if alpha is None else check_positive("alpha", alpha),
        }
        self.state = StopState()
        self.best_parameters: dict[str, Any] | None = None

    @property
    def best(self) -> float:
        """The best value so far."""
        return self.sign * self.state.best

    @property
    def best_step(self) -> int:
        """The evaluation, counted from 0, that gave the best value; -1 if none."""
        return self.state.best_step

    @property
    def stopped(self) -> bool:
        """Whether the run has ended."""
        return self.state.stopped

    def step(self, value: float | Tensor, model: nn.Module | None = None) -> bool:
        """Take in one validation value; keep the model's state if it is the best.

        Args:
            value: The loss or measure; NaN counts as bad.
            model: Whose parameters and buffers are copied and restored.

        Returns:
            Whether to stop. After the stop, calls change nothing.
        """
        before = self.state
        if isinstance(value, Tensor):
            value = value.detach()
        self.state = update(before, self.sign * float(value), **self.hyper)
        if self.state.best_step > before.best_step:
            # without a model at hand, older parameters must not pass for the best
            self.best_parameters = None if model is None else _copy(model.state_dict())
        ends = self.stopped and not before.stopped
        kept = self.best_parameters is not None
        if ends and kept and self.restore and model is not None:
            self.restore_best(model)
        return self.stopped

    def restore_best(self, model: nn.Module) -> None:
        """Load the best parameters and buffers into the model.

        Args:
            model: The model that was watched.

        Raises:
            ValueError: If no model was kept.
        """
        if self.best_parameters is None:
            raise ValueError(
                "model: expected parameters to restore, got none; hand the model to "
                "step(value, model), and at least one value must not be NaN"
            )
        model.load_state_dict(self.best_parameters)

    def state_dict(self) -> dict[str, Any]:
        """Return everything needed to go on after an interruption.

        Returns:
            A dict of numbers and tensors that ``torch.save`` takes.
        """
        parameters = self.best_parameters
        kept = None if parameters is None else _copy(parameters)
        return {**self.state._asdict(), "best_parameters": kept}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from a saved state.

        Args:
            state_dict: What ``state_dict`` returned.
        """
        saved = dict(state_dict)
        kept = saved.pop("best_parameters")
        self.best_parameters = None if kept is None else _copy(kept)
        self.state = StopState(**saved)


def _copy(state_dict: dict[str, Any]) -> dict[str, Any]:
    # .cpu() alone would alias a model that is on the CPU already
    return {
        name: value.detach().to("cpu", copy=True)
        if isinstance(value, Tensor)
        else copy.deepcopy(value)
        for name, value in state_dict.items()
    }
