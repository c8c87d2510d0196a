"""Numbers read the same in Python and in the page."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from coursekit.figures.numbers import check_spec, exact_name, format_number

SPECS = [
    "",
    "d",
    ".0f",
    ".1f",
    ".2f",
    ".3f",
    ".2g",
    ".4g",
    ".1e",
    ".0%",
    ".1%",
    "+.2f",
    "+d",
]

FORMAT = """
import { formatNumber } from "./core/format.js";
console.log(JSON.stringify(data.map(([v, spec]) => formatNumber(v ?? NaN, spec))));
"""


def test_javascript_writes_the_same_text(node):
    rng = np.random.default_rng(1)
    spread = rng.normal(size=3000) * 10.0 ** rng.uniform(-9, 9, 3000)
    ties = [0.125, -0.125, 2.5, -2.5, 0.5, 1.5, 0.00125, 12.345, 99999.5, 0.0009995]
    edges = [0.0, -0.0, 1e-3, 9.995e-4, 99999.9, 1e5, 1e-4, 1e15, -1e-12, 1.0, 10.0]
    numbers = [*spread.tolist(), *ties, *edges]
    cases = [[v, SPECS[k % len(SPECS)]] for k, v in enumerate(numbers)]
    cases += [[v, spec] for v in ties + edges for spec in SPECS]
    found = node(FORMAT, cases)
    wrong = [
        (case, text, format_number(*case))
        for case, text in zip(cases, found, strict=True)
        if text != format_number(*case)
    ]
    assert wrong == []


@pytest.mark.parametrize(
    ("value", "spec", "text"),
    [
        (0.95123, "", "0.951"),
        (-0.5, "", "−0.5"),
        (1234.0, "", "1230"),
        (2.3e-6, "", "2.3·10⁻⁶"),
        (1e-10, "", "10⁻¹⁰"),
        (0.625, ".1%", "62.5\u00a0%"),
        (-0.0004, ".2f", "0.00"),
        (0.02, "+.2f", "+0.02"),
        (float("nan"), ".2f", "missing"),
        (float("inf"), "d", "diverged"),
    ],
)
def test_numbers_are_written_as_the_book_writes_them(value, spec, text):
    assert format_number(value, spec) == text


@given(st.floats(1e-3, 99000), st.integers(1, 6))
def test_significant_figures_are_kept(value, figures):
    text = format_number(value, f".{figures}g")
    assert float(text) == pytest.approx(value, rel=0.51 * 10 ** (1 - figures))


def test_settings_are_exact():
    assert [exact_name(v) for v in (1437, 0.0001, 1e-7, -2, "ReLU")] == [
        "1437", "0.0001", "1e−07", "−2", "ReLU",
    ]  # fmt: skip


@pytest.mark.parametrize("spec", ["x", ".2", "5d5", "f2"])
def test_unknown_formats_are_refused(spec):
    if spec == ".2":
        assert check_spec(spec) == spec
        return
    with pytest.raises(ValueError, match="expected"):
        check_spec(spec)
