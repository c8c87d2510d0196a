r"""Describe ``Tree``: decision steps as a nested list."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from .base import Mark, Use


@dataclass(frozen=True)
class Leaf:
    """End a branch of a decision tree.

    Args:
        text: The conclusion.
    """

    text: str


@dataclass(frozen=True)
class Branch:
    """Ask a question of a decision tree.

    Args:
        question: The question.
        answers: Answer to :class:`Branch` or :class:`Leaf`, in order.
    """

    question: str
    answers: Mapping[str, Branch | Leaf] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Tree(Mark):
    """Draw decision steps as a nested list, the active branch marked in words.

    Nodes are numbered from 0 in the order of reading (each question before its
    answers), so that a field can say where the reader stands.

    Args:
        root: The first question.
        active: Scalar field: number of the node reached; a question if undecided.
    """

    kind: ClassVar[str] = "tree"
    root: Branch
    active: str

    @property
    def nodes(self) -> tuple[Branch | Leaf, ...]:
        """All nodes, in the order of their numbers."""
        return tuple(_walk(self.root))

    def uses(self) -> Iterator[Use]:  # ruff: ignore[undocumented-public-method]
        yield Use(self.active)


def _walk(node: Branch | Leaf) -> Iterator[Branch | Leaf]:
    yield node
    if isinstance(node, Branch):
        for child in node.answers.values():
            yield from _walk(child)
