"""A specification that cannot be drawn or said is refused, with the likely fix."""

import dataclasses

import numpy as np
import pytest

from coursekit.figures import (
    Array,
    ClosedForm,
    Cube,
    Dim,
    Dots,
    Figure,
    Heatmap,
    Lines,
    Pick,
    Predict,
    Range,
    Say,
    Scrub,
    Segmented,
    Slider,
    Surface,
    Toggle,
)

A = Dim("a", "A", [1, 2, 3])
B = Dim("b", "B", ["x", "y"])
T = Dim("t", "time", range(4))
CUBE = Cube(
    [A, B, T],
    {
        "loss": Array(np.arange(24.0).reshape(3, 2, 4), ["a", "b", "t"]),
        "odd": Array([1.0, np.inf, np.nan], ["a"]),
        "mask": Array(np.ones((3, 2)), ["a", "b"]),
    },
)
GOOD = dict(
    id="x",
    title="Why?",
    data=CUBE,
    panels=[Lines(x="t", y="loss")],
    controls=[Slider("a"), Segmented("b")],
    start={"a": 2, "b": "x"},
    says=[Say("{loss[t=last]} at {a}.")],
    alt="Because.",
)


def build(**changes):
    return Figure(**(GOOD | changes))


def test_the_good_one_is_good():
    figure = build()
    assert figure.sentence() == "11 at 2."
    assert len(figure.sentences()) == 6
    assert repr(figure.sentences()).startswith("a 1, b x\n    3 at 1.")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (dict(id="X y"), "lower-case"),
        (dict(alt=" "), "no alt"),
        (dict(title=""), "no title"),
        (dict(panels=[]), "no panel"),
        (dict(says=[]), "says nothing"),
        (dict(start={"a": 7, "b": "x"}), "a=7 was not run"),
        (dict(start={"c": 1}), "unknown dimension 'c'"),
        (dict(start={"a": 1}), "start lacks 'b'"),
        (dict(controls=[Slider("a"), Slider("a")]), "two controls"),
        (dict(controls=[Slider("q")]), "unknown dimension 'q'"),
        (dict(controls=[Toggle("a"), Segmented("b")]), "Toggle needs two"),
        (
            dict(controls=[Slider("a", stops={"s": 9}), Segmented("b")]),
            "a=9 was not run",
        ),
        (dict(panels=[Lines(x="t", y="acc")]), "unknown field 'acc'"),
        (dict(panels=[Lines(x="loss", y="loss")]), "unknown dimension 'loss'"),
        (dict(panels=[Heatmap(x="a", y="b", z="loss")]), r"'loss' is open in \['t'\]"),
        (dict(panels=[Heatmap(x="a", y="b", z="mask", dots="mask")]), "rounds"),
        (dict(panels=[Heatmap(x="a", y="t", z="loss", pick=True)]), "no control does"),
        (dict(panels=[Dots(over="a", value="odd", verdict="odd")]), "u8x"),
        (dict(panels=[Surface(field="odd")]), "needs x= and y="),
        (dict(panels=[Surface()]), "needs a ClosedForm"),
        (dict(says=[Say("{acc}.")]), "unknown field 'acc'"),
        (dict(says=[Say("{loss}.")]), r"open in \['t'\].*\{loss\[t=last\]\}"),
        (dict(says=[Say("{loss[t=last]:x}.")]), "format 'x'"),
        (dict(says=[Say("{loss[t=last]")]), "brace"),
        (dict(says=[Say("{seeds}.")]), "unknown field 'seeds'"),
        (dict(says=[Say("one", when=lambda s: s.a == 1)]), "no sentence for the state"),
        (dict(says=[Say("x.", when="acc")]), "unknown field 'acc'"),
        (dict(says=[Say("x.", when="loss")]), r"open in \['t'\]"),
        (dict(says=[Say("x.", when="odd")]), "rounds"),
        (dict(predict=Predict("?", ["y", "n"], when={"a": 9})), "a=9 was not run"),
        (dict(says=[Say("{odd}.")]), "would say odd is diverged"),
        (dict(predict=Predict("?", ["yes", "no"], reply="{acc}")), "unknown field"),
    ],
)
def test_faults_are_named(changes, message):
    with pytest.raises(ValueError, match=message):
        build(**changes)


def test_rules_of_states_that_fail_come_first():
    figure = build(
        says=[
            Say("gone", when=lambda s: not np.isfinite(s.odd)),
            Say("{odd:.1f}."),
        ]
    )
    assert [s.text for s in figure.sentences()] == ["1.0."] * 2 + ["gone"] * 4


def test_the_rule_table_drops_dimensions_that_do_not_matter():
    figure = build(says=[Say("one", when=lambda s: s.b == "x"), Say("two")])
    names, rules = figure.rule_table
    assert names == ["b"]
    assert rules.tolist() == [0, 1]


def test_a_moment_knows_other_places():
    seen = []

    def when(s):
        seen.append((s.at("loss", t="first"), s.at("loss", t="last"), s.at("b", b="y")))
        return True

    build(says=[Say("x", when=when)])
    assert seen[0] == pytest.approx((0.0, 3.0, "y"), abs=1e-3) or seen[0][2] == "y"
    with pytest.raises(AttributeError, match="unknown field"):
        build(says=[Say("x", when=lambda s: s.nothing)])


MODEL = ClosedForm(
    "descent",
    dims=[Range("kappa", "κ", 1, 9), Dim("method", "m", ["GD"]), T],
    twin=lambda kappa, method: {"loss": np.ones(4) * kappa, "grows": 0},
    outputs={"loss": ["t"], "grows": []},
)
CLOSED = dict(
    data=MODEL,
    controls=[Slider("kappa")],
    start={"kappa": 3, "method": "GD"},
    panels=[Lines(x="t", y="loss", ylim=(0, 9))],
    says=[Say("{kappa}.")],
)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (dict(says=[Say("x", when=lambda s: s.kappa > 1), Say("y")]), "continuous"),
        (dict(start={"kappa": 30, "method": "GD"}), "expected a number from 1 to 9"),
        (dict(controls=[Segmented("kappa")]), "Range"),
        (dict(controls=[Scrub("kappa")]), "Range"),
        (dict(controls=[Pick("kappa")]), "Range"),
        (dict(controls=[Slider("kappa", stops={"s": "loss"})]), "no scalar output"),
        (
            dict(panels=[Surface(xlim=(0, 1), ylim=(0, 1))]),
            "needs a ClosedForm with field=",
        ),
    ],
)
def test_faults_of_closed_forms_are_named(changes, message):
    with pytest.raises(ValueError, match=message):
        build(**(CLOSED | changes))


def test_ranges_of_computed_fields_must_be_given():
    figure = build(**(CLOSED | dict(panels=[Lines(x="t", y="loss")])))
    with pytest.raises(ValueError, match="Lines ylim= is needed"):
        figure.html()


def test_closed_forms_check_their_twin():
    with pytest.raises(ValueError, match="no model 'nothing'"):
        dataclasses.replace(MODEL, name="nothing")
    with pytest.raises(ValueError, match="not a Dim"):
        dataclasses.replace(MODEL, outputs={"loss": ["kappa"]})
    short = dataclasses.replace(MODEL, twin=lambda **_: {"loss": [1.0], "grows": 0})
    with pytest.raises(ValueError, match="shape"):
        short.evaluate(kappa=1, method="GD")
    with pytest.raises(ValueError, match="returned no 'grows'"):
        dataclasses.replace(MODEL, twin=lambda **_: {"loss": np.ones(4)}).evaluate()


def test_a_figure_over_the_limit_is_refused():
    noise = np.random.default_rng(0).normal(size=(3, 2, 40_000))
    dims = [A, B, Dim("t", "time", range(40_000))]
    big = build(data=Cube(dims, {"loss": Array(noise, ["a", "b", "t"])}))
    with pytest.raises(ValueError, match="store fewer numbers"):
        big.html()


def test_predictions_are_checked():
    with pytest.raises(ValueError, match="two options"):
        Predict("?", ["only"])
    with pytest.raises(ValueError, match="none of"):
        Predict("?", ["a", "b"], answer="c")
