"""The value of a claim, its record and what is shown of it."""

import json
import math
import xml.etree.ElementTree as ET
from html.parser import HTMLParser

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from coursekit import stats
from coursekit.claims import (
    MIME,
    claim_directional,
    claim_equivalent,
    claim_exact,
    claim_reported,
    full,
    glue_number,
    n_seeds,
    table,
)
from coursekit.claims.drawing import drawing
from coursekit.claims.words import verdict_words
from coursekit.stats import Verdict

TREATMENT = [0.50, 0.61, 0.55, 0.52, 0.60]
CONTROL = [1.0, 1.2, 1.1, 1.0, 1.2]
DIFFERENCES = st.integers(5, 9).flatmap(
    lambda n: arrays(float, n, elements=st.floats(-1e3, 1e3, width=32))
)


def lower(treatment=TREATMENT, control=CONTROL, direction="less", **kwargs):
    return claim_directional(
        "E-0",
        "The treatment lowers <loss> & more",
        treatment=treatment,
        control=control,
        direction=direction,
        unit="nats",
        items=("INIT-05",),
        **kwargs,
    )


class Text(HTMLParser):
    """Collect what a reader sees and check that tags are balanced."""

    def __init__(self, html):
        super().__init__()
        self.open, self.seen = [], []
        self.feed(html)
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "style" not in self.open:
            self.seen.append(data)


def seen(html):
    return "".join(Text(html).seen)


def test_a_claim_is_judged_on_paired_differences():
    claim = lower()
    assert claim.differences == pytest.approx(np.subtract(TREATMENT, CONTROL))
    assert claim.interval == stats.paired_t_interval(claim.differences)
    assert claim.verdict is Verdict.HOLDS
    assert lower(direction="greater").verdict is Verdict.FAILS
    assert lower(control=0.55).verdict is Verdict.INCONCLUSIVE


@pytest.mark.parametrize(
    ("claim", "glyph"),
    [
        (lower(), "■ holds"),
        (lower(direction="greater"), "◇ does not hold here"),
        (lower(control=0.55), "○ inconclusive"),
    ],
)
def test_the_row_states_verdict_interval_and_seeds(claim, glyph):
    html = claim._repr_mimebundle_()["text/html"]
    assert glyph in seen(html)
    assert "5 seeds" in seen(html)
    assert "The treatment lowers <loss> & more" in seen(html)
    assert "<loss>" not in html
    for line in str(claim).splitlines()[1:]:
        assert line.strip() in seen(html)


def test_the_text_is_short_and_complete():
    assert str(lower()) == (
        "■ E-0 holds: The treatment lowers <loss> & more\n"
        "  −0.544 [−0.610, −0.478] nats\n"
        "  mean paired difference and 95 % interval, 5 seeds · rule A: less than zero"
    )


def test_the_record_is_plain_json_of_what_is_shown():
    record = lower(seeds=range(3, 8)).to_json()
    assert json.loads(json.dumps(record, allow_nan=False)) == record
    assert record["verdict"] == "holds"
    assert record["items"] == ["INIT-05"]
    assert record["seeds"] == [3, 4, 5, 6, 7]
    assert (record["estimate"], record["low"]) == (-0.544, -0.61)
    assert record["values"] == [-0.5, -0.59, -0.55, -0.48, -0.6]


def test_noise_of_another_machine_changes_no_output():
    noisy = np.add(TREATMENT, 1e-7 * np.array([1, -1, 1, -1, 1]))
    assert lower(noisy)._repr_mimebundle_() == lower()._repr_mimebundle_()


def test_a_diverged_seed_is_told_and_drawn():
    claim = lower(treatment=[0.5, math.nan, 0.5, math.inf, 0.6])
    record = claim.to_json()
    assert claim.verdict is Verdict.INCONCLUSIVE
    assert record["values"].count(None) == record["diverged"] == 2
    assert record["estimate"] is record["low"] is None
    assert "2 of 5 seeds diverged" in str(claim)
    assert drawing(record).count("<circle") == 3
    assert "l8 8m0 -8l-8 8" in drawing(record)
    gone = lower(treatment=[math.nan] * 5)
    assert drawing(gone.to_json()) == ""
    assert "5 of 5 seeds diverged" in str(gone)


def test_both_arms_diverged_counts_once():
    both = [math.inf, 1.0, 1.0, 1.0, 1.0]
    assert lower(both, both).interval.diverged == 1


def test_exact_claims_show_what_was_expected():
    claim = claim_exact(
        "E-26c", "δ shrinks", measured=[0.71, 0.72], expected=0.707, tolerance=0.05
    )
    assert claim.verdict is Verdict.HOLDS
    assert "0.715 [0.710, 0.720], expected 0.707 ± 0.05" in str(claim)
    one = claim_exact("E-1", "equal", measured=3e-16, expected=0, tolerance=1e-12)
    assert "0, expected 0 ± 10⁻¹²" in str(one)
    assert one.to_json()["values"] == [0.0]
    rank = claim_exact("E-26j", "rank 1", measured=[1, 1, 2], expected=1, tolerance=0)
    assert "1 [1, 2], expected 1" in str(rank)
    off = claim_exact("E-1", "equal", measured=[1, math.nan], expected=1, tolerance=0)
    assert off.verdict is Verdict.FAILS
    assert "1 diverged" in str(off)
    assert "5 diverged" in str(
        claim_exact("E-1", "x", measured=[math.nan] * 5, expected=1, tolerance=0)
    )


def test_equivalence_is_judged_by_the_whole_interval():
    near = [0.001, -0.002, 0.0, 0.001, -0.001]
    claim = claim_equivalent("E-6b", "equal", treatment=near, control=0, margin=0.01)
    record = claim.to_json()
    assert claim.verdict is Verdict.HOLDS
    assert "95 % interval, 5 seeds · rule A: within ±0.01" in str(claim)
    assert "<rect" in drawing(record)
    assert 'fill="none" stroke="currentColor"/>' not in drawing(record)  # no arrow
    wide = [d + 0.009 for d in near]
    shifted = claim_equivalent("E", "", treatment=wide, control=0, margin=0.01)
    assert shifted.verdict is Verdict.INCONCLUSIVE
    far = claim_equivalent("E", "", treatment=[1.0] * 5, control=0, margin=0.01)
    assert far.verdict is Verdict.FAILS
    gone = claim_equivalent(
        "E", "", treatment=[*near[:4], math.inf], control=0, margin=0.01
    )
    assert gone.verdict is Verdict.INCONCLUSIVE
    with pytest.raises(ValueError, match="expected a positive number"):
        claim_equivalent("E", "", treatment=near, control=0, margin=0)


def test_reported_claims_assert_nothing():
    inside = claim_reported("E-3", "maybe", measured=[1, 2, 3.0], low=0, high=5)
    assert verdict_words(inside.to_json()) == ("–", "reported")
    assert "not asserted" in str(inside)
    outside = claim_reported("E-3", "maybe", measured=7.0, low=0, high=5)
    assert outside.verdict is Verdict.FAILS
    assert verdict_words(outside.to_json()) == ("–", "outside its band")
    unbounded = claim_reported("E-3", "x", measured=1.0, low=0, high=math.inf)
    assert unbounded.to_json()["band"] == [0.0, None]
    json.dumps(unbounded.to_json(), allow_nan=False)


@given(DIFFERENCES, st.sampled_from(["greater", "less"]))
def test_every_drawing_is_well_formed_and_inside_its_frame(d, direction):
    claim = lower(d, 0.0, direction)
    svg = ET.fromstring(drawing(claim.to_json()))
    for node in svg.iter():
        for name in ("x", "x1", "x2", "cx"):
            if name in node.attrib:
                assert 0 <= float(node.attrib[name]) <= 240
    assert len(svg.findall("circle")) == d.size
    assert seen(claim._repr_mimebundle_()["text/html"])


def test_inconclusive_intervals_are_dashed_and_others_solid():
    assert "stroke-dasharray" in drawing(lower(control=0.55).to_json())
    assert "stroke-dasharray" not in drawing(lower().to_json())


def test_zero_line_and_arrow_stand_where_the_claim_says():
    def arrow(direction):
        svg = ET.fromstring(drawing(lower(direction=direction).to_json()))
        zero = float(next(n for n in svg.iter("text") if n.text == "0").attrib["x"])
        paths = [n.attrib["d"] for n in svg.iter("path") if "H" in n.attrib["d"]]
        return float(paths[0].split("H")[1].split("M")[0]) - zero

    assert arrow("greater") > 0 > arrow("less")


def test_many_claims_share_one_table():
    records = [lower().to_json(), lower(control=0.55).to_json()]
    html = table(records)
    assert html.count("<style>") == html.count("<table") == 1
    assert html.count('role="rowheader"') == 2
    Text(html)


def test_mimebundle_has_the_three_forms():
    assert lower()._repr_mimebundle_().keys() == {"text/plain", "text/html", MIME}


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: lower([1, 2], [1, 2]), "at least 5"),
        (lambda: lower(TREATMENT, [1.0] * 4), "both arms"),
        (lambda: lower([TREATMENT], 0.0), "both arms"),
        (lambda: lower(seeds=[1]), "as many seeds"),
        (lambda: lower(direction="down"), "'greater'"),
        (
            lambda: claim_exact("E", "", measured=[], expected=0, tolerance=0),
            "one number a seed",
        ),
    ],
)
def test_errors_name_the_mistake(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_full_runs_are_asked_for_by_the_environment(monkeypatch):
    monkeypatch.delenv("COURSEKIT_FULL", raising=False)
    assert (full(), n_seeds(5, 16)) == (False, 5)
    monkeypatch.setenv("COURSEKIT_FULL", "0")
    assert not full()
    monkeypatch.setenv("COURSEKIT_FULL", "1")
    assert (full(), n_seeds(5, 16)) == (True, 16)


def test_glued_numbers_are_those_that_myst_nb_reads(monkeypatch):
    stored = []
    monkeypatch.setattr(
        "IPython.display.display", lambda *a, **k: stored.append((a, k))
    )
    glue_number("e26-factor", -0.7071, ".2f")
    (args, kwargs) = stored[0]
    key = "application/papermill.record/text/plain"
    assert args == ({key: "'−0.71'"},)
    assert kwargs["metadata"]["scrapbook"] == {
        "name": "e26-factor",
        "mime_prefix": "application/papermill.record/",
    }
    with pytest.raises(ValueError, match="finite"):
        glue_number("x", math.nan, ".2f")
