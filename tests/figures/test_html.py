"""What a fragment holds, weighs and asks for."""

import re
import subprocess
import sys
import zlib
from html.parser import HTMLParser
from io import BytesIO

import numpy as np
from PIL import Image

from coursekit.figures import Figure
from coursekit.figures.html import fragment, mimebundle, resting_png, script, stylesheet
from coursekit.figures.meta import stored_arrays
from coursekit.figures.modules import JS, imports_of, join_modules, module_text, squeeze
from coursekit.figures.palette import PALETTE, rgb


def test_a_fragment_is_the_same_every_time(samples, figures):
    assert fragment(samples.disease()) == fragment(figures["bias-tree"])


def test_ids_of_several_figures_do_not_clash(page_file):
    ids = re.findall(r'\bid="([^"]+)"', page_file.read_text())
    assert len(ids) == len(set(ids))


def test_nothing_points_outside(figures):
    for figure in figures.values():
        text = re.sub(r'"[A-Za-z0-9+/=]{200,}"', "", fragment(figure))
        text = re.sub(r'src="data:[^"]*"', "", text)
        urls = set(re.findall(r"(?:https?:)?//[a-z][^\s\"')]*", text))
        assert urls <= {"http://www.w3.org/2000/svg"}, urls
        assert "import(" not in text
        assert "fetch(" not in text
        assert "eval(" not in text
        assert "<noscript" not in text
        assert re.findall(r"<script[^>]*>", text) == ['<script type="module">']


class Scripts(HTMLParser):
    def __init__(self):
        super().__init__()
        self.closed = 0

    def handle_endtag(self, tag):
        self.closed += tag == "script"


def test_words_cannot_close_the_script(samples, figures):
    base = figures["bias-tree"]
    nasty = Figure(
        "nasty",
        "</script><b>&",
        base.data,
        base.panels,
        base.controls,
        base.start,
        says=base.says,
        alt='"</script>',
    )
    parser = Scripts()
    parser.feed(fragment(nasty))
    assert parser.closed == 1


def test_only_needed_marks_and_models_travel(figures):
    text = script(figures["bias-tree"])
    assert "marks_tree" in text
    assert "models_diagnose" in text
    assert "marks_surface" not in text
    assert "models_descent" not in text


def test_arrays_that_nothing_reads_stay_at_home(figures):
    stored = stored_arrays(figures["batch-budget"])
    assert "loss_lo" in stored
    assert "acc_lo" not in stored
    assert stored["_rule"].encoding == "u8x"


def test_weights_stay_within_their_limits(figures):
    for figure in figures.values():
        assert len(fragment(figure).encode()) <= 300_000
        assert len(zlib.compress(script(figure).encode(), 9)) <= 20_000, figure.id


def test_only_the_core_and_the_needed_marks_weigh():
    core = len(join_modules(["core/render"]).encode())
    assert core <= 33_000
    for path in (JS / "marks").glob("*.js"):
        alone = len(join_modules(["core/render", f"marks/{path.stem}"]).encode())
        assert alone - core <= 18_000, path.stem


def test_squeezing_spares_what_is_written_for_readers():
    code = 'const a = f(`x ${b} y`) - " p , q " / 2 ; s.replace(/[&<> "]/g, (c) => c) ;'
    assert squeeze(code) == (
        'const a=f(`x ${b} y`)- " p , q "/2;s.replace(/[&<> "]/g,(c)=>c);'
    )


def test_modules_are_joined_after_what_they_import():
    every = [str(p.relative_to(JS))[:-3] for p in JS.glob("*/*.js")]
    text = join_modules(every)
    for name in every:
        assert text.count(module_text(name)) == 1
        for needed in imports_of(name):
            assert text.index(module_text(needed)) < text.index(module_text(name))
    assert not re.search(r"^(import|export) ", text, re.MULTILINE)


def test_colours_come_from_the_palette_alone():
    own = (JS / "figure.css").read_text() + "".join(
        p.read_text() for p in JS.glob("*/*.js")
    )
    typed = set(re.findall(r"#[0-9a-fA-F]{3,6}\b", own))
    assert typed <= {"#fff", "#000", "#ffffff", "#000000"}
    css = stylesheet()
    for roles in PALETTE.values():
        for role, colour in roles.items():
            assert f"--ck-{role}:{colour}" in css


def test_a_figure_is_shown_live_as_picture_and_as_text(figures):
    bundle = mimebundle(figures["ctr-ranks"])
    assert set(bundle) == {"text/html", "image/png", "text/plain"}
    assert bundle["text/plain"].endswith(figures["ctr-ranks"].sentence())


def test_a_saved_page_stands_alone(figures, tmp_path):
    path = figures["crit-saddle"].save_html(tmp_path / "one.html")
    text = path.read_text()
    assert text.startswith("<!doctype html>")
    assert 'name="viewport"' in text


def test_figures_never_load_torch():
    code = "import sys, coursekit.figures.html; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "False", done.stderr


def test_the_resting_picture_keeps_the_colour_in_focus(figures):
    picture = Image.open(BytesIO(resting_png(figures["batch-budget"]))).convert("RGB")
    pixels = np.asarray(picture).reshape(-1, 3)
    wanted = np.round(255 * np.array(rgb(PALETTE["light"]["vermillion"])))
    assert (np.abs(pixels - wanted).max(-1) <= 6).sum() > 100
