r"""Describe the six marks: what a panel draws, never how.

A mark names dimensions and fields of the figure's data. Whatever a field needs beyond
the dimensions that its mark spreads out (an axis, a family, facets) is taken from the
figure's state, so each panel is a function of that one state. The drawing stands in
``js/marks/`` for the live figure and in :mod:`coursekit.figures.static` for paper.
"""

from .base import Mark, Ref, Use
from .dots import Dots
from .heatmap import Heatmap
from .lines import Lines, Series
from .ridges import Ridges
from .surface import Arrow, Path, Point, Surface
from .tree import Branch, Leaf, Tree

__all__ = [
    "Arrow",
    "Branch",
    "Dots",
    "Heatmap",
    "Leaf",
    "Lines",
    "Mark",
    "Path",
    "Point",
    "Ref",
    "Ridges",
    "Series",
    "Surface",
    "Tree",
    "Use",
]
