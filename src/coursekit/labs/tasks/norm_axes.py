r"""Exercise: say which entries of a tensor share a mean.

For $x$ of shape $[N, C, \text{positions} \dots]$ all norms of the chapter compute the
same formula; they differ in the axes that the mean runs over:

$$ \text{batch: every channel, over the batch and all positions} \tag{1} $$
$$ \text{layer: every example, over its channels and positions} \tag{2} $$
$$ \text{instance: every channel of every example, over its positions} \tag{3} $$
$$ \text{group: every example's groups, over } C/G \text{ channels and positions}
   \tag{4} $$
$$ \text{positional: every position of every example, over its channels} \tag{5} $$

References:
    Wu, He 2018, arXiv 1803.08494, equations 3 to 5 and 7.
    Li, Wu, Weinberger, Belongie 2019, arXiv 1907.04312.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from torch import Tensor

from coursekit.labs.exercise import Case, Exercise, Hint, Unusable
from coursekit.labs.mutants.norm_axes import MUTANTS
from coursekit.labs.reading import NONE, describe, read_whole
from coursekit.norm import norm_axes

__all__ = ["NORM_AXES"]

LINES = {"batch": 1, "layer": 2, "instance": 3, "group": 4, "positional": 5}
WHAT = "a tuple of axes, (1,) or (0, 2) say"


def _cases(rng: np.random.Generator, visible: bool) -> list[Case]:
    def case(kind: str, positions: int) -> Case:
        sizes = rng.integers(2, 9, size=2 + positions)
        shape = tuple(int(n) for n in sizes * [1, 2, *[1] * positions])
        says = f"norm_axes({kind!r}, {shape})"
        return Case(kind, (kind, shape), says, f"({LINES[kind]})")

    names = ("batch", "layer")
    cases = [case(kind, positions) for positions in (2, 0) for kind in names]
    if visible:
        return cases
    rest = ("instance", "group", "positional")
    return [
        *cases,
        *(case(kind, positions) for positions in (1, 3) for kind in names),
        *(case(kind, positions) for positions in (2, 1, 3) for kind in rest),
        *(case(kind, 0) for kind in ("group", "positional")),
    ]


def _read(case: Case, answer: Any) -> list[int]:
    kind, shape = case.args
    if answer is None:
        raise Unusable(NONE.format(WHAT))
    if isinstance(answer, Tensor) and answer.dim() == 1:
        answer = answer.tolist()
    if not isinstance(answer, (list, tuple)):
        raise Unusable(f"The function returned {describe(answer)}, expected {WHAT}.")
    axes = [read_whole(axis, "a tuple of whole numbers") for axis in answer]
    count = len(shape) + (kind == "group")
    for axis in axes:
        if not -count <= axis < count:
            view = " the view of" if kind == "group" else ""
            raise Unusable(
                f"The function returned axis {axis}, but{view} x has the axes 0 to "
                f"{count - 1}."
            )
    return sorted({axis % count for axis in axes})


def _compare(case: Case, got: list[int], expected: list[int]) -> str | None:
    if got == expected:
        return None
    kind, shape = case.args
    view = "[N, C, positions]"
    if kind == "group":
        view = "[N, G, C/G, positions], the view with an axis of groups,"
    return (
        f"It gave the axes {_row(got)}, expected {_row(expected)} of {view} for x with "
        f"{len(shape)} axes."
    )


def _row(axes: list[int]) -> str:
    return f"({', '.join(map(str, axes))}{',' * (len(axes) == 1)})"


NORM_AXES = Exercise(
    name="norm_axes",
    signature="norm_axes(kind, shape)",
    title="Which entries share a mean",
    minutes=8,
    difficulty=2,
    parts={"batch": 1, "layer": 1, "instance": 1, "group": 1, "positional": 1},
    equations={
        "(1)": "batch: a channel, over the batch and all positions",
        "(2)": "layer: an example, over its channels and positions",
        "(3)": "instance: a channel of an example, over its positions",
        "(4)": "group: C/G channels of an example, over them and positions",
        "(5)": "positional: a position of an example, over its channels",
    },
    cases=_cases,
    reference=norm_axes,
    read=_read,
    compare=_compare,
    mutants=MUTANTS,
    hints=(
        Hint(
            "Do I return the axes that are averaged, or those that are left?",
            "Those that are averaged, as you would hand them to `x.mean(axes)`. If a "
            "mean belongs to a channel, the axis of channels is the one that is *not* "
            "among them.",
            helps=("axes_that_stay",),
        ),
        Hint(
            "Right for images, wrong for a table",
            "How many positions there are depends on `len(shape)`: "
            "`tuple(range(2, len(shape)))` are the axes of positions, none for "
            "a table.",
            helps=("images_only",),
        ),
        Hint(
            "How can a group be an axis?",
            "`x.reshape(N, G, C // G, *positions)` has one axis more than x. Write its "
            "axes down with their numbers and ask for each whether one group's mean "
            "runs over it.",
            helps=(
                "group_without_view",
                "group_forgets_shift",
                "group_is_layer",
                "group_is_instance",
            ),
        ),
    ),
)
