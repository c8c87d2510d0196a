r"""Say which entries of a tensor share a mean, for every kind of norm.

For x of shape ``[N, C, *positions]``:

==============  =======================  ===================================
kind            axes averaged over       which entries share a mean
==============  =======================  ===================================
``batch``       N and positions          a channel's, over the whole batch
``layer``       C and positions          an example's
``instance``    positions                a channel's of one example
``group``       C/G and positions        those of C/G channels of one example
``positional``  C                        those of one position of one example
==============  =======================  ===================================

Only ``batch`` averages over examples: only there does one example change the
output of another, and only there training and evaluation differ. With one
group, ``group`` is ``layer``; with as many groups as channels, ``instance``.
"""

from collections.abc import Sequence

from .._validate import check_count, check_in

__all__ = ["KINDS", "norm_axes"]

KINDS = ("batch", "layer", "instance", "group", "positional")


def norm_axes(kind: str, shape: Sequence[int]) -> tuple[int, ...]:
    r"""Return the axes that a norm averages over.

    Args:
        kind: One of ``KINDS``.
        shape: ``[N, C, *positions]``.

    Returns:
        Axes of x, in order. For ``"group"`` they are axes of the view ``[N, G,
        C/G, *positions]``, which has one axis more.

    Raises:
        ValueError: If the kind is unknown, or the shape has too few axes.

    Example:
        >>> [norm_axes(kind, (32, 3, 8, 8)) for kind in ("batch", "layer", "instance")]
        [(0, 2, 3), (1, 2, 3), (2, 3)]

    Notes:
        ``torch.nn.LayerNorm(C)`` averages over the *last* axis alone. On
        ``[N, T, C]``, a sequence with its features last, that is one mean for
        each position, which for ``[N, C, T]`` is called positional here.

    References:
        Wu, He (2018), Group normalization, arXiv 1803.08494, eq. 3 to 5 and 7.
        Li, Wu, Weinberger, Belongie (2019), Positional normalization, arXiv
        1907.04312.
    """
    check_in("kind", kind, KINDS)
    least = 3 if kind == "instance" else 2
    if len(shape) < least:
        raise ValueError(
            f"shape: expected [N, C{', positions' * (least - 2)}], got {tuple(shape)}"
            "; without positions an instance norm has a single entry a mean"
        )
    for size in shape:
        check_count("shape", size, least=0)
    positions = tuple(range(2, len(shape)))
    return {
        "batch": (0, *positions),
        "layer": (1, *positions),
        "instance": positions,
        "group": (2, *(axis + 1 for axis in positions)),
        "positional": (1,),
    }[kind]
