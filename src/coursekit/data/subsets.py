r"""Take fewer examples, fewer classes or a bad order from a split.

All three leave the test part comparable: a learning curve over the number of
training examples needs one and the same test set, scaled in one and the same way.
"""

from collections.abc import Sequence

import torch

from .._validate import check_count
from ._draw import source
from .digits import Split

__all__ = ["fewer", "only_classes", "sorted_by_class"]


def fewer(
    split: Split,
    n_train: int,
    *,
    balanced: bool = False,
    generator: torch.Generator | None = None,
    seed: int = 0,
) -> Split:
    r"""Keep some of the training examples and the whole test part.

    Args:
        split: A split.
        n_train: Number of training examples kept.
        balanced: Whether every class gets the same number, or one less; so it
            does among the first examples of the result, however many.
        generator: Source of randomness; None makes one from ``seed``.
        seed: Used only without a generator. With one seed, fewer examples are a
            part of more examples.

    Returns:
        The smaller split, in random order; its scaling is that of the whole.

    Raises:
        ValueError: If there are not so many examples (of a class).

    Example:
        >>> from coursekit.data import digits
        >>> few = fewer(digits(), 50, balanced=True)
        >>> few.y_train.bincount().tolist(), len(few.y_test)
        ([5, 5, 5, 5, 5, 5, 5, 5, 5, 5], 397)
    """
    n, y = check_count("n_train", n_train), split.y_train
    draw = source(generator, seed, "few")
    order = torch.randperm(len(y), generator=draw, device=draw.device).to(y.device)
    if balanced:
        order = order[_rank_in_class(y[order]).argsort(stable=True)]
    kept = order[:n]
    counts = y[kept].unique(return_counts=True)[1]
    if n > len(y) or (balanced and counts.max() - counts.min() > 1):
        raise ValueError(
            f"n_train: expected at most {len(y)}, and as many of every class if "
            f"balanced, got {n}; ask for fewer"
        )
    return split._replace(x_train=split.x_train[kept], y_train=y[kept])


# Numbers the examples of each class 0, 1, 2, ... in their order.
def _rank_in_class(y: torch.Tensor) -> torch.Tensor:
    one_hot = y[:, None] == y.unique()
    return (one_hot.cumsum(0) * one_hot).sum(1) - 1


def only_classes(
    split: Split, classes: Sequence[int], *, relabel: bool = False
) -> Split:
    r"""Keep the examples of some classes, in both parts.

    Args:
        split: A split.
        classes: The classes kept, each once.
        relabel: Whether they are numbered anew, 0, 1, … in the order given.

    Returns:
        The split without the other classes, in unchanged order.

    Raises:
        ValueError: If a class is missing from the training part or stands twice.

    Example:
        >>> from coursekit.data import digits
        >>> upper = only_classes(digits(), range(5, 10), relabel=True)
        >>> upper.y_test.unique().tolist()
        [0, 1, 2, 3, 4]
    """
    wanted = torch.tensor(list(classes), dtype=torch.int64, device=split.y_train.device)
    here = split.y_train.unique()
    if not len(wanted) or len(wanted.unique()) < len(wanted):
        raise ValueError(f"classes: expected different classes, got {list(classes)}")
    if not torch.isin(wanted, here).all():
        raise ValueError(
            f"classes: expected some of {here.tolist()}, got {list(classes)}"
        )
    parts = []
    for x, y in (split[:2], split[2:]):
        keep = torch.isin(y, wanted)
        new = (y[keep, None] == wanted).long().argmax(1) if relabel else y[keep]
        parts += [x[keep], new]
    return Split(*parts)


def sorted_by_class(split: Split) -> Split:
    r"""Put the training examples in the order of their classes.

    A pass in this order shows one class after the other, and each mini-batch
    pulls towards the class of the hour.

    Args:
        split: A split.

    Returns:
        The same examples; within a class in unchanged order.

    Example:
        >>> from coursekit.data import digits
        >>> sorted_by_class(digits()).y_train[:3].tolist()
        [0, 0, 0]
    """
    order = split.y_train.argsort(stable=True)
    return split._replace(x_train=split.x_train[order], y_train=split.y_train[order])
