r"""Read a short tale letter by letter: the smallest language that is not a toy.

A character model predicts letter t + 1 from the letters up to t, so an input
and its target are the same window of the text, moved by one:

.. math::

    x_{r,t} &= c_{s_r + t} \qquad (1) \\
    y_{r,t} &= c_{s_r + t + 1} \qquad (2)

with c the text as numbers, t = 0 … T−1 and :math:`s_r` the start of window r.
The last tenth of the text is the test part: cut off in one piece, because
windows picked at random would share letters with the windows of training.
Guessing by letter frequencies alone costs 2.9 nats a letter; a model that falls
far below 1 nat in training has learnt ten kilobytes by heart.
"""

from collections.abc import Sequence
from functools import cached_property
from importlib.resources import files
from typing import NamedTuple

import torch
from jaxtyping import Int
from torch import Tensor

from .._validate import check_count, check_in, check_range
from ._draw import source

__all__ = ["Text", "Windows", "text"]


class Windows(NamedTuple):
    """Hold a batch of windows and the letters that follow.

    Attributes:
        x: Inputs, ``[batch, T]``.
        y: Targets, the inputs moved by one letter.
    """

    x: Int[Tensor, "batch T"]
    y: Int[Tensor, "batch T"]


class Text:
    r"""Hold a text with its alphabet, as letters and as numbers.

    Args:
        content: The text, of at least two letters.
        test_share: Share of it, from the end, that is the test part, in [0, 1).
        device: Where tensors are put; None means the CPU.

    Raises:
        ValueError: If the text or its training part is too short, or the share
            is out of its range.

    Example:
        >>> tale = Text("to be or not to be", test_share=0.25)
        >>> tale.alphabet, tale.decode(tale.encode("robot"))
        (' benort', 'robot')
    """

    def __init__(
        self,
        content: str,
        *,
        test_share: float = 0.1,
        device: torch.device | str | None = None,
    ) -> None:
        share = check_range("test_share", test_share, 0, 1, open_high=True)
        self.content, self.device = content, device
        self.alphabet = "".join(sorted(set(content)))
        self.n_train = len(content) - round(share * len(content))
        if self.n_train < 2:
            raise ValueError(
                f"content: expected at least two letters of training text, got "
                f"{self.n_train} of {len(content)}; give a longer text"
            )

    def __repr__(self) -> str:
        letters, kinds = len(self.content), len(self.alphabet)
        return f"Text({letters} letters of {kinds} kinds, {self.n_train} for training)"

    def encode(self, letters: str) -> Int[Tensor, " n"]:
        """Turn letters into their numbers in the alphabet.

        Args:
            letters: Letters of the text.

        Returns:
            Their numbers, int64.

        Raises:
            ValueError: If a letter does not occur in the text.
        """
        number = {letter: i for i, letter in enumerate(self.alphabet)}
        unknown = "".join(sorted(set(letters) - set(number)))
        if unknown:
            raise ValueError(
                f"letters: expected letters of the text, got {unknown!r} too; the "
                f"alphabet is {self.alphabet!r}"
            )
        numbers = [number[letter] for letter in letters]
        return torch.tensor(numbers, dtype=torch.int64, device=self.device)

    def decode(self, numbers: Int[Tensor, " n"] | Sequence[int]) -> str:
        """Turn numbers back into letters.

        Args:
            numbers: Numbers from 0 to the size of the alphabet − 1.

        Returns:
            The letters.

        Raises:
            ValueError: If a number is out of range.
        """
        found = numbers.tolist() if isinstance(numbers, Tensor) else list(numbers)
        wrong = [number for number in found if not 0 <= number < len(self.alphabet)]
        if wrong:
            raise ValueError(
                f"numbers: expected 0 to {len(self.alphabet) - 1}, got {wrong[0]}"
            )
        return "".join(self.alphabet[number] for number in found)

    @cached_property
    def train(self) -> Int[Tensor, " n_train"]:
        """The training part as numbers."""
        return self.encode(self.content[: self.n_train])

    @cached_property
    def test(self) -> Int[Tensor, " n_test"]:
        """The test part as numbers."""
        return self.encode(self.content[self.n_train :])

    def batch(
        self,
        batch_size: int = 16,
        seq_len: int = 32,
        *,
        part: str = "train",
        generator: torch.Generator | None = None,
        seed: int = 0,
    ) -> Windows:
        r"""Draw windows that start anywhere, with replacement, equations (1) and (2).

        Args:
            batch_size: Number of windows B.
            seq_len: Letters T of a window.
            part: ``"train"`` or ``"test"``.
            generator: Source of the starts; pass one to get a new batch each
                time.
            seed: Used only without a generator.

        Shape:
            x and y ``[batch_size, seq_len]``.

        Returns:
            Inputs and targets.

        Raises:
            ValueError: If the part is unknown or has no T + 1 letters.
        """
        c, T = self._part(part, seq_len)
        size = check_count("batch_size", batch_size)
        draw = source(generator, seed, "text")
        s = torch.randint(len(c) - T, (size, 1), generator=draw, device=draw.device)
        index = (s + torch.arange(T, device=s.device)).to(c.device)
        x = c[index]  # (1)
        y = c[index + 1]  # (2)
        return Windows(x, y)

    def windows(self, seq_len: int = 32, *, part: str = "test") -> Windows:
        """Cut a part into windows side by side, for a loss without luck.

        Args:
            seq_len: Letters T of a window.
            part: ``"train"`` or ``"test"``.

        Shape:
            x and y ``[n, seq_len]``.

        Returns:
            All windows; up to T letters at the end are left over.

        Raises:
            ValueError: If the part is unknown or has no T + 1 letters.
        """
        c, T = self._part(part, seq_len)
        n = (len(c) - 1) // T
        return Windows(c[: n * T].view(n, T), c[1 : n * T + 1].view(n, T))

    def _part(self, part: str, seq_len: int) -> tuple[Tensor, int]:
        check_in("part", part, ("train", "test"))
        c, T = (
            self.train if part == "train" else self.test,
            check_count("seq_len", seq_len),
        )
        if len(c) <= T:
            raise ValueError(
                f"seq_len: expected at most {len(c) - 1} letters, got {T}; the "
                f"{part} part has {len(c)} and a target needs one more"
            )
        return c, T


def text(*, test_share: float = 0.1, device: torch.device | str | None = None) -> Text:
    """Return the tale that comes with the package: a blind walker seeks a valley.

    Args:
        test_share: Share of it, from the end, that is the test part, in [0, 1).
        device: Where tensors are put; None means the CPU.

    Returns:
        About ten thousand letters of English prose.

    Raises:
        ValueError: If the share is out of its range.

    Example:
        >>> tale = text()
        >>> tale
        Text(10267 letters of 47 kinds, 9240 for training)
        >>> x, y = tale.batch(16, 32)
        >>> bool((x[:, 1:] == y[:, :-1]).all())
        True
        >>> tale.decode(tale.train[:21])
        'There was once a walk'

    Notes:
        It was written for this book and carries the licence of its text.
    """
    content = (
        files("coursekit.data").joinpath("the_walker.txt").read_text(encoding="utf-8")
    )
    return Text(content, test_share=test_share, device=device)
