r"""Write a drawing as SVG or PNG: small, and the same bytes whenever it is drawn."""

from __future__ import annotations

import re
from collections.abc import Callable
from io import BytesIO, StringIO
from typing import TYPE_CHECKING
from urllib.parse import quote

from .style import WIDE, use_style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Draw = Callable[[], "Figure"]

_FONTS = "system-ui,-apple-system,'Segoe UI',Roboto,'DejaVu Sans',sans-serif"
_NO_METADATA = {"Date": None, "Creator": None, "Format": None, "Type": None}
_WASTE = (
    r"<metadata>.*?</metadata>|<!--.*?-->| ?font-family: 'DejaVu Sans'[^;\"]*;?"
    r"| transform=\"rotate\(-0 [^\"]*\""
)


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
    buffer = BytesIO()
    with use_style(theme, width):
        draw().savefig(buffer, format="png", dpi=96 * scale)
    return in_few_colours(buffer)


def in_few_colours(picture: BytesIO) -> bytes:
    """Make a picture a third of its size.

    The colours kept are those farthest apart: counting pixels instead would drop the
    thin line in focus first.

    Args:
        picture: A PNG.

    Returns:
        The same as a PNG of 128 colours.
    """
    from PIL import Image

    small, far = BytesIO(), Image.Quantize.MAXCOVERAGE
    full = Image.open(picture).convert("RGB")
    few = full.quantize(128, method=far, dither=Image.Dither.NONE)
    few.save(small, "PNG", optimize=True)
    return small.getvalue()


def pixels(svg: str) -> tuple[int, int]:
    """Read the size of a picture.

    Args:
        svg: As ``to_svg`` gives it.

    Returns:
        Width and height in CSS pixels.
    """
    found = re.match(r'<svg[^>]*?width="([\d.]+)pt" height="([\d.]+)pt"', svg)
    assert found is not None
    return round(float(found[1]) / 0.75), round(float(found[2]) / 0.75)


def address(svg: str) -> str:
    """Write a picture as an address, for ``src`` and ``srcset``.

    Args:
        svg: As ``to_svg`` gives it.

    Returns:
        A ``data:`` address without spaces or double quotes.
    """
    # percent signs compress far better than base64, in git and on the way to a reader
    return "data:image/svg+xml," + quote(svg.replace('"', "'"), safe="!$'()*+,/:;=?@")


def _has_formula(figure: Figure) -> bool:
    from matplotlib.text import Text

    return any(
        "$" in text.get_text()
        for text in figure.findobj(Text)
        if isinstance(text, Text)
    )


def _tidied(svg: str, digits: bool) -> str:
    svg = re.sub(_WASTE, "", svg[svg.index("<svg") :], flags=re.DOTALL)
    svg = re.sub(r"\n\s*", " ", svg)
    used = set(re.findall(r"#([\w-]+)", svg))
    svg = re.sub(r' id="([^"]*)"', lambda m: m[0] if m[1] in used else "", svg)
    if digits:
        svg = re.sub(r'="[^"]*"', _shorter, svg)
    svg = re.sub(r'(?<= )(d|style|transform)="([^"]*)"', _closer, svg)
    svg = svg.replace("</style>", f"text{{font-family:{_FONTS}}}</style>", 1)
    svg = re.sub(r">\s+<", "><", svg).replace("<g/>", "")
    return svg.strip()


def _shorter(attribute: re.Match[str]) -> str:
    return re.sub(r"(\d\.\d\d)\d+", r"\1", attribute[0])


def _closer(attribute: re.Match[str]) -> str:
    """Leave out spaces, each of which takes three letters in an address.

    Returns:
        The attribute.
    """
    name, value = attribute[1], attribute[2].strip()
    if name == "style":
        value = re.sub(r"([;:])\s+", r"\1", value)
    else:
        value = re.sub(r"\s*([A-Za-z(),])\s*", r"\1", value) if name == "d" else value
        value = re.sub(r"(?<=\d)\s+(?=[-\d.])", ",", value)
    return f'{name}="{value}"'
