r"""Decide whether paired runs support a claim, and how surely.

Two settings of an experiment are run from the same seeds: the same initial
weights and, where it makes sense, the same order of batches. What is judged is
the difference $d_s$ of each seed $s$, so that luck common to both arms cancels:

$$\bar d = \frac1n\sum_{s=1}^n d_s \tag{1}$$
$$\hat\sigma^2 = \frac1{n-1}\sum_{s=1}^n (d_s - \bar d)^2 \tag{2}$$
$$h = t_{n-1,\,(1+c)/2}\;\hat\sigma/\sqrt n \tag{3}$$

and $[\bar d - h,\ \bar d + h]$ is the interval of confidence $c = 0.95$.

A claim of the book is accepted by one of three rules.

* **A**, *directional*: the interval lies wholly on the claimed side of zero. Its
  one-sided false positives are 2.5 % for normal differences. A claim that two arms
  are *equivalent* asks that the interval lie wholly within a stated margin of zero.
* **X**, *exact*: every number lies within a stated tolerance.
* **N**, *reported*: asserted only to be finite and inside a wide band.

Diverged runs. A seed whose difference is not finite says that the arms differ in
kind, not by how much, and no finite interval covers that. Dropping it would
favour the arm that diverges, so it is kept: the interval becomes the whole line,
rule A answers *inconclusive* and the count stands in ``Interval.diverged``. To
compare arms that diverge, measure something bounded (accuracy, a share of runs).

The bootstrap is offered for display only. As a test its percentile interval is
anti-conservative with few seeds: 8.6 % one-sided false positives at n = 5.

References:
    Student, "The probable error of a mean", Biometrika 6 (1908).
    B. Efron and R. Tibshirani, "An Introduction to the Bootstrap", 1993, ch. 13.
"""

from .best import as_good_as_best
from .intervals import Interval, bootstrap_interval, paired_t_interval
from .rules import (
    LEAST_SEEDS,
    Direction,
    Verdict,
    accept_directional,
    accept_equivalent,
    accept_exact,
    accept_reported,
)

__all__ = [
    "LEAST_SEEDS",
    "Direction",
    "Interval",
    "Verdict",
    "accept_directional",
    "accept_equivalent",
    "accept_exact",
    "accept_reported",
    "as_good_as_best",
    "bootstrap_interval",
    "paired_t_interval",
]
