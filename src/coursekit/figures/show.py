r"""Put a static figure on a page: light and dark, wide and narrow, with its finding.

One drawing function is called for each of four pictures, and the page chooses among
them without a script: by the theme of the book, of JupyterLab, VS Code and Colab or
of the system, and by its width. So text keeps its 12 pixels on a phone. The pictures
are SVG inside ``<img>``: sharp, small, and no id can clash with another figure's. A
host that shows no HTML, such as a PDF, gets the light picture as PNG; one that strips
styles still hides the pictures marked ``hidden``.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from html import escape
from io import BytesIO, StringIO
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from .style import NARROW, TWO_COLUMNS, WIDE, use_style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Draw = Callable[[], "Figure"]

_FONTS = "system-ui,-apple-system,'Segoe UI',Roboto,'DejaVu Sans',sans-serif"
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
        draw: Makes the figure, with axes from ``style.panels``; called once for each
            theme and width, so it draws and computes nothing.
        alt: The finding in one sentence, for those who do not see the picture.
        caption: The finding in words below the picture.

    Returns:
        What a cell ends in to show the figure.

    Raises:
        ValueError: If the finding is missing.

    Example:
        >>> from coursekit.figures.style import panels
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
        width, height = _pixels(wide)
        hidden = " hidden" if theme == "dark" else ""
        return (
            f'<picture><source media="(max-width:{TWO_COLUMNS}px)" '
            f'srcset="{_address(narrow)}"><img class="ck-on-{theme}"{hidden} '
            f'src="{_address(wide)}" width="{width}" height="{height}" alt="{alt}">'
            "</picture>"
        )

    def _repr_mimebundle_(
        self, include: Iterable[str] | None = None, exclude: Iterable[str] | None = None
    ) -> dict[str, Any]:
        png = b64encode(to_png(self.draw)).decode()
        return {"text/html": self.html, "image/png": png, "text/plain": repr(self)}


def to_svg(draw: Draw, theme: str = "light", width: float = WIDE) -> str:
    """Draw a figure as SVG: the same bytes whenever it is drawn again.

    Args:
        draw: Makes the figure.
        theme: ``"light"`` or ``"dark"``.
        width: Of the page, in CSS pixels.

    Returns:
        The markup, with text as text in the reader's system font.
    """
    import matplotlib as mpl

    with use_style(theme, width):
        figure = draw()
        # the letters of mathtext are placed one by one, which needs their own font
        formula = _has_formula(figure)
        buffer = StringIO()
        with mpl.rc_context({"svg.fonttype": "path" if formula else "none"}):
            figure.savefig(buffer, format="svg", metadata=_NO_METADATA)
    return _tidied(buffer.getvalue(), digits=not formula)


def to_png(
    draw: Draw, theme: str = "light", width: float = WIDE, scale: float = 1.5
) -> bytes:
    """Draw a figure as PNG, in few colours to keep it small.

    Args:
        draw: Makes the figure.
        theme: ``"light"`` or ``"dark"``.
        width: Of the page, in CSS pixels.
        scale: Image pixels a CSS pixel.

    Returns:
        The file.
    """
    from PIL import Image

    buffer, small = BytesIO(), BytesIO()
    with use_style(theme, width):
        draw().savefig(buffer, format="png", dpi=96 * scale)
    picture = Image.open(buffer).convert("RGB")
    few = picture.quantize(128, dither=Image.Dither.NONE)
    few.save(small, "PNG", optimize=True)
    return small.getvalue()


_NO_METADATA = {"Date": None, "Creator": None, "Format": None, "Type": None}


def _has_formula(figure: Figure) -> bool:
    from matplotlib.text import Text

    return any(
        "$" in text.get_text()
        for text in figure.findobj(Text)
        if isinstance(text, Text)
    )


_WASTE = (
    r"<metadata>.*?</metadata>|<!--.*?-->| ?font-family: 'DejaVu Sans'[^;\"]*;?"
    r"| transform=\"rotate\(-0 [^\"]*\""
)


def _tidied(svg: str, digits: bool) -> str:
    svg = re.sub(_WASTE, "", svg[svg.index("<svg") :], flags=re.DOTALL)
    svg = re.sub(r"\n\s*", " ", svg)
    used = set(re.findall(r"#([\w-]+)", svg))
    svg = re.sub(r' id="([^"]*)"', lambda m: m[0] if m[1] in used else "", svg)
    if digits:
        svg = re.sub(r'="[^"]*"', _shorter, svg)
    svg = svg.replace("</style>", f"text{{font-family:{_FONTS}}}</style>", 1)
    svg = re.sub(r">\s+<", "><", svg).replace("<g/>", "")
    return svg.strip()


def _shorter(attribute: re.Match[str]) -> str:
    return re.sub(r"(\d\.\d\d)\d+", r"\1", attribute[0])


def _pixels(svg: str) -> tuple[int, int]:
    found = re.match(r'<svg[^>]*?width="([\d.]+)pt" height="([\d.]+)pt"', svg)
    assert found is not None
    return round(float(found[1]) / 0.75), round(float(found[2]) / 0.75)


def _address(svg: str) -> str:
    # percent signs compress far better than base64, in git and on the way to a reader
    return "data:image/svg+xml," + quote(svg.replace('"', "'"), safe="!$'()*+,/:;=?@")
