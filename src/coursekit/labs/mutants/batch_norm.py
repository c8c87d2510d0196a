r"""Wrong ways to normalize a batch and to remember its statistics."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from coursekit.labs.exercise import Mutant

__all__ = ["MUTANTS"]

P, EPS = 0.9, 1e-5


def _mix(old: Tensor, new: Tensor) -> Tensor:
    return P * old + (1 - P) * new


def _channels(x: Tensor) -> tuple[int, ...]:
    return (0, *range(2, x.dim()))


def _across(s: Tensor, x: Tensor) -> Tensor:
    return s.reshape(1, -1, *[1] * (x.dim() - 2))


def _entries(x: Tensor) -> int:
    return x.numel() // x.shape[1]


@dataclass(frozen=True)
class _Norm:
    """Normalize rightly, but for what is replaced.

    Attributes:
        axes: What the statistics of a batch run over.
        correction: Subtracted from n in the variance that divides.
        remembered: The variance that is remembered, given the biased one and x.
        mean: New running mean, given the old and that of the batch.
        var: New running variance, given the old and that of the batch.
        scale: Factor of the centred entries, given their variance.
        affine: The last step, given x̂, γ and β.
        batch: Whose statistics divide, given ``train``: those of the batch or not.
        updates: Whether the state is updated, given ``train``.
        refuses: Whether a call is refused, given x and ``train``.
    """

    axes: Callable[[Tensor], tuple[int, ...]] = _channels
    correction: int = 0
    remembered: Callable[..., Tensor] = lambda var, x: (
        var * _entries(x) / max(_entries(x) - 1, 1)
    )
    mean: Callable[..., Tensor] = _mix
    var: Callable[..., Tensor] = _mix
    scale: Callable[[Tensor], Tensor] = lambda var: 1 / (var + EPS).sqrt()
    affine: Callable[..., Tensor] = lambda x_hat, gamma, beta: gamma * x_hat + beta
    batch: Callable[[bool], bool] = lambda train: train
    updates: Callable[[bool], bool] = lambda train: train
    refuses: Callable[..., bool] = lambda x, train: train and _entries(x) == 1

    def __call__(self, x: Tensor, gamma: Any, beta: Any, state: Any, train: bool):
        """Give y and the state, one of them wrong.

        Returns:
            The pair.

        Raises:
            ValueError: If the call is refused.
        """
        if self.refuses(x, train):
            raise ValueError("one entry a channel")
        axes = self.axes(x)
        mean = x.mean(axes, keepdim=True)
        var = x.var(axes, correction=0, keepdim=True)
        n = x.numel() / mean.numel()
        new = dict(state)
        if self.updates(train):
            new["mean"] = self.mean(state["mean"], mean.flatten())
            new["var"] = self.var(state["var"], self.remembered(var.flatten(), x))
        if self.batch(train):
            var = var * n / max(n - self.correction, 1)
        else:
            mean, var = _across(new["mean"], x), _across(new["var"], x)
        x_hat = (x - mean) * self.scale(var)
        return self.affine(x_hat, _across(gamma, x), _across(beta, x)), new


def _old_in_training(x, gamma, beta, state, train):
    new = _Norm()(x, gamma, beta, state, train)[1]
    y, _ = _Norm(refuses=lambda x, train: False)(x, gamma, beta, state, False)
    return y, new


MUTANTS = (
    Mutant(
        "unbiased_in_training",
        _Norm(correction=1),
        "This behaves like dividing by the unbiased deviation in training. The batch "
        "is divided by the biased one, 1/n; only the remembered variance has 1/(n "
        "− 1).",
        "(1)",
    ),
    Mutant(
        "biased_running_variance",
        _Norm(remembered=lambda var, x: var),
        "This behaves like remembering the biased variance. What is averaged is the "
        "unbiased one, n/(n − 1) σ²_B; the biased one only divides the batch.",
        "(4)",
    ),
    Mutant(
        "updates_in_evaluation",
        _Norm(updates=lambda train: True),
        "This behaves like updating the state in evaluation and then using it. Then "
        "each prediction depends on what was predicted before: evaluation "
        "changes nothing.",
        "(5)",
    ),
    Mutant(
        "batch_statistics_in_evaluation",
        _Norm(batch=lambda train: True),
        "This behaves like normalizing by the batch in evaluation too. There may be no "
        "batch then: use the running statistics.",
        "(5)",
    ),
    Mutant(
        "ignores_train",
        _Norm(batch=lambda train: True, updates=lambda train: True),
        "This behaves like ignoring `train`: evaluation normalizes by the batch and "
        "updates the state, as training does.",
        "(5)",
    ),
    Mutant(
        "train_inverted",
        _Norm(
            batch=lambda train: not train,
            updates=lambda train: not train,
            refuses=lambda x, train: not train and _entries(x) == 1,
        ),
        "This behaves like `train` upside down.",
        "(5)",
    ),
    Mutant(
        "running_statistics_in_training",
        _Norm(batch=lambda train: False),
        "This behaves like normalizing by the updated running statistics in training. "
        "Training divides by the statistics of the batch, and gradients flow "
        "through them.",
        "(2)",
    ),
    Mutant(
        "old_statistics_in_training",
        _old_in_training,
        "This behaves like normalizing by the running statistics in training, as "
        "evaluation does. Training uses those of the batch.",
        "(2)",
    ),
    Mutant(
        "p_inverted",
        _Norm(
            mean=lambda old, new: _mix(new, old), var=lambda old, new: _mix(new, old)
        ),
        "This behaves like keeping a tenth of the old value. p = 0.9 is the share that "
        "is kept; torch's `momentum` is 1 − p = 0.1.",
        "(3)",
    ),
    Mutant(
        "forgets_to_remember",
        _Norm(updates=lambda train: False),
        "This behaves like returning the state that came in. Training updates it.",
        "(3)",
    ),
    Mutant(
        "remembers_only_the_last_batch",
        _Norm(mean=lambda old, new: new, var=lambda old, new: new),
        "This behaves like replacing the state by the statistics of this batch. Keep "
        "p = 0.9 of the old value.",
        "(3)",
    ),
    Mutant(
        "averages_deviations",
        _Norm(var=lambda old, new: _mix(old.sqrt(), new.sqrt()).square()),
        "This behaves like averaging σ. It is the variance that is averaged.",
        "(4)",
    ),
    Mutant(
        "mixes_deviation_into_variance",
        _Norm(var=lambda old, new: _mix(old, new.sqrt())),
        "This behaves like adding the deviation of the batch to the running "
        "*variance*. Square it first.",
        "(4)",
    ),
    Mutant(
        "n_counts_examples",
        _Norm(
            remembered=lambda var, x: var * len(x) / (len(x) - 1 if len(x) > 1 else 1)
        ),
        "This behaves like counting the examples in n/(n − 1). A channel of an image "
        "has n = N · H · W entries.",
        "(4)",
    ),
    Mutant(
        "whole_tensor",
        _Norm(axes=lambda x: tuple(range(x.dim()))),
        "This behaves like one mean and one variance for the whole batch. Each channel "
        "has its own: axis 1 is not reduced.",
        "(1)",
    ),
    Mutant(
        "never_refuses",
        _Norm(refuses=lambda x, train: False),
        "Everything is right but for a batch in which a channel has a single entry: in "
        "training the output is then β whatever the input is. Raise a `ValueError`.",
        "(1)",
    ),
    Mutant(
        "variance_for_deviation",
        _Norm(scale=lambda var: 1 / (var + EPS)),
        "This behaves like dividing by the variance. Divide by its root.",
        "(2)",
    ),
    Mutant(
        "eps_outside",
        _Norm(scale=lambda var: 1 / (var.sqrt() + EPS)),
        "This behaves like dividing by σ + ε. ε is added to the variance, inside the "
        "root: √(σ² + ε).",
        "(2)",
    ),
    Mutant(
        "no_eps",
        _Norm(scale=lambda var: 1 / var.sqrt()),
        "This behaves like ε = 0. A channel that is constant in a batch would then be "
        "0/0.",
        "(2)",
    ),
    Mutant(
        "no_affine",
        _Norm(affine=lambda x_hat, gamma, beta: x_hat),
        "This behaves like leaving out γ and β.",
        "(6)",
    ),
    Mutant(
        "bias_scaled",
        _Norm(affine=lambda x_hat, gamma, beta: gamma * (x_hat + beta)),
        "This behaves like γ(x̂ + β). The bias is added after the gain: γ x̂ + β.",
        "(6)",
    ),
)
