r"""Hold the settings of a sweep as a table, and find runs in it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Self

import numpy as np

__all__ = ["Runs"]


class Runs:
    """Find runs by the words of their settings.

    Attributes:
        settings: One dictionary a run, as written.
    """

    settings: list[dict[str, Any]]
    status: list[str]

    def __len__(self) -> int:
        return len(self.settings)

    def __getitem__(self, rows: Any) -> Self:
        raise NotImplementedError

    @property
    def columns(self) -> dict[str, list[Any]]:
        """The settings by word; None where a setting does not have it."""
        names = dict.fromkeys(name for row in self.settings for name in row)
        return {name: [row.get(name) for row in self.settings] for name in names}

    @property
    def axes(self) -> dict[str, list[Any]]:
        """The words that differ between runs, each with its values in their order."""
        found: dict[str, list[Any]] = {}
        for name, values in self.columns.items():
            different = [v for i, v in enumerate(values) if v not in values[:i]]
            if len(different) > 1:
                found[name] = different
        return found

    def where(self, **words: Any) -> np.ndarray:
        """Find the runs with the given words.

        Args:
            **words: Words of settings and the values they must have.

        Returns:
            Positions.

        Raises:
            ValueError: If no run has them.
        """
        rows = [
            i
            for i, row in enumerate(self.settings)
            if all(name in row and row[name] == value for name, value in words.items())
        ]
        if not rows:
            known = self.columns
            unknown = [name for name in words if name not in known]
            hint = (
                f"there is no word {unknown[0]!r}; there are {', '.join(known)}"
                if unknown
                else "; ".join(f"{n} is one of {few(known[n])}" for n in words)
            )
            raise ValueError(f"where: expected words of a run, got {words!r}; {hint}")
        return np.array(rows)

    def select(self, **words: Any) -> Self:
        """Pick the runs with the given words.

        Args:
            **words: As for ``where``.

        Returns:
            Those runs.
        """
        return self[self.where(**words)]

    def groups(self, by: str = "seed") -> list[tuple[dict[str, Any], np.ndarray]]:
        """Put runs together that differ in one word alone.

        Args:
            by: The word.

        Returns:
            The other words of each group, and the positions of its runs.
        """
        found: dict[str, tuple[dict[str, Any], list[int]]] = {}
        for row, setting in enumerate(self.settings):
            words = {name: value for name, value in setting.items() if name != by}
            found.setdefault(repr(sorted(words.items())), (words, []))[1].append(row)
        return [(words, np.array(rows)) for words, rows in found.values()]

    def arm(self, words: Mapping[str, Any], by: str) -> dict[Any, int]:
        """Find the runs of one arm of a comparison.

        Args:
            words: Words that they share.
            by: The word that tells them apart.

        Returns:
            Its value to the position of the run.

        Raises:
            ValueError: If it does not, or a run has not been finished.
        """
        rows = self.where(**words)
        arm = {self.settings[row].get(by): int(row) for row in rows}
        if len(arm) != len(rows):
            raise ValueError(
                f"paired: expected one run a {by} for {dict(words)!r}, got {len(rows)} "
                f"runs for {len(arm)}; name the words that still differ: "
                f"{', '.join(n for n in self[rows].axes if n != by) or by}"
            )
        unfinished = [r for r in rows if self.status[r] in ("interrupted", "lost")]
        if unfinished:
            raise ValueError(
                f"paired: expected finished runs for {dict(words)!r}, got "
                f"{len(unfinished)} that were {self.status[unfinished[0]]}; run the "
                "sweep again, with checkpoint= to keep what is done"
            )
        return arm


def few(values: Iterable[Any]) -> str:
    """Write the first few of some values, each once.

    Args:
        values: The values.

    Returns:
        A text.
    """
    texts = list(dict.fromkeys(map(repr, values)))
    return ", ".join(texts[:8]) + (", ..." if len(texts) > 8 else "")
