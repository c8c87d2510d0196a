r"""Hold what came of a sweep: a table of settings beside arrays of numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..stats import Interval, paired_t_interval

__all__ = ["Sweep"]


@dataclass
class Sweep:
    """Hold the runs of a sweep, in the order of its settings.

    Attributes:
        settings: One dictionary a run, as written.
        loss: Loss of each batch before its update, ``[setting, step]``; NaN
            where a run was no longer trained.
        moments: Numbers of updates at which probes were taken.
        probes: Name to values ``[setting, moment, ...]``.
        status: ``"done"``, ``"diverged"``, ``"stopped"``, ``"interrupted"`` or
            ``"lost"``, one a run.
        updates: Updates made by each run.
        parameters: Name to final values, one dictionary a run.
        notes: Which path computed which models, and why.
    """

    settings: list[dict[str, Any]]
    loss: np.ndarray
    moments: np.ndarray
    probes: dict[str, np.ndarray]
    status: list[str]
    updates: np.ndarray
    parameters: list[dict[str, np.ndarray]]
    notes: list[str] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.settings)

    @property
    def columns(self) -> dict[str, list[Any]]:
        """The settings by word; None where a setting does not have it."""
        names = dict.fromkeys(name for row in self.settings for name in row)
        return {name: [row.get(name) for row in self.settings] for name in names}

    def final(self, name: str = "loss") -> np.ndarray:
        """Return the last value of each run.

        Args:
            name: A probe, or ``"loss"`` for the last batch.

        Returns:
            ``[setting, ...]``; NaN for a run that diverged.

        Raises:
            ValueError: If there is no such probe.
        """
        values = self._values(name)
        last = np.full(values.shape[:1] + values.shape[2:], np.nan)
        for row, series in enumerate(values):
            flat = series.reshape(len(series), -1)
            known = np.flatnonzero(~np.isnan(flat).all(1))
            if len(known) and self.status[row] != "diverged":
                last[row] = series[known[-1]]
        return last

    def _values(self, name: str) -> np.ndarray:
        if name == "loss":
            return self.loss
        if name not in self.probes:
            raise ValueError(
                f"name: expected {', '.join(['loss', *self.probes])}, got {name!r}; "
                "ask for it by probes= when the sweep is run"
            )
        return self.probes[name]

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
            raise ValueError(
                f"no run has {words!r}; words are {', '.join(self.columns)}"
            )
        return np.array(rows)

    def paired(
        self,
        name: str,
        treatment: Mapping[str, Any],
        control: Mapping[str, Any],
        by: str = "seed",
    ) -> Interval:
        """Compare two arms of the sweep, seed by seed.

        Args:
            name: A probe, or ``"loss"``.
            treatment: Words of one arm.
            control: Words of the other.
            by: The word that pairs their runs.

        Returns:
            The 95 % t-interval of treatment minus control.

        Raises:
            ValueError: If the arms do not pair one to one.
        """
        values = self.final(name)
        arms = [self._arm(words, by) for words in (treatment, control)]
        if arms[0].keys() != arms[1].keys():
            raise ValueError(
                f"{by}: expected the same values in both arms, got {sorted(arms[0])} "
                f"and {sorted(arms[1])}"
            )
        return paired_t_interval([
            float(values[arms[0][key]] - values[arms[1][key]]) for key in arms[0]
        ])

    def _arm(self, words: Mapping[str, Any], by: str) -> dict[Any, int]:
        rows = self.where(**words)
        arm = {self.settings[row].get(by): int(row) for row in rows}
        if len(arm) != len(rows):
            raise ValueError(
                f"{dict(words)!r}: expected one run a {by}, got {len(rows)} runs for "
                f"{len(arm)}; name the words that still differ"
            )
        return arm
