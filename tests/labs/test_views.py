"""The pictures of labs 10 and 12 say what the numbers are, for every setting."""

import math

import numpy as np
import pytest
import torch

from coursekit.experiments import race_activation, race_norm
from coursekit.labs import (
    exercise,
    views_batches,
    views_gradients,
    views_norms,
    views_units,
)
from coursekit.labs.live import Note
from coursekit.labs.race_activation import activation_picture
from coursekit.labs.race_norm import norm_picture


def right(name):
    return exercise(name).reference


def unanswered(*args):
    raise NotImplementedError


def number(text, before):
    return float(text.split(before)[1].split()[0].rstrip(".,;%"))


@pytest.mark.parametrize(
    ("view", "names"),
    [
        (views_gradients.explore_gradients, ["mlp_backward"]),
        (views_gradients.explore_clipping, ["clip_norm"]),
        (views_units.explore_dead, ["dead_fraction"]),
        (views_units.explore_maxout, ["maxout"]),
        (views_norms.explore_axes, ["norm_axes"]),
        (views_norms.explore_coupling, ["batch_norm", "layer_norm"]),
        (views_batches.explore_batches, ["batch_norm"]),
        (views_norms.explore_whitening, ["whiten"]),
        (views_norms.explore_recurrence, ["lnrnn_step"]),
    ],
)
def test_each_view_opens_with_its_answer_and_not_without(view, names):
    box = view(*map(right, names))
    assert "<img" in box.children[-1].value
    for i in range(len(names)):
        answers = [right(n) if k != i else unanswered for k, n in enumerate(names)]
        note = view(*answers)
        assert isinstance(note, Note)
        assert f"your own {names[i]}" in note.text


def test_a_sigmoid_layer_shrinks_the_signal_and_he_keeps_it():
    draw = views_gradients.gradient_picture
    text = draw(right("mlp_backward"), "sigmoid", 1.0, 12).text
    assert 0.2 < number(text, "length of δ by ") < 0.25
    text = draw(right("mlp_backward"), "relu", math.sqrt(2), 12).text
    assert 0.9 < number(text, "length of δ by ") < 1.1


def test_a_clipped_step_stays_near_and_a_plain_one_does_not():
    text = views_gradients.cliff_picture(right("clip_norm"), 1.1, 1.0).text
    assert "the loss is 57.7, a plain step leads to w = -56.2" in text
    assert "leads to w = 1.09 with loss 20.7" in text
    text = views_gradients.cliff_picture(right("clip_norm"), 1.1, 1e4).text
    assert "it is above 10⁶" in text
    text = views_gradients.cliff_picture(right("clip_norm"), 0.9, 1.0).text
    assert "leads to w = 0.9 with loss 0.499" in text


def test_an_oversized_step_kills_and_an_ordinary_one_does_not():
    draw = views_units.dead_picture
    kind, fierce = (draw(right("dead_fraction"), r).text for r in (0.1, 30.0))
    assert kind.count(" 0.0% after it") == 2
    assert number(fierce.split("layer 2")[1], "start, ") > 10


@pytest.mark.parametrize("k", [1, 3, 8])
def test_the_error_of_tangents_falls_as_the_square(k):
    text = views_units.maxout_picture(right("maxout"), k).text
    assert number(text, "by at most ") == pytest.approx(1 / k**2, rel=0.1)


@pytest.mark.parametrize(
    ("kind", "means", "examples"),
    [("batch", 4, 3), ("layer", 3, 1), ("instance", 12, 1), ("group", 6, 1)],
)
def test_means_are_counted(kind, means, examples):
    text = views_norms.axes_picture(right("norm_axes"), kind).text
    assert f"{kind}: {means} means, each of {48 // means} entries" in text
    assert f"belong to {examples} of 3 examples" in text


def test_only_batch_norm_couples_examples():
    draw = views_norms.coupling_picture
    text = draw(right("batch_norm"), right("layer_norm"), 3.0).text
    assert number(text, "change by up to ") > 0.5
    assert "and 0.00 under layer norm" in text


def test_small_batches_and_running_statistics():
    text = views_batches.batches_picture(right("batch_norm"), 40).text
    assert number(text, "own batch: ") < 0.7
    assert number(text, "saw 40 batches: ") > 0.94


def test_whitening_has_condition_number_one():
    text = views_norms.descent_picture(right("whiten"), 0.9).text
    assert number(text, "whitened ") == pytest.approx(1)
    assert number(text, "raw ") > 100 > number(text, "standardized ") > 10


def test_the_norm_keeps_the_state_where_a_small_gain_loses_it():
    text = views_norms.recurrence_picture(right("lnrnn_step"), 0.5).text
    assert number(text, "state is ") < 1e-9
    assert 0.4 < number(text, "for tanh and ") < 0.8
    text = views_norms.recurrence_picture(right("lnrnn_step"), 0.1).text
    assert "below 1e-16 for tanh" in text


def test_an_own_relu_runs_like_the_relu_of_the_chapter():
    result = race_activation.race_activation(
        torch.relu, lambda z: (z > 0).double(), math.sqrt(2)
    )
    for key in ("delta", "loss"):
        np.testing.assert_allclose(result["yours"][key], result["ReLU"][key])
    assert result["sigmoid"]["loss"][-1] > 2.25
    assert result["residual + BN"]["loss"][-1] < 0.5
    assert result["sigmoid"]["delta"][0] < 1e-15
    text = activation_picture(result, math.sqrt(2)).text
    assert "yours with gain 1.41" in text
    assert "sigmoid" in text


@pytest.mark.parametrize(
    ("phi", "slope", "words"),
    [
        (torch.tanh, torch.tanh, "my_slope is not the derivative"),
        (torch.tanh, lambda z: 1.0, "my_slope gave float"),
        (lambda z: z.sum(), torch.tanh, "my_phi gave ()"),
        (lambda z: None, torch.tanh, "my_phi gave NoneType"),
        (torch.tanh, lambda z: z * math.nan, "not the derivative"),
    ],
)
def test_a_wrong_derivative_is_refused_with_a_point(phi, slope, words):
    with pytest.raises(ValueError, match="my_") as error:
        race_activation.race_activation(phi, slope)
    assert words in str(error.value)


@pytest.fixture
def short(monkeypatch):
    """Race over two sizes and a few updates."""
    race_norm.references.cache_clear()
    monkeypatch.setattr(race_norm, "SIZES", (2, 128))
    monkeypatch.setattr(race_norm, "STEPS", 30)
    yield
    race_norm.references.cache_clear()


def test_an_own_batch_norm_runs_like_the_chapters(short):
    result = race_norm.race_norm(race_norm.batch_norm, 0.1)
    np.testing.assert_allclose(result["yours"], result["batch norm"])
    assert result["batch norm"].shape == (2, 3)
    assert result["batch norm"][1].max() < result["none"][1].min()
    assert result["batch norm"][0].min() > result["batch norm"][1].max()
    text = norm_picture(result, 0.1).text
    assert "Batches of 2: yours" in text
    assert "Batches of 128: yours" in text


def test_a_race_that_diverges_or_fails_is_named(short):
    loss = {"yours": np.array([[math.nan], [1.0]])}
    assert "yours diverged" in norm_picture(loss, 0.1).text
    with pytest.raises(ValueError, match="my_norm gave"):
        race_norm.race_norm(lambda x, gamma, beta: x.mean(), 0.1)
