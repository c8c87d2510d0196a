r"""Find norms and sums along a vector that is worked through piece by piece.

A rule that needs :math:`\|\theta\|` asks for it in the middle of its lines, when it
has seen one piece of θ. So there are two rounds over the pieces. In the first one each
reduction notes the piece's part of it and answers 1, and nothing is written; what the
rule makes of that answer is thrown away. In the second all reductions are known. That
is right as long as no reduction depends on the answer of another. A vector of one
piece needs no first round.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

__all__ = ["Sums"]


class Sums:
    r"""Reduce pieces to one number for each whole vector.

    Args:
        sizes: Lengths of the vectors that stand one behind the other in a piece,
            or one entry where all pieces are parts of one vector.
        rounds: Whether there are several pieces, and with them two rounds.

    Example:
        >>> sums = Sums([4], rounds=True)
        >>> pieces = torch.tensor([3.0, 0.0]), torch.tensor([0.0, 4.0])
        >>> [sums.begin().norm(piece).item() for piece in pieces]
        [1.0, 1.0]
        >>> sums.close()
        >>> [sums.begin().norm(piece).item() for piece in pieces]
        [5.0, 5.0]
    """

    def __init__(self, sizes: Sequence[int], *, rounds: bool = False) -> None:
        self.sizes = list(sizes)
        self.collecting = rounds
        self.parts: list[tuple[Callable[..., Tensor], list[Tensor]]] = []
        self.totals: list[Tensor] = []
        self.at = -1

    def begin(self) -> "Sums":
        """Begin with a piece: its reductions come in the order of the last one's.

        Returns:
            Itself.
        """
        self.at = -1
        return self

    def close(self) -> None:
        """End the first round."""
        self.totals = [join(torch.stack(parts), dim=0) for join, parts in self.parts]
        self.collecting = False

    def norm(self, x: Tensor) -> Tensor:
        """Return the Euclidean norm of each whole vector.

        Args:
            x: A piece.

        Returns:
            As many numbers as there are vectors.
        """
        norms = torch._foreach_norm(x.split(self.sizes) if self.several else [x])  # pyright: ignore[reportPrivateImportUsage]
        return self._total(torch.linalg.vector_norm, torch.stack(norms))

    def sum(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        """Return the sum of x, or of the products xy, over each whole vector.

        Args:
            x: A piece.
            y: Another one.

        Returns:
            As many numbers as there are vectors.
        """
        if self.several:
            z = x if y is None else x * y
            return self._total(
                torch.sum, torch.stack([*map(torch.sum, z.split(self.sizes))])
            )
        return self._total(torch.sum, (x.sum() if y is None else torch.dot(x, y))[None])

    @property
    def several(self) -> bool:
        """Whether a piece has several vectors."""
        return len(self.sizes) > 1

    def spread(self, numbers: Tensor) -> Tensor:
        """Write the number of each vector beside all of its elements.

        Args:
            numbers: One for each vector.

        Returns:
            A tensor as long as the piece.
        """
        if not self.several or numbers.numel() != len(self.sizes):
            return numbers
        sizes = torch.tensor(self.sizes, device=numbers.device)
        return numbers.repeat_interleave(sizes, output_size=sum(self.sizes))

    def _total(self, join: Callable[..., Tensor], part: Tensor) -> Tensor:
        self.at += 1
        if self.collecting:
            if self.at == len(self.parts):
                self.parts.append((join, []))
            self.parts[self.at][1].append(part)
            return torch.ones_like(part)
        return self.totals[self.at] if self.totals else part
