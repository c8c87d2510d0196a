"""A stack is the plain loop over its models, and no model sees another one."""

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy

from coursekit import probes
from coursekit.data import digits
from coursekit.experiments import stacked, stacked_training
from coursekit.models import MLP

WIDTHS, SEEDS, GAINS = [64, 12, 12, 10], [0, 0, 3], [0.7, 1.4, 2.0]
MOMENTS = [0, 1, 40]


@pytest.fixture
def data():
    split = digits()
    return split.x_train.double()[:200], split.y_train[:200]


def draw(activation="relu"):
    return stacked.draw_stack(WIDTHS, GAINS, SEEDS, activation)


def unstack(stack, k, activation="relu"):
    """Make an ordinary module of model k."""
    model = MLP(WIDTHS, activation).double()
    maps = [m for m in model if isinstance(m, torch.nn.Linear)]
    with torch.no_grad():
        for layer, weight, bias in zip(maps, stack.weights, stack.biases, strict=True):
            layer.weight.copy_(weight[k])
            layer.bias.copy_(bias[k, 0])
    return model


def train_plain(model, x, y, order, steps, make):
    optimizer = make(list(model.parameters()))
    for step in range(steps):
        optimizer.zero_grad()
        cross_entropy(model(x[order[step]]), y[order[step]]).backward()
        optimizer.step()
    return model


@pytest.mark.parametrize("activation", ["relu", "tanh"])
@pytest.mark.parametrize(
    "optimizer", [stacked_training.sgd(0.1), stacked_training.adam(1e-3)]
)
def test_stacked_training_equals_the_plain_loop(data, activation, optimizer):
    x, y = data
    plain = [unstack(draw(activation), k, activation) for k in range(3)]
    stack = draw(activation)
    list(
        stacked_training.train(
            stack,
            x,
            y,
            optimizer=optimizer,
            batch_size=16,
            moments=MOMENTS,
            seeds=SEEDS,
        )
    )
    for k, seed in enumerate(SEEDS):
        order = stacked_training.batches(len(x), 16, 40, seed)
        model = train_plain(plain[k], x, y, order, 40, optimizer)
        maps = [m for m in model if isinstance(m, torch.nn.Linear)]
        for layer, weight in zip(maps, stack.weights, strict=True):
            assert (layer.weight - weight[k]).abs().max() < 1e-12


@pytest.mark.parametrize("activation", ["relu", "tanh", "sigmoid"])
def test_stacked_signals_equal_the_probes(data, activation):
    x, y = data
    stack = draw(activation)
    a, delta = stacked.signals(stack, x, y)
    for k in range(3):
        expected = probes.signals(unstack(stack, k, activation), x, y)
        for mine, theirs in zip(
            [*a, *delta], [*expected[0], *expected[1]], strict=True
        ):
            assert (mine[k] - theirs).abs().max() < 1e-14


def test_stacked_loss_is_the_mean_of_each_model(data):
    x, y = data
    stack = draw()
    plain = [cross_entropy(unstack(stack, k)(x), y).item() for k in range(3)]
    assert stacked.losses(stack, x, y).tolist() == pytest.approx(plain, abs=1e-13)


def test_a_diverging_model_leaves_the_others_alone(data):
    x, y = data
    stacks = [draw(), stacked.draw_stack(WIDTHS, [0.7, 1e200, 2.0], SEEDS)]
    for stack in stacks:
        list(
            stacked_training.train(
                stack,
                x,
                y,
                optimizer=stacked_training.sgd(0.1),
                batch_size=16,
                moments=[5],
                seeds=SEEDS,
            )
        )
    healthy, poisoned = (stacked.losses(s, x, y) for s in stacks)
    assert not torch.isfinite(poisoned[1])
    assert torch.equal(healthy[[0, 2]], poisoned[[0, 2]])


def test_one_seed_gives_the_same_weights_up_to_the_gain():
    weights = draw().weights[1]
    assert torch.allclose(weights[1], 2 * weights[0], rtol=1e-15, atol=0)
    assert not torch.allclose(weights[2], weights[1])


def test_the_last_layer_can_keep_its_own_gain():
    wide = stacked.draw_stack([400, 500, 500], [2.0], [0], last_gain=1.0)
    std = [float(w.std() * w.shape[-1] ** 0.5) for w in wide.weights]
    assert std == pytest.approx([2.0, 1.0], rel=0.01)


def test_every_epoch_shows_every_example_once():
    order = stacked_training.batches(30, 7, 30 * 2 // 7, seed=1).flatten()
    assert sorted(order[:30].tolist()) == list(range(30))
    assert order[:30].tolist() != list(range(30))


def test_training_pauses_at_the_moments_asked_for(data):
    x, y = data
    run = stacked_training.train(
        draw(),
        x,
        y,
        optimizer=stacked_training.sgd(0.1),
        batch_size=16,
        moments=[0, 3, 7],
        seeds=SEEDS,
    )
    assert list(run) == [0, 3, 7]


def test_gains_without_seeds_are_refused():
    with pytest.raises(ValueError, match="one of each a model"):
        stacked.draw_stack(WIDTHS, [1.0], [0, 1])


def test_learning_rate_zero_changes_nothing(data):
    x, y = data
    stack, fresh = draw(), draw()
    list(
        stacked_training.train(
            stack,
            x,
            y,
            optimizer=stacked_training.sgd(0.0),
            batch_size=16,
            moments=[3],
            seeds=SEEDS,
        )
    )
    for mine, theirs in zip(stack.parameters, fresh.parameters, strict=True):
        assert np.array_equal(mine.detach(), theirs)
