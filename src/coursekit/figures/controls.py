r"""Describe the seven controls: how a reader moves the state.

Each control is a native, labelled element of the page, so that keyboard and screen
reader get what a pointer gets. ``Pick`` adds the pointer in a panel to native selects.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar


@dataclass(frozen=True)
class Control:
    """Hold what the controls of one dimension share.

    Args:
        dim: The dimension it sets.
        label: Words beside it; by default the dimension's label.
        more: Whether it waits behind "more settings".
    """

    kind: ClassVar[str] = ""
    dim: str
    label: str | None = None
    more: bool = False

    @property
    def dims(self) -> tuple[str, ...]:
        """Dimensions that the control sets."""
        return (self.dim,)


@dataclass(frozen=True)
class Slider(Control):
    """Move along an ordered or continuous dimension.

    Args:
        dim: The dimension it sets.
        label: Words beside it; by default the dimension's label.
        more: Whether it waits behind "more settings".
        stops: Name to value: settings worth a button, such as ``{"He": 1.41}``. In a
            closed form a value may be the name of an output, which moves with the
            other settings ("best for GD").
    """

    kind: ClassVar[str] = "slider"
    stops: Mapping[str, float | str] = field(default_factory=dict)


@dataclass(frozen=True)
class Segmented(Control):
    """Choose one of a few settings, all in sight."""

    kind: ClassVar[str] = "segmented"


@dataclass(frozen=True)
class Select(Control):
    """Choose one of many settings from a list."""

    kind: ClassVar[str] = "select"


@dataclass(frozen=True)
class Toggle(Control):
    """Switch a dimension of exactly two settings: off, then on."""

    kind: ClassVar[str] = "toggle"


@dataclass(frozen=True)
class Scrub(Control):
    """Move through time: play, pause, single steps."""

    kind: ClassVar[str] = "scrub"


@dataclass(frozen=True, init=False)
class Pick:
    """Choose in a panel, by pointer or arrows, beside a native select for each.

    Every panel spread over all the named dimensions becomes pickable.

    Args:
        *dims: The dimensions to set.
        label: Words for the group.
    """

    kind: ClassVar[str] = "pick"
    dims: tuple[str, ...]
    label: str | None
    more: bool

    def __init__(self, *dims: str, label: str | None = None, more: bool = False):
        object.__setattr__(self, "dims", dims)
        object.__setattr__(self, "label", label)
        object.__setattr__(self, "more", more)


@dataclass(frozen=True)
class Predict:
    """Ask for a prediction before the hand moves; record it, and never block.

    Args:
        question: What to predict.
        options: The answers to choose from.
        answer: The one that holds, if it is one of them.
        reply: Sentence with fields that the text line adds to the answer.
        when: State (dimension to value) in which the answer is given; at once if
            omitted.
    """

    kind: ClassVar[str] = "predict"
    question: str
    options: Sequence[str]
    answer: str | None = None
    reply: str = ""
    when: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "options", tuple(self.options))
        if len(self.options) < 2:
            raise ValueError(f"Predict needs at least two options, got {self.options}")
        if self.answer is not None and self.answer not in self.options:
            raise ValueError(
                f"Predict: answer {self.answer!r} is none of {list(self.options)}"
            )
