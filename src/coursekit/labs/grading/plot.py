r"""Draw the race of an open task as SVG inside the page: no script, nothing loaded.

Colours are variables of the page, so the picture follows its theme; each line has a
dash, a mark and its name beside it.  All text here is ours: of the student there are
numbers alone.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape
from itertools import pairwise

from coursekit.figures.palette import DASHES, GLYPHS, MARKERS, SERIES
from coursekit.labs.grading.outcome import Curve, Race
from coursekit.labs.open_tasks import Open

__all__ = ["finding", "race_picture"]

WIDTH, HEIGHT = 340, 220
LEFT, RIGHT, TOP, BOTTOM = 32, 236, 16, 184
LINE = 13  # between two names
CUT, FLOOR, CHANCE = 10.0, 1e-3, math.log(10)
LEVEL = 0.02  # losses closer than this part of each other are level
CAVEAT = "This is one comparison, without an interval."


def race_picture(race: Race, task: Open) -> str:
    """Draw the curves of a race, with a caption that states the finding.

    Args:
        race: The curves, the student's first.
        task: What was to be done.

    Returns:
        A ``<figure>``.
    """
    said = finding(race, task)
    box = _Box(race, task)
    names = zip(race.curves, box.names(), strict=True)
    drawn = [box.axes(), *(box.line(k, c) for k, c in enumerate(race.curves.values()))]
    drawn += [_name(k, name, y, box) for k, (name, y) in enumerate(names)]
    return (
        f'<figure><svg role="img" aria-label="{escape(said, quote=True)}" '
        f'viewBox="0 0 {WIDTH} {HEIGHT}">{"".join(drawn)}</svg>'
        f'<figcaption>{escape(said)} <span class="meta">{escape(task.setting)} '
        f"{CAVEAT}</span></figcaption></figure>"
    )


def finding(race: Race, task: Open) -> str:
    """Say how the race ended, and whether the student's run beats the best.

    Args:
        race: The curves, the student's first.
        task: What was to be done.

    Returns:
        A sentence for the end; where the axis is a size, one for each of its ends.
    """
    ends = (0, -1) if task.sizes else (-1,)
    return " ".join(_ending(race, task, at) for at in ends)


def _ending(race: Race, task: Open, at: int) -> str:
    place = race.curves["yours"][0][at]
    where = task.where.format(x=2**place if task.sizes else place)
    ends = {name: losses[at] for name, (_, losses) in race.curves.items()}
    told = ", ".join(f"{name} {_number(loss)}" for name, loss in ends.items())
    return f"{where} the training loss is: {told}. {_verdict(ends)}"


def _verdict(ends: dict[str, float | None]) -> str:
    yours = ends["yours"]
    others = {k: v for k, v in ends.items() if k != "yours" and v is not None}
    if yours is None:
        return "Yours diverged."
    if not others:
        return "Yours alone did not diverge."
    best, loss = min(others.items(), key=lambda pair: pair[1])
    if abs(yours - loss) <= LEVEL * max(yours, loss):
        return f"Yours is level with the best of the chapter, {best}."
    if yours < loss:
        return f"Yours beats the best of the chapter, {best}."
    return f"Yours does not beat the best of the chapter, {best}."


def _number(loss: float | None) -> str:
    if loss is None:
        return "diverged"
    return f"{loss:.2f}" if loss >= 0.1 else f"{loss:#.2g}"


class _Box:
    """Place numbers in the picture."""

    def __init__(self, race: Race, task: Open):
        self.curves, self.task = list(race.curves.values()), task
        places = [x for xs, _ in self.curves for x in xs]
        losses = [min(max(v, FLOOR), CUT) for _, ys in self.curves for v in ys if v]
        losses.append(CHANCE)
        self.left, self.right = min(places), max(places)
        self.low, self.high = min(losses), max(losses)
        self.log = self.high > 8 * self.low
        if not self.log:
            air = 0.06 * (self.high - self.low) or 1.0
            self.low, self.high = self.low - air, self.high + air

    def x(self, place: float) -> float:
        share = (place - self.left) / (self.right - self.left)
        return round(LEFT + share * (RIGHT - LEFT), 1)

    def y(self, loss: float) -> float:
        loss = min(max(loss, self.low), self.high)
        if self.log:
            share = math.log(loss / self.low) / math.log(self.high / self.low)
        else:
            share = (loss - self.low) / (self.high - self.low)
        return round(BOTTOM - share * (BOTTOM - TOP), 1)

    def axes(self) -> str:
        """Draw the grid, the numbers beside it and the level of guessing.

        Returns:
            SVG.
        """
        out = ""
        for loss in self._losses():
            y = self.y(loss)
            out += f'<path d="M{LEFT} {y}H{RIGHT}" stroke="var(--grid)"/>'
            out += f'<text x="{LEFT - 4}" y="{y + 4}" text-anchor="end">{loss:g}</text>'
        for place, text in self._places():
            x = self.x(place)
            out += f'<text x="{x}" y="{BOTTOM + 14}" text-anchor="middle">{text}</text>'
        y, middle = self.y(CHANCE), (LEFT + RIGHT) / 2
        out += f'<path d="M{LEFT} {y}H{RIGHT}" stroke="var(--ink)" '
        out += 'stroke-dasharray="1 3"/>'
        cut = f" (cut at {CUT:g})" if self.high >= CUT else ""
        out += f'<text x="{LEFT}" y="10">training loss{cut}; dotted: guessing</text>'
        axis = escape(self.task.axis)
        return out + (
            f'<text x="{middle}" y="{BOTTOM + 30}" text-anchor="middle">{axis}</text>'
        )

    def _losses(self) -> list[float]:
        if self.log:
            ticks = [10.0**k for k in range(-3, 2)]
        else:
            step = _step(self.high - self.low)
            first = math.ceil(self.low / step)
            ticks = [round(step * k, 6) for k in range(first, first + 6)]
        return [t for t in ticks if self.low <= t <= self.high]

    def _places(self) -> list[tuple[float, str]]:
        if self.task.sizes:
            return [(x, f"{2**x:g}") for x in self.curves[0][0]]
        step = _step(self.right - self.left)
        count = int((self.right - self.left) / step + 1e-9)
        ticks = [self.left + step * k for k in range(count + 1)]
        return [(t, f"{t:g}") for t in ticks]

    def line(self, k: int, curve: Curve) -> str:
        """Draw one curve, up to where it diverged.

        Args:
            k: Its number.
            curve: Places and losses.

        Returns:
            SVG.
        """
        points = [(self.x(x), y) for x, y in zip(*curve, strict=True)]
        good = [(x, self.y(y)) for x, y in points if y is not None]
        path = "".join(
            f"{'M' if i == 0 else 'L'}{x} {y}" for i, (x, y) in enumerate(good)
        )
        dash = " ".join(map(str, DASHES[k]))
        style = f'stroke-dasharray="{dash}"' if dash else ""
        drawn = (
            f'<path d="{path}" fill="none" stroke="var(--{SERIES[k]})" '
            f'stroke-width="{1.6 if k else 2.6}" {style}/>'
        )
        if len(good) < len(points):
            x, y = good[-1] if good else (LEFT, TOP)
            cross = GLYPHS["diverged"]
            drawn += f'<text x="{x}" y="{y + 4}" text-anchor="middle">{cross}</text>'
        return drawn

    def names(self) -> list[float]:
        """Place the names beside the ends of their lines, none on another.

        Returns:
            Heights.
        """
        ends = []
        for _, losses in self.curves:
            good = [v for v in losses if v is not None]
            ends.append(self.y(good[-1]) if good and losses[-1] is not None else TOP)
        order = sorted(range(len(ends)), key=lambda k: ends[k])
        for above, k in pairwise(order):
            ends[k] = max(ends[k], ends[above] + LINE)
        lowest = float(BOTTOM)
        for k in reversed(order):  # back up from below the picture
            ends[k] = min(ends[k], lowest)
            lowest = ends[k] - LINE
        return ends


def _step(span: float) -> float:
    """Choose a distance of three to six ticks.

    Returns:
        1, 2 or 5 times a power of ten.
    """
    power = 10.0 ** math.floor(math.log10(span / 3))
    return next(s * power for s in (5, 2, 1) if span / (s * power) >= 3 or s == 1)


def _name(k: int, name: str, y: float, box: _Box) -> str:
    losses: Sequence[float | None] = box.curves[k][1]
    end = f" {GLYPHS['diverged']}" if losses[-1] is None else ""
    weight = "" if k else ' font-weight="bold"'
    return (
        f'<text x="{RIGHT + 6}" y="{round(y + 4, 1)}" style="fill:var(--{SERIES[k]})"'
        f"{weight}>{MARKERS[k]} {escape(name)}{end}</text>"
    )
