"""Draw what the runs say: static pictures and live figures from one specification."""

from . import plots
from .closed_form import ClosedForm, Range
from .controls import Pick, Predict, Scrub, Segmented, Select, Slider, Toggle
from .cube import Array, Cube, Dim, provenance, seed_arrays
from .figure import Figure
from .marks import (
    Arrow,
    Branch,
    Dots,
    Heatmap,
    Leaf,
    Lines,
    Path,
    Point,
    Ref,
    Ridges,
    Series,
    Surface,
    Tree,
)
from .says import Say
from .show import show_static
from .style import panels, use_style

__all__ = [
    "Array",
    "Arrow",
    "Branch",
    "ClosedForm",
    "Cube",
    "Dim",
    "Dots",
    "Figure",
    "Heatmap",
    "Leaf",
    "Lines",
    "Path",
    "Pick",
    "Point",
    "Predict",
    "Range",
    "Ref",
    "Ridges",
    "Say",
    "Scrub",
    "Segmented",
    "Select",
    "Series",
    "Slider",
    "Surface",
    "Toggle",
    "Tree",
    "panels",
    "plots",
    "provenance",
    "seed_arrays",
    "show_static",
    "use_style",
]
