r"""Draw the resting state of a live figure with matplotlib, from its specification.

The picture stands where no script runs: in a PDF, on GitHub, before a page is awake.
It shows the panels as ``js/marks/`` draws them; title and sentence stand beside it as
text.
"""

from .layout import render_static

__all__ = ["render_static"]
