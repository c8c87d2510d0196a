"""The data sets: right numbers, no leak, the same for the same seed."""

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits

from coursekit import data
from coursekit.data import digits
from coursekit.device import generator

RAW, LABELS = load_digits(return_X_y=True)


def test_every_image_is_in_exactly_one_part():
    split = digits("global", dtype=torch.float64)
    assert split.x_train.shape == (1400, 64)
    assert split.x_test.shape == (397, 64)
    assert split.y_train.dtype == split.y_test.dtype == torch.int64
    pixels = 4.8 * np.concatenate([split.x_train.numpy(), split.x_test.numpy()])
    labels = np.concatenate([split.y_train.numpy(), split.y_test.numpy()])
    ours = {(*p, y) for p, y in zip(unshifted(pixels), labels.tolist(), strict=True)}
    theirs = {(*p, y) for p, y in zip(unshifted(RAW), LABELS.tolist(), strict=True)}
    assert ours == theirs


def unshifted(pixels):
    """Rows of pixels with the lowest value of each pixel moved to zero."""
    return np.round(pixels - pixels.min(axis=0), 6).tolist()


@pytest.mark.parametrize("scaling", ["standard", "global"])
def test_statistics_come_from_the_training_part_only(scaling):
    split = digits(scaling, dtype=torch.float64)
    mean = split.x_train.mean(0)
    assert mean.abs().max() < 1e-12
    assert split.x_test.mean(0).abs().max() > 1e-3


def test_standard_scaling_divides_by_the_deviation_plus_a_tenth():
    one, other = (
        digits("standard", dtype=torch.float64),
        digits("global", dtype=torch.float64),
    )
    std = 4.8 * other.x_train.std(0, correction=0)
    torch.testing.assert_close(one.x_test, 4.8 * other.x_test / (std + 0.1))
    assert torch.isfinite(one.x_test).all()


def test_seed_decides_the_split_and_nothing_global_does():
    before = torch.get_rng_state()
    assert torch.equal(digits(seed=3).x_train, digits(seed=3).x_train)
    assert not torch.equal(digits(seed=3).y_train, digits(seed=4).y_train)
    assert torch.equal(torch.get_rng_state(), before)


def test_the_split_is_fresh_and_of_the_dtype_asked_for():
    first = digits(n_train=100, dtype=torch.float64)
    first.x_train.zero_()
    again = digits(n_train=100, dtype=torch.float64)
    assert again.x_train.abs().max() > 0
    assert again.x_train.dtype == torch.float64
    assert len(again.x_test) == 1697


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: digits("minmax"), ValueError, "'standard', 'global', got 'minmax'"),
        (lambda: digits(n_train=1797), ValueError, "at most 1796, got 1797"),
        (lambda: digits(n_train=0), ValueError, "n_train: expected an integer >= 1"),
        (lambda: digits(seed=-1), ValueError, "seed: expected an integer >= 0"),
        (lambda: data.moons(0), ValueError, "n: expected an integer >= 1, got 0"),
        (lambda: data.xor(5, -1), ValueError, "noise: expected a finite number >= 0"),
        (lambda: data.spirals(5, turns=0), ValueError, "turns: expected"),
        (lambda: data.rings(2.5), TypeError, "n: expected an integer"),
    ],
)
def test_wrong_arguments_are_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()


TOYS = ["spirals", "moons", "rings", "xor", "cubic"]


@pytest.mark.parametrize("name", TOYS)
def test_toys_are_reproducible_and_noise_is_noise(name):
    draw = getattr(data, name)
    x, y = draw(200, 0.0, seed=1)
    assert len(x) == len(y) == 200
    assert torch.equal(x, draw(200, 0.0, seed=1)[0])
    one, other = (draw(200, 0.0, generator=generator(1))[0] for _ in range(2))
    assert torch.equal(one, other)
    assert not torch.equal(x, one)
    assert not torch.equal(x, draw(200, 0.0, seed=2)[0])
    noisy_x, noisy_y = draw(200, 0.3, seed=1)
    noise = (noisy_y - y) if name == "cubic" else (noisy_x - x)
    spread = noise.std().item()
    assert abs(spread / 0.3 - 1) < 5 / (2 * noise.numel()) ** 0.5


@pytest.mark.parametrize("name", TOYS[:4])
def test_classes_are_both_there_and_no_line_separates_them(name):
    x, y = getattr(data, name)(400, 0.0, seed=0)
    assert set(y.tolist()) == {0, 1}
    assert 0.4 < y.double().mean() < 0.6
    design = torch.cat((x, torch.ones(400, 1)), 1).double()
    target = (2 * y - 1).double()[:, None]
    fit = torch.linalg.lstsq(design, target).solution
    accuracy = ((design @ fit > 0) == (target > 0)).double().mean()
    assert accuracy < 0.95


def test_shapes_of_the_toys():
    x, y = data.rings(100, 0.0)
    radius = x.norm(dim=1)
    torch.testing.assert_close(radius, torch.where(y == 1, 0.5, 1.0))
    x, y = data.spirals(1000, 0.0, turns=2)
    angle = torch.atan2(x[:, 1], x[:, 0])
    turn = 2 * torch.pi * 2 * x.norm(dim=1) + torch.pi * y
    torch.testing.assert_close(angle.cos(), turn.cos(), rtol=0, atol=1e-4)
    x, y = data.moons(1000, 0.0)
    centre = torch.stack((0.5 - y, 0.25 - 0.5 * y), 1) * -1
    torch.testing.assert_close((x - centre).norm(dim=1), torch.ones(1000))
