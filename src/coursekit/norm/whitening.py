r"""Rotate features to their principal axes, and give all of them variance 1.

The covariance of a reference set, with its eigenvectors as the columns of U
and the eigenvalues in descending order, is

.. math::

    \Sigma = \mathrm{mean}_r\,(x_r - \mu)(x_r - \mu)^T = U \Lambda U^T .

Rotating by :math:`U^T` (PCA) makes the covariance diagonal but leaves every
eigenvalue, and with them the conditioning of a linear model, as it was.
Dividing by the deviations as well (whitening) makes it the identity: gradient
descent on a linear model with squared error then needs one update, of the right
rate.

Directions in which the reference does not vary (fewer examples than features,
or features that are sums of others) cannot be given variance 1; they are mapped
to 0 instead of dividing rounding errors by rounding errors.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from .._validate import check_count, check_positive
from .scaling import check_reference

__all__ = ["pca", "whiten"]


def pca(
    x: Float[Tensor, "n d"],
    *,
    reference: Float[Tensor, "m d"] | None = None,
    n_components: int | None = None,
) -> Float[Tensor, "n k"]:
    r"""Rotate centred examples to the principal axes of the reference.

    .. math::

        \tilde x_r = U^T (x_r - \mu) \qquad (1)

    Args:
        x: Examples.
        reference: The set that μ and U are taken from, the training set; None
            takes x itself.
        n_components: Keep the k axes of largest variance; None keeps all d.

    Shape:
        ``[n, d]`` to ``[n, k]``.

    Returns:
        The coordinates, with descending variances over the reference. The
        sign of an axis is a convention: its entry of largest size is positive.

    Raises:
        ValueError: If a set is empty or not finite, or there are fewer than k
            features.

    Example:
        >>> x = torch.tensor([[1.0, 1.0], [2.0, 2.0], [3.0, 3.0]])
        >>> pca(x).abs().round(decimals=3) + 0.0
        tensor([[1.4140, 0.0000],
                [0.0000, 0.0000],
                [1.4140, 0.0000]])

    References:
        LeCun, Bottou, Orr, Müller (1998), Efficient BackProp, section 4.3.
    """
    mu, U, _ = _principal_axes(x, reference)
    k = check_count(
        "n_components", x.shape[-1] if n_components is None else n_components
    )
    if k > x.shape[-1]:
        raise ValueError(
            f"n_components: expected at most the {x.shape[-1]} features, got {k}"
        )
    return (x - mu) @ U[:, :k]  # (1)


def whiten(
    x: Float[Tensor, "n d"],
    *,
    reference: Float[Tensor, "m d"] | None = None,
    zca: bool = False,
    eps: float = 0.0,
) -> Float[Tensor, "n d"]:
    r"""Give examples the covariance I over the reference.

    .. math::

        \tilde x_r &= (\Lambda + \epsilon)^{-1/2}\, U^T (x_r - \mu) \qquad (1) \\
        \tilde x_r &= U (\Lambda + \epsilon)^{-1/2}\, U^T (x_r - \mu) \qquad (2)

    Args:
        x: Examples.
        reference: The set that μ, U and Λ are taken from, the training set;
            None takes x itself.
        zca: Whether to rotate back, equation (2): of all whitened versions it
            is the nearest to the centred examples, so that images still look
            like images.
        eps: ε ≥ 0, added to every variance; it damps directions that hardly
            vary, which are noise more often than not.

    Shape:
        ``[n, d]`` to the same.

    Returns:
        The whitened examples; 0 along directions in which the reference does
        not vary.

    Raises:
        ValueError: If a set is empty or not finite.

    Example:
        >>> x = torch.tensor([[0.0, 0.0], [2.0, 1.0], [0.0, 4.0], [6.0, 3.0]])
        >>> white = whiten(x, zca=True)
        >>> (white.T @ white / 4).round(decimals=4) + 0.0
        tensor([[1., 0.],
                [0., 1.]])

    References:
        Kessy, Lewin, Strimmer (2018), Optimal whitening and decorrelation,
        arXiv 1512.00809 ("PCA" and "ZCA whitening").
    """
    eps = check_positive("eps", eps, zero=True)
    mu, U, variance = _principal_axes(x, reference)
    kept = variance > 0
    scale = torch.where(kept, (variance + eps).rsqrt(), torch.zeros_like(variance))
    white = (x - mu) @ U * scale  # (1)
    return white @ U.mT if zca else white  # (2)


def _principal_axes(x: Tensor, reference: Tensor | None) -> tuple[Tensor, ...]:
    source = check_reference(x, reference)
    if source.ndim != 2 or x.ndim != 2:
        raise ValueError(f"x: expected [examples, features], got {tuple(x.shape)}")
    n, d = source.shape
    mu = source.mean(0)
    # The singular values of the data keep twice the digits of the eigenvalues of
    # its covariance.
    _, s, V = torch.linalg.svd(source - mu, full_matrices=n < d)
    s = torch.cat([s, s.new_zeros(d - s.numel())])
    noise = max(n, d) * torch.finfo(s.dtype).eps * source.abs().max().clamp(min=s.max())
    variance = torch.where(s > noise, s.square() / n, torch.zeros_like(s))
    U = V.mT
    largest = U.gather(0, U.abs().argmax(0, keepdim=True))
    return mu, U * torch.where(largest < 0, -1.0, 1.0).to(U.dtype), variance
