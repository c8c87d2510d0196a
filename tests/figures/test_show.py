"""Static figures in a page: two themes, two widths, the same bytes every time."""

import base64
import re
import xml.etree.ElementTree as ET
from html.parser import HTMLParser
from io import BytesIO
from urllib.parse import unquote

import pytest

from coursekit.figures import panels, plots, show_static
from coursekit.figures.palette import PALETTE
from coursekit.figures.pictures import pixels, to_png, to_svg

LAYERS = {"He": [[1.0, 1.01, 0.002]] * 5, "Xavier": [[0.7, 0.5, 0.35]] * 5}


def draw():
    figure, axes = panels(2)
    for ax in axes:
        plots.layer_lines(ax, LAYERS, ylabel="std of δ & more")
    return figure


@pytest.fixture(scope="module")
def bundle():
    shown = show_static(draw, alt='He keeps "δ" level.', caption="He < Xavier.")
    return shown._repr_mimebundle_()


class Pictures(HTMLParser):
    """Collect pictures and words, and check that tags are balanced."""

    def __init__(self, html):
        super().__init__()
        self.open, self.images, self.sources, self.words = [], [], [], ""
        self.feed(html)
        assert not self.open

    def handle_starttag(self, tag, attrs):
        if tag == "img":
            self.images.append(dict(attrs))
        elif tag == "source":
            self.sources.append(dict(attrs))
        else:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "style" not in self.open:
            self.words += data


def test_a_page_gets_two_themes_and_two_widths(bundle):
    page = Pictures(bundle["text/html"])
    assert [image["class"] for image in page.images] == ["ck-on-light", "ck-on-dark"]
    assert page.words == "He < Xavier."
    for image, source, theme in zip(
        page.images, page.sources, ("light", "dark"), strict=True
    ):
        assert image["alt"] == 'He keeps "δ" level.'
        assert image["width"] == "760"
        assert " " not in source["srcset"]
        for address, width in ((image["src"], 760), (source["srcset"], 340)):
            svg = unquote(address.removeprefix("data:image/svg+xml,"))
            assert PALETTE[theme]["ground"].lower() in svg
            assert pixels(svg.replace("'", '"'))[0] == width
            assert "std of δ &amp; more" in svg


def test_a_host_that_strips_styles_shows_one_picture(bundle):
    light, dark = Pictures(bundle["text/html"]).images
    assert "hidden" in dark
    assert "hidden" not in light


def test_other_hosts_get_a_picture_and_words(bundle):
    from PIL import Image

    picture = Image.open(BytesIO(base64.b64decode(bundle["image/png"])))
    assert picture.size[0] == 1140
    assert bundle["text/plain"] == "Figure: He < Xavier."


def test_figures_are_small(bundle):
    assert len(bundle["text/html"]) < 100_000
    assert len(bundle["image/png"]) < 60_000


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_same_bytes_every_time(theme):
    assert to_svg(draw, theme) == to_svg(draw, theme)
    assert to_png(draw, theme) == to_png(draw, theme)


def test_svg_is_well_formed_and_says_nothing_of_its_making():
    svg = to_svg(draw)
    root = ET.fromstring(svg)
    assert root.tag.endswith("svg")
    words = [node.text for node in root.iter("{http://www.w3.org/2000/svg}text")]
    assert "0.01" in words
    assert "std of δ & more (range of 5 seeds)" in words
    assert "DOCTYPE" not in svg
    assert not re.search(r"Matplotlib|\d{4}-\d\d-\d\d|DejaVu Sans'[^,]*;", svg)
    used = set(re.findall(r"#([\w-]+)", svg))
    assert all(name in used for name in re.findall(r'id="([^"]+)"', svg))


def test_shortened_numbers_leave_words_alone():
    def small():
        figure, (ax,) = panels(1)
        ax.set_title("0.12345 = 0.12345")
        return figure

    assert "0.12345 = 0.12345" in to_svg(small)


def test_formulas_are_drawn_as_shapes():
    def formula():
        figure, (ax,) = panels(1)
        ax.set_title(r"$\sigma^2$")
        return figure

    assert "<text" not in to_svg(formula)
    ET.fromstring(to_svg(formula))


def test_a_figure_without_its_finding_is_refused():
    with pytest.raises(ValueError, match="finding"):
        show_static(draw, alt=" ")


@pytest.mark.browser
def test_the_page_chooses_by_theme_and_width(chromium, bundle):
    hosts = {
        "<html data-theme='dark'><body>": "dark",
        "<html data-theme='light'><body>": "light",
        "<html><body data-jp-theme-light='false'>": "dark",
        "<html><body data-jp-theme-light='true'>": "light",
        "<html><body data-vscode-theme-kind='vscode-dark'>": "dark",
        "<html theme='dark'><body>": "dark",
        "<html><body>": "dark",  # the system of this browser is dark
    }
    seen = (
        "[...document.images].filter(i => i.offsetWidth).map(i => "
        "[i.className, i.naturalWidth, i.offsetWidth, document.body.scrollWidth])"
    )
    with chromium.new_context(color_scheme="dark") as context:
        page = context.new_page()
        for host, theme in hosts.items():
            for width, natural in ((900, 760), (360, 340)):
                page.set_viewport_size({"width": width, "height": 600})
                page.set_content(f"<!doctype html>{host}{bundle['text/html']}")
                page.wait_for_function(
                    "[...document.images].every(i => i.complete || !i.offsetWidth)"
                )
                ((name, drawn, wide, scroll),) = page.evaluate(seen)
                assert name == f"ck-on-{theme}", host
                assert drawn == natural
                assert wide <= scroll <= width
