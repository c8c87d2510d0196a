r"""Bring input features to comparable ranges, with statistics of the training set.

Over the examples r of a *reference* set, for every feature i,

.. math::

    \mu_i = \mathrm{mean}_r(x_{ri}), \qquad
    \sigma_i^2 = \mathrm{mean}_r (x_{ri} - \mu_i)^2 .

The ranges decide the shape of the loss: with features of sizes 1 and 100 a
linear model's Hessian has eigenvalues near 1 and 10⁴, and gradient descent
needs a rate for the one and patience for the other. Centring removes the
coupling between the weights and the bias.

Whatever set is transformed, the statistics come from the training set
(``reference=x_train``): statistics of the test set are knowledge of the test
set, and two different shifts are two different inputs for the model.
"""

import torch
from jaxtyping import Float
from torch import Tensor

__all__ = ["center", "minmax", "standardize"]


def center(
    x: Float[Tensor, "*sets n d"],
    *,
    reference: Float[Tensor, "*sets m d"] | None = None,
) -> Float[Tensor, "*sets n d"]:
    r"""Subtract the mean of every feature.

    .. math::

        \tilde x_{ri} = x_{ri} - \mu_i \qquad (1)

    Args:
        x: Examples, features on the last axis.
        reference: The set that μ is taken from, the training set; None takes
            x itself.

    Shape:
        ``[*, n, d]`` to the same.

    Returns:
        The shifted examples.

    Raises:
        ValueError: If there is no example, an entry is not finite, or the
            features differ in number.

    Example:
        >>> center(torch.tensor([[5.0]]), reference=torch.tensor([[1.0], [2.0]]))
        tensor([[3.5000]])

    References:
        LeCun, Bottou, Orr, Müller (1998), Efficient BackProp, section 4.3.
    """
    source = check_reference(x, reference)
    mu = source.mean(-2, keepdim=True)
    return x - mu  # (1)


def standardize(
    x: Float[Tensor, "*sets n d"],
    *,
    reference: Float[Tensor, "*sets m d"] | None = None,
) -> Float[Tensor, "*sets n d"]:
    r"""Give every feature the mean 0 and the variance 1 (z-score).

    .. math::

        \tilde x_{ri} = (x_{ri} - \mu_i) / \sigma_i \qquad (1)

    Args:
        x: Examples, features on the last axis.
        reference: The set that μ and σ are taken from, the training set; None
            takes x itself.

    Shape:
        ``[*, n, d]`` to the same.

    Returns:
        The scaled examples. A feature that is constant in the reference is
        only shifted: it has no range to bring to 1.

    Raises:
        ValueError: If there is no example, an entry is not finite, or the
            features differ in number.

    Example:
        >>> standardize(torch.tensor([[1.0], [3.0], [5.0], [7.0]])).T
        tensor([[-1.3416, -0.4472,  0.4472,  1.3416]])

    Notes:
        As ``sklearn.preprocessing.StandardScaler``: the biased variance. For
        features that are *nearly* constant, as the rim of digit images, add a
        constant to σ instead: ``coursekit.data.digits``.

    References:
        LeCun, Bottou, Orr, Müller (1998), Efficient BackProp, section 4.3.
    """
    source = check_reference(x, reference)
    mu = source.mean(-2, keepdim=True)
    d = source - mu
    sigma = d.square().mean(-2, keepdim=True).sqrt()
    # A constant feature has σ of the size of the rounding of its mean, not 0.
    rounding = torch.finfo(x.dtype).eps * source.abs().amax(-2, keepdim=True)
    sigma = torch.where(sigma > 2 * rounding, sigma, torch.ones_like(sigma))
    return (x - mu) / sigma  # (1)


def minmax(
    x: Float[Tensor, "*sets n d"],
    *,
    reference: Float[Tensor, "*sets m d"] | None = None,
) -> Float[Tensor, "*sets n d"]:
    r"""Move every feature to the interval from 0 to 1.

    .. math::

        \tilde x_{ri} = \frac{x_{ri} - \min_s x_{si}}
        {\max_s x_{si} - \min_s x_{si}} \qquad (1)

    Args:
        x: Examples, features on the last axis.
        reference: The set that the extremes are taken from, the training set;
            None takes x itself.

    Shape:
        ``[*, n, d]`` to the same.

    Returns:
        The scaled examples; those outside the range of the reference leave
        the interval. A feature that is constant there is only shifted.

    Raises:
        ValueError: If there is no example, an entry is not finite, or the
            features differ in number.

    Example:
        >>> minmax(torch.tensor([[10.0], [15.0], [20.0]])).T
        tensor([[0.0000, 0.5000, 1.0000]])

    Notes:
        One outlier decides the range of all others; the mean is not 0.
    """
    source = check_reference(x, reference)
    low, high = source.amin(-2, keepdim=True), source.amax(-2, keepdim=True)
    extent = torch.where(high > low, high - low, torch.ones_like(low))
    return (x - low) / extent  # (1)


def check_reference(x: Tensor, reference: Tensor | None) -> Tensor:
    """Return the set that statistics come from, when it can give any.

    Args:
        x: The examples to transform.
        reference: The training set, or None.

    Returns:
        The reference, x itself if there is none.

    Raises:
        TypeError: If an input is not of a floating-point type.
        ValueError: If a set is empty, not finite, or of other features.
    """
    source = x if reference is None else reference
    for name, data in (("x", x), ("reference", source)):
        if not data.is_floating_point():
            raise TypeError(
                f"{name}: expected floating-point features, got {data.dtype}; use "
                ".float()"
            )
        if data.ndim < 2 or data.shape[-1] != x.shape[-1]:
            raise ValueError(
                f"{name}: expected [..., examples, features] with {x.shape[-1:]} "
                f"features, got shape {tuple(data.shape)}"
            )
        if not bool(data.isfinite().all()):
            raise ValueError(
                f"{name}: expected finite features, got {int((~data.isfinite()).sum())}"
                " that are not; one of them would spoil its whole column"
            )
    if source.shape[-2] == 0:
        raise ValueError("reference: expected at least one example, got none")
    return source
