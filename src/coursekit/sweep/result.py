r"""Hold what came of a sweep: a table of settings beside arrays of numbers.

One run is one setting with one seed. Whatever was measured is an array with the
runs along its first axis; ``columns`` has the settings in the same order. A run
that diverged has no final value: NaN, which ``coursekit.stats`` counts and never
drops.
"""

from __future__ import annotations

import operator
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..stats import Interval, paired_t_interval
from .runs import Runs, few

if TYPE_CHECKING:
    import pandas as pd
    from torch import nn

    from ..figures import Figure
    from .birth import Model
    from .run import Job

__all__ = ["Sweep"]


@dataclass(eq=False)
class Sweep(Runs):
    """Hold the runs of a sweep, in the order of its settings.

    Attributes:
        settings: One dictionary a run, as written.
        loss: Loss of each batch before its update, ``[setting, step]``; NaN
            where a run was no longer trained.
        moments: Numbers of updates at which probes were taken.
        probes: Name to values ``[setting, moment, ...]``; NaN where not measured.
        status: ``"done"``, ``"diverged"``, ``"stopped"``, ``"interrupted"`` or
            ``"lost"``, one a run.
        updates: Updates made by each run.
        parameters: Name to final values, buffers included, one dictionary a run.
        notes: Which path computed which models, and whatever went wrong.
        job: What made the runs; None after ``load``.
    """

    settings: list[dict[str, Any]]
    loss: np.ndarray
    moments: np.ndarray
    probes: dict[str, np.ndarray]
    status: list[str]
    updates: np.ndarray
    parameters: list[dict[str, np.ndarray]]
    notes: list[str] = field(default_factory=list)
    job: Job | None = field(default=None, repr=False)

    def __iter__(self) -> Iterator[Sweep]:
        return (self[row] for row in range(len(self)))

    def __getitem__(self, rows: int | slice | Sequence[int] | np.ndarray) -> Sweep:
        """Pick runs by their positions, a slice, or a mask.

        Args:
            rows: Which ones.

        Returns:
            Those runs; a single one, too, is a sweep.
        """
        found = np.arange(len(self))[rows]
        kept = [int(row) for row in np.atleast_1d(found)]
        job = self.job
        return replace(
            self,
            settings=[self.settings[row] for row in kept],
            loss=self.loss[kept],
            probes={name: values[kept] for name, values in self.probes.items()},
            status=[self.status[row] for row in kept],
            updates=self.updates[kept],
            parameters=[self.parameters[row] for row in kept],
            job=job and replace(job, settings=[job.settings[row] for row in kept]),
        )

    def final(self, name: str = "loss") -> np.ndarray:
        """Return the last value of each run.

        Args:
            name: A probe; ``"loss"`` for the last batch; ``"updates"`` for how many
                updates were made.

        Returns:
            ``[setting, ...]``; NaN for a run that diverged or did not get so far.
        """
        values = self.values(name)
        places = np.searchsorted(self.times(name), self.updates, side="right") - 1
        last = np.full(values.shape[:1] + values.shape[2:], np.nan)
        for row, place in enumerate(places):
            if place >= 0 and self.status[row] != "diverged":
                last[row] = values[row, place]
        return last

    def values(self, name: str) -> np.ndarray:
        """Return everything that was measured of one quantity.

        Args:
            name: A probe, ``"loss"`` or ``"updates"``.

        Returns:
            ``[setting, time, ...]``, where ``times`` says when.

        Raises:
            ValueError: If there is no such probe.
        """
        if name in self.probes:
            return self.probes[name]
        if name == "loss":
            return self.loss
        if name == "updates":
            return self.updates[:, None].astype(float)
        raise ValueError(
            f"name: expected one of {', '.join(['loss', *self.probes, 'updates'])}, "
            f"got {name!r}; ask for it by probes= when the sweep is run"
        )

    def times(self, name: str) -> np.ndarray:
        """Return the numbers of updates at which one quantity was measured.

        Args:
            name: As for ``values``.

        Returns:
            ``[time]``; the loss of a batch belongs to the update that it causes.
        """
        if name in self.probes:
            return self.moments
        return np.arange(1, self.loss.shape[1] + 1) if name == "loss" else np.zeros(1)

    def paired(
        self,
        name: str,
        treatment: Mapping[str, Any],
        control: Mapping[str, Any],
        by: str = "seed",
    ) -> Interval:
        """Compare two arms of the sweep, seed by seed.

        Args:
            name: A probe, ``"loss"`` or ``"updates"``.
            treatment: Words of one arm.
            control: Words of the other.
            by: The word that pairs their runs.

        Returns:
            The 95 % t-interval of treatment minus control; the whole line if a run
            diverged (``coursekit.stats`` says why).

        Raises:
            ValueError: If the arms do not pair one to one, a run of theirs has not
                been finished, or the quantity is not one number a run.
        """
        values = self.final(name)
        if values.ndim > 1:
            raise ValueError(
                f"name: expected one number a run, got {name!r} with "
                f"{list(values.shape[1:])}; measure the entry that you mean by a probe "
                "of your own"
            )
        arms = [self.arm(words, by) for words in (treatment, control)]
        if arms[0].keys() != arms[1].keys():
            raise ValueError(
                f"by: expected the same values of {by!r} in both arms, got "
                f"{few(arms[0])} and {few(arms[1])}"
            )
        pairs = [(arms[0][key], arms[1][key]) for key in arms[0]]
        return paired_t_interval([float(values[a] - values[b]) for a, b in pairs])

    def summary(self, name: str = "loss", by: str = "seed") -> list[dict[str, Any]]:
        """Summarise the final values over seeds, one row a setting.

        Args:
            name: A probe, ``"loss"`` or ``"updates"``.
            by: The word to summarise over.

        Returns:
            The words of each setting with ``median``, ``low`` and ``high`` of the
            runs that have a value, ``runs`` and ``diverged``. With half of the runs
            diverged, or more, the median is infinite: that of the survivors would
            flatter the setting.
        """
        from .tables import summary

        return summary(self, name, by)

    def to_pandas(self, name: str | None = None) -> pd.DataFrame:
        """Make a table: one row a run, or one row a run and time.

        Args:
            name: A probe or ``"loss"`` for all its values over time (the long form);
                None for the settings with status, updates and final values.

        Returns:
            A tidy data frame. Arrays have a column an entry, ``grad_norm[0]``.
        """
        from .tables import long_table, wide_table

        return wide_table(self) if name is None else long_table(self, name)

    def _repr_html_(self) -> str:
        from .tables import html

        return html(self)

    def plot(
        self,
        y: str = "loss",
        x: str | None = None,
        hue: str | None = None,
        **looks: Any,
    ) -> Any:
        """Draw a quantity over time, or its final values over a word.

        Args:
            y: A probe, ``"loss"`` or ``"updates"``.
            x: A word; ``"step"`` for curves over time. By default the word with the
                most values if there are several, else ``"step"``.
            hue: A word with a colour a value; by default the one that is left.
            **looks: ``xlog``, ``ylog``, ``title``; and ``ax`` to draw on axes of
                your own.

        Returns:
            A picture for a notebook, light and dark; or the axes that were given.
        """
        from .pictures import plot

        return plot(self, y, x, hue, **looks)

    def explore(self, y: str | None = None, *, log: bool | None = None) -> Figure:
        """Make an interactive figure of the sweep.

        Args:
            y: A probe or ``"loss"``; the first probe if there is one.
            log: Whether its axis is logarithmic; by default for losses.

        Returns:
            A figure that is alive in a notebook and in a page; ``save_html`` writes
            one.
        """
        from .explorer import explore

        return explore(self, y, log)

    def model(self, row: int, factory: Model | None = None) -> nn.Module:
        """Rebuild the network of one run as it was at the end.

        Args:
            row: Position of the run.
            factory: What made it; needed after ``load``.

        Returns:
            The module, in evaluation mode.
        """
        from .rebirth import rebuild

        return rebuild(self, operator.index(row), factory)

    def save(self, path: str | Path) -> Path:
        """Write the runs to one file in an open format (``coursekit.sweep.archive``).

        Args:
            path: Where to; ``.npz`` is added if it has no ending.

        Returns:
            The path written.
        """
        from .archive import save

        return save(self, path)

    @staticmethod
    def load(path: str | Path) -> Sweep:
        """Read what ``save`` has written.

        Args:
            path: The file.

        Returns:
            The runs.
        """
        from .archive import load

        return load(path)
