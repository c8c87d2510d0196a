"""Round values at the axes: the same on paper as in the page."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from coursekit.figures.draw.room import tick_names
from coursekit.figures.draw.ticks import ticks_of

COUNTS = st.floats(2, 8)


@given(st.floats(-1e3, 1e3), st.floats(1e-3, 1e3), COUNTS)
def test_linear_ticks_are_few_even_and_inside(low, span, count):
    ticks = ticks_of((low, low + span), False, count)
    assert len(ticks) <= count + 2
    assert all(low - 1e-6 * span <= t <= low + span * (1 + 1e-6) for t in ticks)
    if len(ticks) > 2:
        assert np.ptp(np.diff(ticks)) <= 1e-6 * span


@given(st.floats(-9, 5), st.floats(0.5, 14), COUNTS)
def test_log_ticks_are_few_and_inside(low, decades, count):
    limits = 10**low, 10 ** (low + decades)
    ticks = ticks_of(limits, True, count)
    assert 1 <= len(ticks) <= 12
    assert all(limits[0] * 0.99 <= t <= limits[1] * 1.01 for t in ticks)
    assert (np.diff(ticks) > 0).all()


def test_paper_and_page_agree(node):
    rng = np.random.default_rng(0)
    cases = []
    for _ in range(300):
        log, low = bool(rng.integers(2)), rng.uniform(-8, 3)
        span = rng.uniform(0.1, 12)
        limits = [10**low, 10 ** (low + span)] if log else [low, low + 10 ** (span - 6)]
        cases.append([limits, log, rng.uniform(2, 8)])
    code = "import { ticksOf } from './core/scale.js';" + _SHOW.format("ticksOf(...c)")
    for (limits, log, count), page in zip(cases, node(code, cases), strict=True):
        paper = ticks_of(tuple(limits), log, count)
        assert paper == pytest.approx(page, rel=1e-12), (limits, log, count)


_SHOW = "console.log(JSON.stringify(data.map((c) => {})));"


def test_one_power_makes_all_powers():
    assert tick_names([1e-4, 1e-2, 1, 100], True) == ["10⁻⁴", "10⁻²", "1", "10²"]
    assert tick_names([1e-4, 2e-4], False) == ["10⁻⁴", "2·10⁻⁴"]
