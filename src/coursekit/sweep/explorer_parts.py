r"""Put together the figure of a sweep: panels, controls, sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .arrange import is_numeric, label_of

if TYPE_CHECKING:
    from ..figures import Cube
    from .explorer import Explorer

__all__ = ["TIME", "VALUE", "controls", "panels", "sentences"]

BUTTONS = 4
# names of the time and of what is shown, in the data of the figure
TIME, VALUE = "step", "measured"


def panels(explorer: Explorer, cube: Cube) -> list[Any]:
    """Lay out the panels: curves over time, and values over the main word.

    Args:
        explorer: Knows the words.
        cube: The data.

    Returns:
        Marks.
    """
    from ..figures import Dots, Lines
    from ..figures.plots import limits_of

    label, ylim = label_of(explorer.y), limits_of([explorer.known], bool(explorer.log))
    more = f", mean of {explorer.window} updates" if explorer.window > 1 else ""
    numeric = is_numeric(explorer.words[explorer.main])
    lead = f"{explorer.main} = " if numeric else ""
    panels: list[Any] = []
    if len(cube.dim(TIME)) > 1:
        panels.append(
            Lines(
                x=TIME,
                y=VALUE,
                over=explorer.main,
                cursor=TIME,
                ylog=bool(explorer.log),
                ylim=ylim,
                ylabel=label + more,
                lead=lead,
            )
        )
    if numeric:
        panels.append(
            Lines(
                x=explorer.main,
                y=VALUE,
                cursor=explorer.main,
                ylog=bool(explorer.log),
                ylim=ylim,
                ylabel=f"{label} at the moment chosen",
            )
        )
    else:
        panels.append(
            Dots(
                over=explorer.main,
                value=VALUE,
                low=f"{VALUE}_lo",
                high=f"{VALUE}_hi",
                xlog=bool(explorer.log),
                xlim=ylim,
                xlabel=f"{label} at the moment chosen",
                empty="diverged or not measured",
            )
        )
    return panels


def controls(explorer: Explorer, cube: Cube) -> list[Any]:
    """Choose a control for each word and one for time.

    Args:
        explorer: Knows the words.
        cube: The data.

    Returns:
        Controls.
    """
    from ..figures import Scrub, Segmented, Select, Slider

    found: list[Any] = []
    for name, values in explorer.words.items():
        if is_numeric(values) and len(values) > 2:
            found.append(Slider(name))
        else:
            found.append((Segmented if len(values) <= BUTTONS else Select)(name))
    return [*found, Scrub(TIME)] if len(cube.dim(TIME)) > 1 else found


def sentences(explorer: Explorer) -> list[Any]:
    """Write the sentences: nothing measured, all diverged, some diverged, none.

    Args:
        explorer: Knows the words.

    Returns:
        Rules, the first that holds speaks.
    """
    from ..figures import Say

    label, seeds = label_of(explorer.y), explorer.rows.shape[-1]
    at = ", ".join(f"{label_of(n)} {{{n}}}" for n in explorer.words)
    spread = (
        f" (median of {seeds} seeds; they lie between {{{VALUE}_lo:.3g}} and "
        f"{{{VALUE}_hi:.3g}})"
        if seeds > 1
        else ""
    )
    lost = f"; {{{VALUE}_div}} of {seeds} runs have diverged" if seeds > 1 else ""
    whole = f"At {at}, the {label} is {{{VALUE}:.3g}} after {{{TIME}}} updates{spread}"
    return [
        Say(
            f"At {at}, nothing was measured after {{{TIME}}} updates.",
            lambda s: s.absent,
        ),
        Say(
            f"At {at}, {{{VALUE}_div}} of {seeds} runs have diverged within "
            f"{{{TIME}}} updates."
            if seeds > 1
            else f"At {at}, the run has diverged within {{{TIME}}} updates.",
            lambda s: not np.isfinite(s.measured),
        ),
        Say(f"{whole}{lost}.", lambda s: s.measured_div > 0),
        Say(f"{whole}."),
    ]
