r"""Write a sweep as tables: data frames, a summary over seeds, a page's HTML."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

    from .result import Sweep

__all__ = ["html", "long_table", "summary", "wide_table"]

SHOWN = 20


def _pandas() -> Any:
    try:
        import pandas
    except ImportError as error:
        raise ImportError(
            "to_pandas: pandas is not installed; pip install coursekit[tables]"
        ) from error
    return pandas


def wide_table(sweep: Sweep) -> pd.DataFrame:
    """Make a table of one row a run.

    Args:
        sweep: The runs.

    Returns:
        Settings, ``status``, ``updates``, ``loss`` and a column a probe, each the
        final value. A word of a setting that has such a name keeps it; the result
        is then called ``final_loss`` and so on.
    """
    table = dict(sweep.columns)
    found = {"status": sweep.status, "updates": sweep.updates}
    for name in ("loss", *sweep.probes):
        found |= dict(_columns(name, sweep.final(name)))
    for name, values in found.items():
        table[f"final_{name}" if name in sweep.columns else name] = values
    return _pandas().DataFrame(table)


def _columns(name: str, values: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    if values.ndim == 1:
        yield name, values
        return
    for place in np.ndindex(values.shape[1:]):
        yield f"{name}[{', '.join(map(str, place))}]", values[slice(None), *place]


def long_table(sweep: Sweep, name: str) -> pd.DataFrame:
    """Make a table of one row a run and time.

    Args:
        sweep: The runs.
        name: A probe or ``"loss"``.

    Returns:
        ``run``, settings, ``step`` and the value; without the times at which a run
        was not measured.
    """
    values, times = sweep.values(name), sweep.times(name)
    limit = sweep.updates[:, None]
    runs, places = np.nonzero(times[None] <= limit)
    table: dict[str, Any] = {"run": runs}
    for word, column in sweep.columns.items():
        table[word] = [column[run] for run in runs]
    table["step"] = times[places]
    table |= dict(_columns(name, values[runs, places]))
    frame = _pandas().DataFrame(table)
    return frame[_measured(sweep, name)[runs, places]].reset_index(drop=True)


def _measured(sweep: Sweep, name: str) -> np.ndarray:
    # NaN may have been measured, too: look at the runs of the same length
    values = sweep.values(name)
    seen = ~np.isnan(values.reshape(*values.shape[:2], -1)).all(2)
    same = sweep.updates[:, None] == sweep.updates[None]
    return (same.astype(int) @ seen.astype(int)) > 0


def summary(sweep: Sweep, name: str, by: str) -> list[dict[str, Any]]:
    """Summarise final values over seeds.

    Args:
        sweep: The runs.
        name: What was measured.
        by: The word to summarise over.

    Returns:
        One row a setting.
    """
    values = sweep.final(name)
    rows = []
    for words, runs in sweep.groups(by):
        mine = values[runs]
        known = mine[~np.isnan(mine.reshape(len(runs), -1)).any(1)]
        blank = np.full(values.shape[1:], np.nan)
        diverged = sum(sweep.status[run] == "diverged" for run in runs)
        middle = np.median(known, 0) if len(known) else blank
        if 2 * diverged >= len(runs):
            middle = np.full(values.shape[1:], np.inf)
        rows.append({
            **words,
            "median": _number(middle),
            "low": _number(known.min(0) if len(known) else blank),
            "high": _number(known.max(0) if len(known) else blank),
            "runs": len(runs),
            "diverged": diverged,
        })
    return rows


def _number(value: np.ndarray) -> Any:
    return value if np.ndim(value) else float(value)


def html(sweep: Sweep) -> str:
    """Write a small table: settings over seeds, with their final values.

    Args:
        sweep: The runs.

    Returns:
        HTML; at most twenty rows of it, and how many more there are.
    """
    names = [n for n in (*sweep.probes, "loss") if sweep.final(n).ndim == 1]
    words = [name for name in sweep.axes if name != "seed"]
    groups = sweep.groups()
    parts = {name: sweep.summary(name) for name in names}
    head = "".join(f"<th>{escape(n)}</th>" for n in (*words, *names, "runs"))
    body = "".join(
        _row(
            [rows_words.get(word, "") for word in words],
            [parts[name][k] for name in names],
            Counter(sweep.status[run] for run in runs),
        )
        for k, (rows_words, runs) in enumerate(groups[:SHOWN])
    )
    more = len(groups) - SHOWN
    below = f"<p>… and {more} settings more</p>" if more > 0 else ""
    caption = f"<caption>{len(sweep)} runs; median [range] of the last values</caption>"
    return (
        f"<table>{caption}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
        f"{below}"
    )


def _row(words: list[Any], found: list[dict[str, Any]], status: Counter[str]) -> str:
    cells = [escape(str(word)) for word in words]
    for each in found:
        spread = f" [{each['low']:.3g}, {each['high']:.3g}]" if each["runs"] > 1 else ""
        text = f"{each['median']:.3g}{spread}"
        cells.append("✕" if np.isinf(each["median"]) else text)
    counts = [f"{n} {name}" for name, n in status.items()]
    cells.append(", ".join(counts))
    return "<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"
