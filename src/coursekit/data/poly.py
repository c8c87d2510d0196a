r"""Turn features into all their products up to a degree.

A line through one feature is a model with a bias; a line through
:math:`(1, x, x^2, x^3)` is a cubic. More informative features cure model bias
without touching the model:

.. math::

    \varphi_k(x) &= \textstyle\prod_j b_{e_{kj}}(x_j), \quad
    \textstyle\sum_j e_{kj} \le D \qquad (1)

with one column for every list of exponents e, by total degree, and
:math:`b_e(x) = x^e`. There are :math:`\binom{d+D}{D}` of them: 286 for ten
features and degree 3, and 1771 for twenty.

Powers of a number in [−1, 1] resemble one another (:math:`x^{13}` and
:math:`x^{15}`), which makes gradient descent slow and normal equations singular.
Legendre polynomials span the same space and are orthogonal there:

.. math::

    b_0 = 1, \quad b_1 &= x, \quad
    (e+1)\, b_{e+1} = (2e+1)\, x\, b_e - e\, b_{e-1} \qquad (2)
"""

from itertools import chain, combinations, combinations_with_replacement

import torch
from jaxtyping import Float, Int
from torch import Tensor

from .._validate import check_count, check_in

__all__ = ["poly_exponents", "poly_features"]


def poly_exponents(
    d: int, degree: int, *, interaction_only: bool = False, bias: bool = True
) -> Int[Tensor, "columns d"]:
    r"""Return the exponents e of equation (1), one row for each column of features.

    Args:
        d: Number of features.
        degree: Largest total degree D ≥ 0.
        interaction_only: Whether a feature enters a product at most once.
        bias: Whether the constant column is there.

    Returns:
        Exponents by total degree, within a degree in the order of features.

    Raises:
        ValueError: If a count is out of its range, or no column is left.

    Example:
        >>> poly_exponents(2, 2).tolist()
        [[0, 0], [1, 0], [0, 1], [2, 0], [1, 1], [0, 2]]
    """
    d, D = check_count("d", d), check_count("degree", degree, least=0)
    if D == 0 and not bias:
        raise ValueError("degree: expected at least 1 without a bias, got 0")
    choose = combinations if interaction_only else combinations_with_replacement
    degrees = range(0 if bias else 1, D + 1)
    chosen = chain.from_iterable(choose(range(d), total) for total in degrees)
    return torch.tensor([[c.count(j) for j in range(d)] for c in chosen])


def poly_features(
    x: Float[Tensor, "*batch d"],
    degree: int,
    *,
    interaction_only: bool = False,
    bias: bool = True,
    basis: str = "power",
) -> Float[Tensor, "*batch columns"]:
    r"""Return the products of features of equation (1).

    Args:
        x: Features on the last axis; for the Legendre basis in [−1, 1].
        degree: Largest total degree D ≥ 0.
        interaction_only: Whether a feature enters a product at most once.
        bias: Whether the first column is the constant 1; leave it out where the
            model has a bias of its own.
        basis: ``"power"`` or ``"legendre"``.

    Shape:
        ``[*, d]`` to ``[*, columns]``.

    Returns:
        The features, in the order of :func:`poly_exponents`.

    Raises:
        TypeError: If x does not hold floating-point numbers.
        ValueError: If an argument is out of its range.

    Example:
        >>> poly_features(torch.tensor([[2.0, 3.0]]), 2)
        tensor([[1., 2., 3., 4., 6., 9.]])
        >>> poly_features(torch.tensor([[0.5]]), 2, basis="legendre")
        tensor([[ 1.0000,  0.5000, -0.1250]])

    Notes:
        The columns are those of ``sklearn.preprocessing.PolynomialFeatures``,
        in the same order. On 50 even places in [−1, 1] and at degree 15 the
        condition number is 2·10⁵ for powers and 6 for Legendre polynomials.
    """
    check_in("basis", basis, ("power", "legendre"))
    if not x.is_floating_point() or x.ndim < 1:
        raise TypeError(
            f"x: expected floating-point features [*, d], got {x.dtype} of shape "
            f"{tuple(x.shape)}; use x.float() or x[:, None]"
        )
    options = {"interaction_only": interaction_only, "bias": bias}
    e = poly_exponents(x.shape[-1], degree, **options).to(x.device)
    b = torch.stack(_basis(x, degree, basis), dim=-1)
    j = torch.arange(x.shape[-1], device=x.device)
    return b[..., j, e].prod(-1)  # (1)


def _basis(x: Tensor, degree: int, basis: str) -> list[Tensor]:
    b = [torch.ones_like(x), x]
    for e in range(1, degree):
        power = x * b[e]
        legendre = ((2 * e + 1) * x * b[e] - e * b[e - 1]) / (e + 1)  # (2)
        b.append(legendre if basis == "legendre" else power)
    return b
