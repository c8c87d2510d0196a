r"""State the colours, dashes and markers of every figure, once.

The scripts of the live figures, the matplotlib style and the book's style sheet
all take their values from here. Hues are those of Okabe and Ito: most of the
dark theme is their originals; in light they are darkened until a line *and* its
label reach 4.5 : 1 on the ground. A colour never carries a meaning alone: each
series has a dash and a marker too, so a grey print still tells five lines apart.

A series is an index into ``SERIES``, ``DASHES`` and ``MARKERS``; a *role* is a
key of ``PALETTE["light"]`` and ``PALETTE["dark"]``.

Meanings that stay for the whole book: the activation is blue and the
back-propagated signal vermillion (``MEANINGS``); training is solid and test
dashed; what was measured is solid and what theory says is the 3-3 grey
``REFERENCE_DASH``; ascending magnitudes are ``CIVIDIS``, signed values
``SIGNED`` with zero marked.

References:
    M. Okabe and K. Ito, "Color Universal Design", 2008.
    J. R. Nunez, C. R. Anderton and R. S. Renslow, "Optimizing colormaps with
    consideration for color vision deficiency", PLOS ONE 13 (2018): cividis.
    W3C, "Web Content Accessibility Guidelines 2.1", relative luminance and
    contrast ratio.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from coursekit.stats import Verdict

Theme = Literal["light", "dark"]

PALETTE: dict[str, dict[str, str]] = {
    "light": {
        "ground": "#FFFFFF",
        "blue": "#005B8E",
        "vermillion": "#C05500",
        "green": "#00825E",
        "purple": "#A36186",
        "amber": "#C68900",
        "ink": "#222832",
        "muted": "#57606A",
        "edge": "#767F8A",
        "grid": "#E4E7EB",
        "focus": "#0B57D0",
    },
    "dark": {
        "ground": "#121212",
        "blue": "#7AB6D7",
        "vermillion": "#D55E00",
        "green": "#009E73",
        "purple": "#CC79A7",
        "amber": "#E69F00",
        "ink": "#CED6DD",
        "muted": "#9CA4AF",
        "edge": "#7D8590",
        "grid": "#30363D",
        "focus": "#8AB4F8",
    },
}

SERIES = ("blue", "vermillion", "green", "purple", "amber")
# On and off lengths in CSS pixels, as SVG's stroke-dasharray; () is solid.
DASHES: tuple[tuple[int, ...], ...] = ((), (7, 3), (2, 3), (9, 3, 2, 3), (4, 2))
REFERENCE_DASH = (3, 3)
MARKERS = ("●", "■", "▲", "◆", "▼")

MEANINGS = {"activation": "blue", "delta": "vermillion", "none": "ink"}
GLYPHS = {verdict.value: verdict.glyph for verdict in Verdict} | {"diverged": "✕"}

# Matplotlib's cividis at 13 equal steps: linear interpolation between them stays
# within 8/255 of the original in every channel.
CIVIDIS = (
    "#00224E", "#003170", "#2A3F6D", "#434E6C", "#575D6D", "#6A6C71", "#7D7C78",
    "#918B78", "#A59C74", "#BCAE6C", "#D2C060", "#E9D34E", "#FEE838",
)  # fmt: skip
SIGNED = (
    "#003C60", "#2A76A8", "#86B4D2", "#D9DCE0", "#DE9F6F", "#B45719", "#652800",
)  # fmt: skip

RAMPS = {"cividis": CIVIDIS, "signed": SIGNED}


def look(k: int) -> tuple[str, int]:
    """Give a series its colour and its dash, 25 pairs before one comes again.

    Args:
        k: Place of the series, from 0.

    Returns:
        A role of the palette, and the number of a dash and a marker.

    Example:
        >>> look(0), look(5)
        (('blue', 0), ('blue', 1))
    """
    again = k // len(SERIES)  # how often the colours were all used
    return SERIES[k % len(SERIES)], (k + again) % len(DASHES)


def rgb(colour: str) -> tuple[float, float, float]:
    """Split ``#RRGGBB`` into sRGB channels between 0 and 1.

    Args:
        colour: six hexadecimal digits after a hash.

    Returns:
        Red, green and blue.

    Raises:
        ValueError: for any other notation.

    Example:
        >>> rgb("#FF0080")
        (1.0, 0.0, 0.5019607843137255)
    """
    digits = colour.removeprefix("#")
    if len(digits) != 6 or not colour.startswith("#"):
        raise ValueError(f"got colour {colour!r}; expected six digits as in '#005B8E'")
    red, green, blue = (int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4))
    return red, green, blue


def luminance(colour: str) -> float:
    r"""Measure the relative luminance $Y$ of a colour.

    $$Y = 0.2126\,R + 0.7152\,G + 0.0722\,B \tag{1}$$

    with linear-light channels $R, G, B$.

    Args:
        colour: ``#RRGGBB``.

    Returns:
        Between 0 (black) and 1 (white).

    Example:
        >>> luminance("#FFFFFF"), luminance("#000000")
        (1.0, 0.0)
    """
    R, G, B = (
        c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in rgb(colour)
    )
    return 0.2126 * R + 0.7152 * G + 0.0722 * B  # (1)


def contrast(first: str, second: str) -> float:
    r"""Measure the contrast ratio of two colours, 1 (none) to 21.

    $$\text{contrast} = \frac{Y_\text{lighter} + 0.05}{Y_\text{darker} + 0.05}$$

    Args:
        first: ``#RRGGBB``.
        second: ``#RRGGBB``; the order does not matter.

    Returns:
        The ratio; WCAG asks for 4.5 of text and 3 of lines and controls.

    Example:
        >>> round(contrast(PALETTE["light"]["blue"], "#FFFFFF"), 2)
        7.27
    """
    darker, lighter = sorted((luminance(first), luminance(second)))
    return (lighter + 0.05) / (darker + 0.05)


def text_on(colour: str) -> str:
    """Choose black or white text for a ground of any colour.

    The better of the two never falls below 4.58 : 1, whatever the ground.

    Args:
        colour: the ground, ``#RRGGBB``.

    Returns:
        ``"#000000"`` or ``"#FFFFFF"``.

    Example:
        >>> text_on(CIVIDIS[0]), text_on(CIVIDIS[-1])
        ('#FFFFFF', '#000000')
    """
    return max("#000000", "#FFFFFF", key=lambda ink: contrast(ink, colour))


def ramp(stops: Sequence[str], position: float) -> str:
    """Interpolate a ramp linearly in sRGB, as the scripts of the figures do.

    Args:
        stops: colours at equal distances, such as ``CIVIDIS``.
        position: 0 for the first stop, 1 for the last; clipped beyond.

    Returns:
        ``#RRGGBB``.

    Example:
        >>> ramp(CIVIDIS, 0.0), ramp(SIGNED, 0.5)
        ('#00224E', '#D9DCE0')
    """
    place = min(max(position, 0.0), 1.0) * (len(stops) - 1)
    left = min(int(place), len(stops) - 2)
    share = place - left
    mixed = (
        a + (b - a) * share
        for a, b in zip(rgb(stops[left]), rgb(stops[left + 1]), strict=True)
    )
    return "#" + "".join(f"{int(255 * c + 0.5):02X}" for c in mixed)
