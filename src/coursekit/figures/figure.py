r"""Specify a figure once: data, panels, controls, sentences, and its resting state.

A figure is *one* state; every panel is a function of it. The same specification draws
the live figure (:mod:`coursekit.figures.html`), the resting picture
(:mod:`coursekit.figures.static`) and the sheet of all sentences for proof-reading.

Prose links set a state, by value or name, and the page follows::

    <a href="#fig-init-scale?activation=relu&gain=1.41">He's gain</a>

(raw HTML, because a Markdown link of this form is looked up as a heading). What the
link does not name stays as it is; "Link to this state" below a figure writes one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from .closed_form import ClosedForm
from .controls import Control, Pick, Predict, Slider
from .cube import Cube
from .marks import Mark
from .numbers import format_number
from .says import Say, choose, table
from .sentence import Part, Sentence, Sentences, compile_text, fill
from .space import Space, State
from .states import continuous, list_states
from .validate import check_figure


@dataclass(frozen=True, eq=False)
class Figure:
    """Hold a figure that is alive in a page and at rest on paper.

    Args:
        id: Short name, part of the address of its states: ``#fig-<id>?gain=1.41``.
        title: The question it answers.
        data: Stored runs, or a closed form.
        panels: What it draws, each a mark.
        controls: How the reader moves the state.
        start: The resting state: dimension to value or name.
        predict: A prediction asked for before the hand moves.
        says: The text line's rules; the first that holds speaks.
        alt: The finding in one sentence, for those who do not see the picture.
        claims: Ids of the claims it serves.
        caption: Words below the figure.
        model: A closed form beside stored runs.

    Raises:
        ValueError: If anything named does not exist, does not fit or cannot be said.
    """

    id: str
    title: str
    data: Cube | ClosedForm
    panels: Sequence[Mark]
    controls: Sequence[Control | Pick]
    start: Mapping[str, Any]
    predict: Predict | None = None
    says: Sequence[Say] = ()
    alt: str = ""
    claims: Sequence[str] = ()
    caption: str = ""
    model: ClosedForm | None = None
    space: Space = field(init=False, repr=False)
    state: State = field(init=False, repr=False)

    def __post_init__(self) -> None:
        is_cube = isinstance(self.data, Cube)
        model = self.model if is_cube else self.data
        put = object.__setattr__
        put(self, "space", Space(self.data if is_cube else None, model))  # type: ignore[arg-type]
        put(self, "state", self.space.read(self.start))
        check_figure(self)
        self._check_sentences()

    @cached_property
    def compiled(self) -> list[list[Part]]:
        """Sentences split into words and fields, one a rule."""
        return [compile_text(s.text, self.space, [*self.state]) for s in self.says]

    @cached_property
    def reply(self) -> list[Part]:
        """The prediction's reply, split into words and fields."""
        text = self.predict.reply if self.predict else ""
        return compile_text(text, self.space, [*self.state])

    @cached_property
    def rule_table(self) -> tuple[list[str], np.ndarray] | None:
        """Rule of every state over the dimensions that matter; None if by fields.

        Raises:
            ValueError: If a rule is a function and the states cannot be listed.
        """
        if not any(callable(s.when) for s in self.says):
            return None
        if open_dims := continuous(self.space, self.state):
            raise ValueError(
                f"Say(when=function) needs states that can be listed, but {open_dims} "
                "are continuous; let when= name an output of the closed form"
            )
        return table(self.says, self.space, self.state)

    def rule(self, state: State) -> int:
        """Find the rule that speaks in a state.

        Args:
            state: Position of every dimension of ``start``.

        Returns:
            Its place in ``says``.
        """
        if self.rule_table is None:
            return choose(self.says, self.space, state)
        names, found = self.rule_table
        return int(found[tuple(int(state[n]) for n in names)])

    def sentence(self, state: State | None = None) -> str:
        """Return the sentence of a state.

        Args:
            state: Position of every dimension of ``start``; the resting state if
                omitted.

        Returns:
            The text, as the page writes it.
        """
        state = self.state if state is None else state
        return fill(self.compiled[self.rule(state)], self.space, state)

    def states(self) -> list[State]:
        """List the states a reader can reach: all, or a fixed sample if continuous.

        Returns:
            The states.
        """
        notable = {
            c.dim: [v for v in c.stops.values() if not isinstance(v, str)]
            for c in self.controls
            if isinstance(c, Slider) and c.dim in continuous(self.space, self.state)
        }
        return list_states(self.space, self.state, notable)

    def sentences(self) -> Sentences:
        """Write the sentence of every state, for tests and proof-reading.

        Returns:
            A list that prints as a sheet.
        """
        return Sentences(
            Sentence(self._words(s), s, self.sentence(s)) for s in self.states()
        )

    def static(self, theme: str = "light") -> Any:
        """Draw the resting state with matplotlib, from the same specification.

        Args:
            theme: ``"light"`` or ``"dark"``.

        Returns:
            A matplotlib figure.
        """
        from .static import render_static

        return render_static(self, theme)

    def html(self) -> str:
        """Write the live figure as one self-contained fragment of HTML.

        Returns:
            The fragment: no request, no library, no duplicate ids.
        """
        from .html import fragment

        return fragment(self)

    def save_html(self, path: str | Path) -> Path:
        """Write a page that holds the live figure alone and opens from a file.

        Args:
            path: Where to.

        Returns:
            The path.
        """
        from .html import page

        Path(path).write_text(page([self], self.title), encoding="utf-8")
        return Path(path)

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        from .html import mimebundle

        return mimebundle(self)

    def _words(self, state: State) -> dict[str, str]:
        return {n: self.space.name_of(n, state) for n in state}

    def _check_sentences(self) -> None:
        for state in self.states():
            parts = self.compiled[self.rule(state)]
            for name, number in self._numbers(parts, state):
                if not np.isfinite(number):
                    raise ValueError(
                        f"figure {self.id!r}: the sentence of {self._words(state)} "
                        f"would say {name} is {format_number(number)}; put a Say for "
                        "such states before it"
                    )
        _ = self.reply

    def _numbers(
        self, parts: Sequence[Part], state: State
    ) -> Iterator[tuple[str, float]]:
        for part in parts:
            if isinstance(part, dict) and part["name"] in self.space.fields:
                there = state | part["at"]
                yield part["name"], float(self.space.array(part["name"], there))
