"""The live pictures answer to their controls and survive any answer."""

import math

import ipywidgets as widgets
import numpy as np
import pytest

from coursekit.experiments.trainability import training_curves
from coursekit.labs import exercise, views
from coursekit.labs.live import Note, attempt, curves, explore, needs
from coursekit.labs.race import explore_training, picture, race

MEASURE = exercise("forward_backward_std").reference


def unanswered(*args):
    raise NotImplementedError


def he(shape, layer, depth):
    return math.sqrt(2 / shape[1])


@pytest.fixture(scope="module")
def raced():
    return race(he, "relu", 20)


def test_a_picture_waits_for_its_check():
    for view, name in (
        (views.explore_signals, "forward_backward_std"),
        (views.compensation, "forward_backward_std"),
        (views.explore_rank, "symmetry_rank"),
        (views.explore_blocks, "zero_last"),
    ):
        note = view(unanswered)
        assert isinstance(note, Note)
        assert name in note.text
        assert "once the check" in note.page
    assert needs("zero_last", exercise("zero_last").reference) is None


def test_moving_a_control_draws_again():
    slider = widgets.IntSlider(value=1, min=0, max=9)
    box = explore(lambda n: Note(f"<b>{n}</b>", str(n)), n=slider)
    shown = box.children[-1]
    assert shown.value == "<b>1</b>"
    slider.value = 4
    assert shown.value == "<b>4</b>"


def test_with_a_button_the_picture_waits_for_the_press():
    slider = widgets.IntSlider(value=1, min=0, max=9)
    box = explore(lambda n: Note(f"<b>{n}</b>", str(n)), button="Train", n=slider)
    press = box.children[0].children[-1]
    slider.value = 4
    assert box.children[-1].value == "<b>1</b>"
    press.click()
    assert box.children[-1].value == "<b>4</b>"
    assert (press.description, press.disabled) == ("Train", False)


def test_an_error_is_shown_in_words():
    def draw():
        raise ValueError("a < b")

    assert attempt(draw).text == "No picture: ValueError: a < b"
    assert "a &lt; b" in attempt(draw).page


def test_a_picture_carries_its_finding_as_text():
    line = {"one": ([1, 2], [3.0, 4.0]), "two": ([1, 2], [1.0, 2.0])}
    note = curves([dict(lines=line, title="t", x="x", y="y")], "It < rises.")
    assert note._repr_mimebundle_()["text/plain"] == "It < rises."
    assert "alt='It &lt; rises.'" in note.page


@pytest.mark.parametrize("activation", ["tanh", "relu", "sigmoid"])
def test_signals_are_drawn_for_every_setting(activation):
    for gain in (0.3, 3.0):
        note = views.signal_picture(MEASURE, gain, activation, 20)
        assert "nan" not in note.text
        assert f"{activation}, g = {gain:.2f}" in note.text


def test_relu_is_level_at_root_two():
    text = views.signal_picture(MEASURE, math.sqrt(2), "relu", 20).text
    assert "Std(a) is multiplied by 1.0" in text or "by 0.9" in text


def test_weight_gradients_stay_flat_where_delta_does_not():
    text = views.compensation(MEASURE).text
    assert "Std(δ) falls to 0.01" in text
    ratio = float(text.split("ends at ")[1].split()[0])
    assert 0.5 < ratio < 2


def test_noise_decides_the_rank():
    rank = exercise("symmetry_rank").reference
    assert "rank 1 after" in views.rank_picture(rank, 1e-8).text
    assert "rank 16 after" in views.rank_picture(rank, 1.0).text


def test_the_stream_grows_with_he_and_stays_with_zero_last():
    text = views.block_picture(exercise("zero_last").reference, 20).text
    growth = float(text.split("multiplied by ")[1].split()[0])
    assert growth > 100
    assert "by 1 after your zero_last" in text


def test_the_race_is_the_chapters_experiment(raced):
    gains = [math.sqrt(2), 1.0, math.sqrt(1 / 3)]
    stored = training_curves(gains, 20, seeds=[0], at=[0, 262])[:, 0, -1]
    ends = [raced[name][-1] for name in ("He", "Glorot", "PyTorch")]
    assert ends == pytest.approx(stored, rel=1e-6)


def test_the_rule_of_he_runs_like_he(raced):
    assert raced["yours"] == pytest.approx(raced["He"], rel=1e-6)
    assert raced["yours"][-1] < 1.5 < raced["Glorot"][-1]
    assert "training loss: yours 0." in picture(raced, "relu", 20).text


def test_a_diverged_race_is_named():
    result = {"updates": np.array([0, 9]), "yours": np.array([2.3, np.nan])}
    assert "yours diverged" in picture(result, "relu", 20).text


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (lambda shape, layer, depth: -1.0, "expected ≥ 0"),
        (lambda shape, layer, depth: None, "returned None"),
        (lambda shape: 1.0, "TypeError"),
    ],
)
def test_a_rule_that_fails_is_told_so(rule, words):
    box = explore_training(rule)
    assert words in box.children[-1].value
