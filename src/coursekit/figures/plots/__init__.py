r"""Draw the static figures that chapters share, from plain arrays.

Each function draws on one of the axes of :func:`coursekit.figures.panels`,
inside a drawing function handed to :func:`coursekit.figures.show_static`. Runs come as
``[seed, …]``: up to seven seeds are shown as their median and range, from eight on as
median, middle half and thin extremes; the axis says which.
"""

from .compare import paired_dots, theory_vs_measured
from .fields import heat
from .flow import flow
from .lines import layer_lines, lines
from .seeds import limits_of, summary, with_seeds

__all__ = [
    "flow",
    "heat",
    "layer_lines",
    "limits_of",
    "lines",
    "paired_dots",
    "summary",
    "theory_vs_measured",
    "with_seeds",
]
