r"""Put a static figure on a page: light and dark, wide and narrow, with its finding.

One drawing function is called for each of four pictures, and the page chooses among
them without a script: by the theme of the book, of JupyterLab, VS Code and Colab or
of the system, and by its width. So text keeps its 12 pixels on a phone. The pictures
are SVG inside ``<img>``: sharp, small, and no id can clash with another figure's. A
host that shows no HTML, such as a PDF, gets the light picture as PNG; one that strips
styles still hides the pictures marked ``hidden``.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from html import escape
from typing import Any

from .pictures import Draw, address, pixels, to_png, to_svg
from .style import NARROW, TWO_COLUMNS, WIDE

_DARK = (
    "html[data-theme=dark]",
    "html[theme=dark]",
    "body[data-jp-theme-light=false]",
    "body[data-vscode-theme-kind$=dark]",
)
_UNNAMED = (
    "html:not([data-theme],[theme]) "
    "body:not([data-jp-theme-light],[data-vscode-theme-kind])"
)
_SWITCH = (
    "{root} .ck-static .ck-on-light{{display:none!important}}"
    "{root} .ck-static .ck-on-dark{{display:block!important}}"
)
_STYLE = (
    "<style>.ck-static{margin:1em 0}.ck-static img{max-width:100%;height:auto;"
    "border-radius:8px;background:none!important}"
    ".ck-static figcaption{font-size:.9em;line-height:1.45;margin-top:.4em}"
    ".bd-content div.cell_output .text_html:has(.ck-static){"
    "background:none!important;color:inherit!important}"
    + "".join(_SWITCH.format(root=root) for root in _DARK)
    + f"@media(prefers-color-scheme:dark){{{_SWITCH.format(root=_UNNAMED)}}}</style>"
)


def show_static(draw: Draw, *, alt: str, caption: str | None = None) -> StaticPicture:
    """Show a static figure in a notebook, readable in light, in dark and on a phone.

    Args:
        draw: Makes the figure, with axes from ``panels``; called once for each
            theme and width, so it draws and computes nothing.
        alt: The finding in one sentence, for those who do not see the picture.
        caption: The finding in words below the picture.

    Returns:
        What a cell ends in to show the figure.

    Raises:
        ValueError: If the finding is missing.

    Example:
        >>> from coursekit.figures import panels
        >>> def draw():
        ...     figure, (ax,) = panels(1)
        ...     ax.plot([0, 1], [0, 1])
        ...     return figure
        >>> show_static(draw, alt="The line rises.")
        Figure: The line rises.
    """
    if not alt.strip():
        raise ValueError("alt: expected the finding in one sentence, got nothing")
    return StaticPicture(draw, alt, caption or "")


@dataclass(frozen=True, eq=False)
class StaticPicture:
    """Hold a drawing function with the words that belong to it."""

    draw: Draw
    alt: str
    caption: str = ""

    def __repr__(self) -> str:
        return f"Figure: {self.caption or self.alt}"

    @cached_property
    def html(self) -> str:
        """The four pictures with their caption, as one fragment of HTML."""
        light = self._picture("light", escape(self.alt))
        dark = self._picture("dark", escape(self.alt))
        words = f"<figcaption>{escape(self.caption)}</figcaption>"
        return (
            f'{_STYLE}<figure class="ck-static">{light}{dark}'
            f"{words if self.caption else ''}</figure>"
        )

    def _picture(self, theme: str, alt: str) -> str:
        wide, narrow = (to_svg(self.draw, theme, width) for width in (WIDE, NARROW))
        width, height = pixels(wide)
        hidden = " hidden" if theme == "dark" else ""
        return (
            f'<picture><source media="(max-width:{TWO_COLUMNS}px)" '
            f'srcset="{address(narrow)}"><img class="ck-on-{theme}"{hidden} '
            f'src="{address(wide)}" width="{width}" height="{height}" alt="{alt}">'
            "</picture>"
        )

    def _repr_mimebundle_(
        self, include: Iterable[str] | None = None, exclude: Iterable[str] | None = None
    ) -> dict[str, Any]:
        png = b64encode(to_png(self.draw)).decode()
        return {"text/html": self.html, "image/png": png, "text/plain": repr(self)}
