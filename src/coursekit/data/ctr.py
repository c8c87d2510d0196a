r"""Make click logs whose best possible score is known.

A row is one showing of an advertisement: six categorical fields (user, item, …),
four positive numbers with heavy tails, and whether there was a click. Value k of a
field occurs with a probability that falls like a power of its rank, so most values
are rare: an embedding of a rare value is fitted to a handful of rows.

.. math::

    P(c_f = k) &\propto (k + 1)^{-a} \qquad (1) \\
    x_j &= e^{\zeta_j} \qquad (2) \\
    s &= \textstyle\sum_f b_{f, c_f} + \sum_{f<g} v_{f, c_f}^T v_{g, c_g}
    + \sum_j w_{c_0 j}\, \zeta_j \qquad (3) \\
    P(\mathrm{click}) &= 1 / (1 + e^{-(\ell_0 + \ell_1 \hat s)}) \qquad (4)

with k = 0, 1, …, standard normal biases b, latent vectors v, log-numbers ζ and weights
w (drawn for each value of the first field: two users read one price differently),
each of the three sums scaled to the same deviation, and ŝ the standardized total. A
model sees c and x, never ζ, v, b or P.

Because P is known, so is the ceiling: no model, however large, orders fresh rows
better than P itself does. Two random rows r and q are ordered right by P with
probability

.. math::

    \mathrm{AUC}^* &= \frac{\sum_{r,q} P_r (1 - P_q)
    \bigl([P_r > P_q] + \tfrac12 [P_r = P_q]\bigr)}
    {\sum_r P_r\, \sum_q (1 - P_q)} \qquad (5)
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from .._validate import check_count, check_number, check_positive
from ._draw import normal, source, uniform

__all__ = ["CTRLogs", "synthetic_ctr"]

FIELDS = (500, 300, 100, 50, 20, 10)
N_NUMBERS = 4
LATENT = 4


@dataclass(frozen=True)
class CTRLogs:
    """Hold rows of click logs, in the order of time.

    ``logs[:9600]`` and ``logs[9600:]`` split them in time, as a deployed model
    would meet them; an index tensor picks rows.

    Attributes:
        categories: Value of each categorical field, ``[n, fields]``.
        numbers: Positive numbers, ``[n, 4]``, as logged: not scaled.
        clicks: 1 where there was a click, ``[n]``.
        probability: The probability it was drawn with; for the ceiling only.
        sizes: Number of values of each field, for the embedding tables.
    """

    categories: Int[Tensor, "n fields"]
    numbers: Float[Tensor, "n numbers"]
    clicks: Int[Tensor, " n"]
    probability: Float[Tensor, " n"]
    sizes: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.clicks)

    def __getitem__(self, rows: slice | Tensor) -> "CTRLogs":
        return CTRLogs(
            self.categories[rows],
            self.numbers[rows],
            self.clicks[rows],
            self.probability[rows],
            self.sizes,
        )

    def bayes_auc(self) -> float:
        r"""Return the AUC that the true probability has on average, equation (5).

        Returns:
            The ceiling in these rows, over fresh clicks. In the clicks at hand,
            ``metrics.auc(logs.clicks, logs.probability)`` differs from it by
            chance: by about 0.01 in 2400 rows.

        Example:
            >>> round(synthetic_ctr().bayes_auc(), 2)
            0.87
        """
        P = self.probability.double().sort().values
        values, group = P.unique_consecutive(return_inverse=True)
        misses = torch.zeros_like(values).index_add(0, group, 1 - P)
        below = misses.cumsum(0) - misses / 2
        total = P.sum() * (1 - P).sum()
        return float((P * below[group]).sum() / total)  # (5)


def synthetic_ctr(
    n: int = 12_000,
    *,
    sizes: Sequence[int] = FIELDS,
    exponent: float = 1.3,
    strength: float = 2.0,
    offset: float = -1.5,
    seed: int = 0,
    dtype: torch.dtype = torch.float32,
    device: torch.device | str | None = None,
) -> CTRLogs:
    r"""Draw click logs from equations (1) to (4).

    Args:
        n: Number of rows.
        sizes: Number of values of each categorical field, at least one field.
        exponent: a ≥ 0 of the power law; 0 makes all values equally frequent.
        strength: :math:`\ell_1` ≥ 0, deviation of the log-odds; more is easier.
        offset: :math:`\ell_0`, log-odds of a typical row; −1.5 gives a click in
            28 of 100 rows.
        seed: Decides the latent world and the rows.
        dtype: Floating-point type of numbers and probability.
        device: Where the tensors are put; None means the CPU.

    Shape:
        ``categories [n, fields]``, ``numbers [n, 4]``, the rest ``[n]``.

    Returns:
        The logs.

    Raises:
        ValueError: If an argument is out of its range.

    Example:
        >>> logs = synthetic_ctr(1000)
        >>> logs.categories.shape, logs.numbers.shape, logs.sizes[:2]
        (torch.Size([1000, 6]), torch.Size([1000, 4]), (500, 300))
        >>> train, valid = logs[:800], logs[800:]

    Notes:
        The probability is fixed by the fields: nothing is hidden from the model,
        so what it lacks to the ceiling is estimation error, not missing inputs.

    References:
        Wang, She, Zhang, Zhang (2020), Correct normalization matters:
        understanding the effect of normalization on deep neural network models
        for click-through rate prediction, arXiv 2006.12753, for the setting.
    """
    n, fields = check_count("n", n), [check_count("sizes", size) for size in sizes]
    if not fields:
        raise ValueError("sizes: expected at least one field, got none")
    a = check_positive("exponent", exponent, zero=True)
    l0 = check_number("offset", offset)
    l1 = check_positive("strength", strength, zero=True)
    draw = source(None, seed, "ctr")
    c = torch.stack([_zipf(draw, n, size, a) for size in fields], dim=1)  # (1)
    zeta = normal(draw, n, N_NUMBERS)
    x = zeta.exp()  # (2)
    s = _score(draw, c, zeta, fields)  # (3)
    P = torch.sigmoid(l0 + l1 * _standard(s))  # (4)
    clicks = (uniform(draw, n) < P).long()
    floats = x.to(device, dtype), P.to(device, dtype)
    return CTRLogs(c.to(device), floats[0], clicks.to(device), floats[1], tuple(fields))


def _zipf(draw: torch.Generator, n: int, size: int, a: float) -> Tensor:
    weight = torch.arange(1, size + 1, dtype=torch.float64) ** -a
    edges = weight.cumsum(0) / weight.sum()
    # The last edge may round to below 1, and a draw fall beyond it.
    return torch.searchsorted(edges, uniform(draw, n), right=True).clamp(max=size - 1)


def _score(draw: torch.Generator, c: Tensor, zeta: Tensor, fields: list[int]) -> Tensor:
    b = [normal(draw, size)[c[:, f]] for f, size in enumerate(fields)]
    v = torch.stack([
        normal(draw, size, LATENT)[c[:, f]] for f, size in enumerate(fields)
    ])
    w = normal(draw, fields[0], zeta.shape[1])[c[:, 0]]
    # The sum over pairs from the square of the sum: one pass instead of fifteen.
    pairs = (v.sum(0).square() - v.square().sum(0)).sum(1) / 2
    parts = torch.stack(b).sum(0), pairs, (w * zeta).sum(1)
    return sum((_standard(part) for part in parts), torch.zeros(len(c)).double())


# Mean 0 and deviation 1; constants become 0.
def _standard(values: Tensor) -> Tensor:
    centred = values - values.mean()
    return centred / centred.std(correction=0).clamp(min=1e-12)
