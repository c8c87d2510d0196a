r"""Wrong ways to compare depths."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.special import stdtrit

from coursekit.experiments.paired_depths import train_depth
from coursekit.labs.exercise import Mutant

__all__ = ["MUTANTS"]


def _runs(depths, seeds, field="train_loss", seeded=lambda k, m, s: (s, s)):
    rows = []
    for k, m in enumerate(depths):
        pairs = [seeded(k, m, s) for s in seeds]
        trials = [train_depth(m, init_seed=a, batch_seed=b) for a, b in pairs]
        rows.append([getattr(t, field) for t in trials])
    return np.array(rows)


def _half(d: np.ndarray, S: int) -> np.ndarray:
    return stdtrit(S - 1, 0.975) * d.std(1, ddof=1) / np.sqrt(S)


def _variant(
    half: Callable[..., Any] = lambda loss, d, S: _half(d, S),
    minus: Callable[..., Any] = lambda loss: loss - loss[0],
    average: Callable[..., Any] = lambda loss: loss.mean(1),
    **how: Any,
) -> Callable[..., Any]:
    def mutant(depths, seeds):
        loss = _runs(depths, seeds, **how)
        d, S = minus(loss), len(seeds)
        mid, h = d.mean(1), half(loss, d, S)
        table = {"depth": list(depths), "loss": average(loss).tolist()}
        table["difference"] = mid.tolist()
        return table | {"low": (mid - h).tolist(), "high": (mid + h).tolist()}

    return mutant


def _field(name: str) -> Callable[..., Any]:
    return _variant(field=name)


def _unpaired(loss, d, S):
    v = loss.var(1, ddof=1) / S
    h = stdtrit(2 * S - 2, 0.975) * np.sqrt(v + v[0])
    return np.where(np.arange(len(v)) > 0, h, 0.0)


MUTANTS = (
    Mutant(
        "test_accuracy",
        _field("test_accuracy"),
        "This behaves like the test accuracy. Whether the optimizer did its work is "
        "read off the training loss.",
        "(1)",
    ),
    Mutant(
        "test_loss",
        _field("test_loss"),
        "This behaves like the test loss, which mixes a failure to optimize with a "
        "failure to generalize. Take the training loss.",
        "(1)",
    ),
    Mutant(
        "train_accuracy",
        _field("train_accuracy"),
        "This behaves like the training accuracy. The right set, but asked is the "
        "loss, which is what the optimizer lowers.",
        "(1)",
    ),
    Mutant(
        "last_batch_loss",
        _field("last_batch_loss"),
        "This behaves like the loss of the last batch. It depends on which examples "
        "were in it; the training loss is the mean over all of them.",
        "(1)",
    ),
    Mutant(
        "other_batches_per_depth",
        _variant(seeded=lambda k, m, s: (s, s + m)),
        "The order of batches differs from depth to depth: its seed depends on the "
        "depth. Then luck with the batches does not cancel in the difference.",
        "(2)",
    ),
    Mutant(
        "other_batches_per_row",
        _variant(seeded=lambda k, m, s: (s, s + k)),
        "The order of batches differs from row to row: its seed is shifted by the "
        "index of the depth. Use the same one at every depth.",
        "(2)",
    ),
    Mutant(
        "one_order_for_all",
        _variant(seeded=lambda k, m, s: (s, 0)),
        "All seeds share the order of batches 0. Then the interval leaves out the "
        "luck of the batches: use `batch_seed=s`.",
        "(2)",
    ),
    Mutant(
        "one_start_for_all",
        _variant(seeded=lambda k, m, s: (0, s)),
        "All seeds start from the weights of seed 0. Then the interval leaves out "
        "the luck of the weights: use `init_seed=s`.",
        "(2)",
    ),
    Mutant(
        "sign",
        _variant(minus=lambda loss: loss[0] - loss),
        "The difference has the opposite sign. It is the loss of this depth minus "
        "that of the first, so that a positive one says: higher than the first.",
        "(2)",
    ),
    Mutant(
        "neighbour",
        _variant(minus=lambda loss: np.diff(loss, axis=0, prepend=loss[:1])),
        "Each depth is compared with the one before it. Compare all with the first.",
        "(2)",
    ),
    Mutant(
        "unpaired",
        _variant(half=_unpaired),
        "This behaves like an interval for two independent samples. The runs are "
        "paired by seed: take the spread of the differences.",
        "(3)",
    ),
    Mutant(
        "divides_by_count",
        _variant(half=lambda loss, d, S: _half(d, S) * np.sqrt((S - 1) / S)),
        "The spread is divided by S instead of S − 1, as NumPy does by default. Give "
        "`ddof=1`.",
        "(3)",
    ),
    Mutant(
        "normal_quantile",
        _variant(half=lambda loss, d, S: 1.959964 * d.std(1, ddof=1) / np.sqrt(S)),
        "The interval uses 1.96, the quantile of the normal distribution. With few "
        "seeds it is too narrow: use Student's t with S − 1 degrees of freedom.",
        "(4)",
    ),
    Mutant(
        "one_sided",
        _variant(
            half=lambda loss, d, S: stdtrit(S - 1, 0.95) * d.std(1, ddof=1) / S**0.5
        ),
        "The quantile is that of 0.95. An interval of confidence 95 % leaves 2.5 % "
        "on either side: 0.975.",
        "(4)",
    ),
    Mutant(
        "no_root_of_count",
        _variant(half=lambda loss, d, S: _half(d, S) * np.sqrt(S)),
        "The interval is √S times too wide: that is the spread of the seeds, not of "
        "their mean.",
        "(4)",
    ),
    Mutant(
        "no_quantile",
        _variant(half=lambda loss, d, S: d.std(1, ddof=1) / np.sqrt(S)),
        "The interval is the mean ± its standard error. Multiply by the quantile of "
        "Student's t.",
        "(4)",
    ),
    Mutant(
        "median",
        _variant(average=lambda loss: np.median(loss, 1)),
        "The column of losses behaves like the median over seeds; asked is the mean.",
        "(1)",
    ),
    Mutant(
        "best_seed",
        _variant(average=lambda loss: loss.min(1)),
        "The column of losses holds the best seed of each depth; asked is the mean.",
        "(1)",
    ),
)
