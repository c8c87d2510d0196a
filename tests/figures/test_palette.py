"""The palette's stated contrasts and colour distances, computed.

Colour vision is simulated with the severity-1 matrices of G. M. Machado,
M. M. Oliveira and L. A. F. Fernandes, "A Physiologically-based Model for
Simulation of Color Vision Deficiency", IEEE TVCG 15 (2009), Table 1, applied to
linear RGB; distances are CIE 1976 in L*a*b* with D65.
"""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from coursekit.figures import palette
from coursekit.figures.palette import (
    CIVIDIS,
    DASHES,
    GLYPHS,
    MARKERS,
    MEANINGS,
    PALETTE,
    SERIES,
    SIGNED,
    contrast,
    look,
    ramp,
    text_on,
)

STATED = {
    "light": dict(
        blue=7.27, vermillion=4.62, green=4.82, purple=4.55, amber=3.01,
        ink=14.81, muted=6.39, edge=4.06, grid=1.24, focus=6.39,
    ),
    "dark": dict(
        blue=8.47, vermillion=4.84, green=5.48, purple=6.12, amber=8.32,
        ink=12.75, muted=7.44, edge=5.02, grid=1.54, focus=8.89,
    ),
}  # fmt: skip
VISION = {
    "normal": np.eye(3),
    "protan": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deutan": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritan": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}
XYZ = np.array([
    [0.4124564, 0.3575761, 0.1804375],
    [0.2126729, 0.7151522, 0.0721750],
    [0.0193339, 0.1191920, 0.9503041],
])
COLOURS = st.integers(0, 0xFFFFFF).map("#{:06X}".format)


def lab(colour, vision="normal"):
    channels = np.array(palette.rgb(colour))
    linear = np.where(
        channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4
    )
    seen = np.clip(np.array(VISION[vision]) @ linear, 0, 1)
    t = XYZ @ seen / (0.95047, 1.0, 1.08883)
    d = 6 / 29
    f = np.where(t > d**3, np.cbrt(t), t / (3 * d**2) + 4 / 29)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def smallest_distance(theme, roles):
    return min(
        np.linalg.norm(lab(PALETTE[theme][a], v) - lab(PALETTE[theme][b], v))
        for v in VISION
        for a, b in itertools.combinations(roles, 2)
    )


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_contrasts_are_the_stated_ones(theme):
    roles = PALETTE[theme]
    computed = {r: round(contrast(c, roles["ground"]), 2) for r, c in roles.items()}
    assert computed.pop("ground") == pytest.approx(1)
    assert computed == STATED[theme]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_and_line_reach_the_levels_of_wcag(theme):
    roles = PALETTE[theme]
    text = [r for r in (*SERIES, "ink", "muted", "focus") if r != "amber"]
    assert min(contrast(roles[r], roles["ground"]) for r in text) >= 4.5
    lines = min(contrast(roles[r], roles["ground"]) for r in ("amber", "edge"))
    assert lines >= 3.0


@pytest.mark.parametrize(
    ("theme", "with_amber", "stated"),
    [("light", False, 15.0), ("dark", False, 15.8), ("light", True, 13.3)],
)
def test_series_stay_apart_for_every_vision(theme, with_amber, stated):
    roles = ["blue", "vermillion", "green", "purple", "ink"]
    roles += ["amber"] * with_amber
    assert smallest_distance(theme, roles) == pytest.approx(stated, abs=0.05)


def test_themes_share_their_roles():
    assert PALETTE["light"].keys() == PALETTE["dark"].keys()
    assert set(SERIES) | set(MEANINGS.values()) <= PALETTE["light"].keys()


def test_every_series_has_its_own_dash_and_marker():
    assert len(SERIES) == len(set(DASHES)) == len(set(MARKERS)) == 5
    assert GLYPHS["diverged"] not in MARKERS
    assert len(set(GLYPHS.values())) == 4


def test_25_series_have_25_looks():
    assert [look(k) for k in range(5)] == list(zip(SERIES, range(5), strict=True))
    assert len({look(k) for k in range(25)}) == 25


def test_members_of_a_family_look_alike_in_the_page_and_on_paper(node):
    code = """
    import { collectCurves } from "./marks/curves.js";
    const names = [...Array(25).keys()].map(String);
    const space = { dims: { net: { names, ordered: false } }, along: () => [1, 2] };
    const view = { space, state: { net: 3 }, palette: { series: data } };
    const series = [{ y: "y", colour: "blue", dash: 0, label: "" }];
    const panel = { over: "net", axis: "t", x: "x", series, refs: [], lead: "" };
    const curves = collectCurves(panel, view).sort((a, b) => a.member - b.member);
    console.log(JSON.stringify(curves.map((c) => [c.colour, c.dash % 5])));
    """
    drawn = [tuple(pair) for pair in node(code, SERIES)]
    assert drawn == [look(k) for k in range(25)]


def test_cividis_follows_matplotlib():
    matplotlib = pytest.importorskip("matplotlib")
    t = np.linspace(0, 1, 256)
    ours = np.array([palette.rgb(ramp(CIVIDIS, x)) for x in t])
    error = abs(ours - matplotlib.colormaps["cividis"](t)[:, :3]).max()
    assert error < 8 / 255


@pytest.mark.parametrize("vision", VISION)
def test_cividis_gets_lighter_for_every_vision(vision):
    lightness = [lab(c, vision)[0] for c in CIVIDIS]
    assert (np.diff(lightness) > 2).all()


@pytest.mark.parametrize("vision", VISION)
def test_signed_ramp_is_symmetric_in_lightness(vision):
    lightness = np.array([lab(c, vision)[0] for c in SIGNED])
    assert (np.diff(lightness[:4]) > 5).all()
    assert (np.diff(lightness[3:]) < -5).all()
    if vision == "normal":
        assert abs(lightness - lightness[::-1]).max() < 2
    for low, high in zip(SIGNED[:3], SIGNED[:3:-1], strict=True):
        assert np.linalg.norm(lab(low, vision) - lab(high, vision)) > 20


@given(COLOURS)
def test_text_on_any_ground_is_readable(ground):
    assert contrast(text_on(ground), ground) >= 4.58


@given(COLOURS, COLOURS)
def test_contrast_is_symmetric_and_bounded(a, b):
    assert contrast(a, b) == contrast(b, a)
    assert 1 <= contrast(a, b) <= 21


@given(st.floats(allow_nan=False, allow_infinity=False), st.sampled_from([3, 7]))
def test_ramp_gives_a_colour_everywhere(position, n):
    colour = ramp(SIGNED[:n], position)
    assert len(palette.rgb(colour)) == 3


@pytest.mark.parametrize("bad", ["005B8E", "#FFF", "red", "#12345678"])
def test_rgb_names_what_it_expects(bad):
    with pytest.raises(ValueError, match="six digits"):
        palette.rgb(bad)
