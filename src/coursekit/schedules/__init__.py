r"""Change the learning rate while training: pure functions of the time t.

Every schedule has the form ``schedule(t, ..., lr=1.0)`` and returns
:math:`\eta_t`. The time t counts the updates (or epochs, or fractions of
epochs) that were *already made*, so t = 0 gives the rate of the first update;
``noam`` alone counts from 1. With the default ``lr=1.0`` the value is the
factor that ``torch.optim.lr_scheduler.LambdaLR`` multiplies the rate of every
parameter group with::

    LambdaLR(optimizer, functools.partial(cosine, total=100))

and because the values are plain numbers, schedules multiply: linear warm-up
followed by a cosine is ``warmup(t, 10) * cosine(max(0, t - 10), 90)``.

==================  =====================================================
``step``            falls by a factor at fixed times
``exponential``     falls by the same share in every unit of time
``inverse``         falls like 1/t: the classical condition of convergence
``Plateau``         falls when the validation loss stops improving
``cosine``          falls once along half a cosine
``sgdr``            cosine with warm restarts
``triangular``      rises and falls between two bounds
``one_cycle``       rises, falls, and ends in a very small phase
``warmup``          rises from a small rate, then stays
``noam``            rises, then falls like the root of t (Transformers)
``linear_scaling``  the rate for another batch size
``lr_range_test``   no schedule: a short sweep that finds the rate itself
==================  =====================================================

The reason to let the rate fall is noise: at a constant rate the loss of SGD
stops at a floor proportional to it. No schedule is needed for leaving local
minima, and none guarantees it.
"""

from .annealing import cosine, sgdr
from .cycle import one_cycle, triangular
from .decay import exponential, inverse, step
from .lr_range_test import LRRangeTest, lr_range_test
from .lr_suggest import suggest_argmin, suggest_steepest
from .plateau import Plateau
from .rise import linear_scaling, noam, warmup

__all__ = [
    "LRRangeTest",
    "Plateau",
    "cosine",
    "exponential",
    "inverse",
    "linear_scaling",
    "lr_range_test",
    "noam",
    "one_cycle",
    "sgdr",
    "step",
    "suggest_argmin",
    "suggest_steepest",
    "triangular",
    "warmup",
]
