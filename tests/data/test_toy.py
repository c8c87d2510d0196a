"""The pictures of data against NumPy on the same draws, laws of place, and mutants."""

import importlib
import math

import numpy as np
import pytest
import torch
from scipy import stats
from sklearn.datasets import load_digits

from coursekit import data
from coursekit.device import generator

TOY = importlib.import_module("coursekit.data.toy")
DIGITS = importlib.import_module("coursekit.data.digits")
N = 600


class Drawn:
    """The numbers a toy draws, in its order, as float64 arrays."""

    def __init__(self, seed):
        self.source = generator(seed ^ int.from_bytes(b"toy", "big"))

    def uniform(self, *shape):
        return torch.rand(shape, generator=self.source).double().numpy()

    def normal(self, *shape):
        return torch.randn(shape, generator=self.source).double().numpy()


def polar(radius, angle):
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], 1)


def agrees(ours, x, y):
    return (
        np.allclose(ours[0].double().numpy(), x, rtol=0, atol=1e-5)
        and np.allclose(ours[1].double().numpy(), y, rtol=0, atol=1e-5)
        and ours[1].is_floating_point() == (np.asarray(y).dtype.kind == "f")
    )


def spirals_are_right(draw):
    for options in ({}, {"noise": 0.2, "turns": 2.25, "seed": 3}):
        noise, turns, seed = (
            {"noise": 0.05, "turns": 1.5, "seed": 0} | options
        ).values()
        d, y = Drawn(seed), np.arange(N) % 2
        r = np.sqrt(d.uniform(N))
        x = polar(r, 2 * np.pi * turns * r + np.pi * y) + noise * d.normal(N, 2)
        if not agrees(draw(N, **options), x, y):
            return False
    # the points are spread evenly over the disc: r² is uniform
    x, _ = draw(4000, 0.0)
    return stats.kstest(x.double().square().sum(1).numpy(), "uniform").pvalue > 1e-3


def moons_are_right(draw):
    for options in ({}, {"noise": 0.3, "seed": 3}):
        noise, seed = ({"noise": 0.1, "seed": 0} | options).values()
        d, y = Drawn(seed), np.arange(N) % 2
        half = polar(1, np.pi * d.uniform(N)) - [0.5, 0.25]
        x = np.where(y[:, None] == 0, half, -half) + noise * d.normal(N, 2)
        if not agrees(draw(N, **options), x, y):
            return False
    return True


def rings_are_right(draw):
    for options in ({}, {"noise": 0.3, "seed": 3}):
        noise, seed = ({"noise": 0.05, "seed": 0} | options).values()
        d, y = Drawn(seed), np.arange(N) % 2
        x = polar(np.where(y == 0, 1, 0.5), 2 * np.pi * d.uniform(N))
        if not agrees(draw(N, **options), x + noise * d.normal(N, 2), y):
            return False
    return True


def xor_is_right(draw):
    for options in ({}, {"noise": 0.3, "seed": 3}):
        noise, seed = ({"noise": 0.0, "seed": 0} | options).values()
        d = Drawn(seed)
        corner = 2 * d.uniform(N, 2) - 1
        y = (np.sign(corner[:, 0]) != np.sign(corner[:, 1])).astype(int)
        if not agrees(draw(N, **options), corner + noise * d.normal(N, 2), y):
            return False
    return True


def cubic_is_right(draw):
    for options in ({}, {"noise": 0.3, "seed": 3}):
        noise, seed = ({"noise": 0.1, "seed": 0} | options).values()
        d = Drawn(seed)
        x = 2 * d.uniform(N, 1) - 1
        # Chebyshev's polynomial of degree 3
        y = np.cos(3 * np.arccos(x)) + noise * d.normal(N, 1)
        if not agrees(draw(N, **options), x, y):
            return False
    return True


def digits_are_right(digits):
    pixels, labels = load_digits(return_X_y=True)
    for options in ({}, {"scaling": "global", "seed": 5, "n_train": 300}):
        full = {"scaling": "standard", "seed": 0, "n_train": 1400} | options
        order = np.random.default_rng(full["seed"]).permutation(1797)
        train, test = np.split(order, [full["n_train"]])
        x = pixels[train]
        scale = np.sqrt(np.square(x - x.mean(0)).mean(0)) + 0.1
        scale = scale if full["scaling"] == "standard" else 4.8
        ours = digits(**options)
        if ours.x_train.dtype != torch.float32:
            return False
        for part, rows in (("train", train), ("test", test)):
            inputs, targets = getattr(ours, f"x_{part}"), getattr(ours, f"y_{part}")
            expected = (pixels[rows] - x.mean(0)) / scale
            if inputs.shape != expected.shape or targets.dtype != torch.int64:
                return False
            if not np.allclose(inputs.numpy(), expected, rtol=1e-5, atol=1e-5):
                return False
            if targets.tolist() != labels[rows].tolist():
                return False
    return True


CHECKS = {
    "spirals": spirals_are_right,
    "moons": moons_are_right,
    "rings": rings_are_right,
    "xor": xor_is_right,
    "cubic": cubic_is_right,
    "digits": digits_are_right,
}


@pytest.mark.parametrize("name", CHECKS)
def test_the_data_are_those_of_the_equations(name):
    assert CHECKS[name](getattr(data, name))


def test_the_boundaries_of_the_arguments():
    x, _ = data.spirals(1, 0.0, turns=0.01)
    assert x.shape == (1, 2)
    for name in ("spirals", "moons", "rings", "xor", "cubic"):
        with pytest.raises(ValueError, match="noise: expected a finite number >= 0"):
            getattr(data, name)(3, -1e-9)
    assert len(data.digits(n_train=1).y_train) == 1
    assert len(data.digits(n_train=1796).y_test) == 1


def test_the_two_classes_of_a_spiral_are_half_a_turn_apart():
    x, y = data.spirals(2, 0.0, generator=generator(1))
    assert y.tolist() == [0, 1]
    turns = [
        math.atan2(b, a) / (2 * math.pi) - 1.5 * math.hypot(a, b)
        for a, b in x.double().tolist()
    ]
    assert [(turn + 0.25) % 1 - 0.25 for turn in turns] == pytest.approx(
        [0, 0.5], abs=1e-6
    )


MUTANTS = [
    ("spirals", ".sqrt()", ""),
    ("spirals", "* turns *", "*"),
    ("spirals", "2 * math.pi * turns", "math.pi * turns"),
    ("spirals", "+ math.pi * y", "- math.pi / 2 * y"),
    ("spirals", "radius * angle.cos()", "angle.cos()"),
    ("spirals", "+ noise *", "- noise *"),
    ("spirals", "turns: float = 1.5", "turns: float = 2.0"),
    ("spirals", "noise: float = 0.05", "noise: float = 0.0"),
    ("spirals", "device=draw.device) % 2", "device=draw.device) // (n / 2)"),
    ("moons", "1.0 - 2 * y", "2 * y - 1.0"),
    ("moons", "math.pi * _uniform", "2 * math.pi * _uniform"),
    ("moons", "angle.cos() - 0.5", "angle.cos() + 0.5"),
    ("moons", "angle.sin() - 0.25", "angle.sin() - 0.5"),
    ("moons", "sign * (angle.sin()", "(angle.sin()"),
    ("moons", "noise: float = 0.1", "noise: float = 0.05"),
    ("rings", "1 - 0.5 * y", "1 - 0.5 * (1 - y)"),
    ("rings", "1 - 0.5 * y", "1 - 0.3 * y"),
    ("rings", "2 * math.pi", "math.pi"),
    ("rings", "radius * angle.sin()", "angle.sin()"),
    ("rings", "noise * _normal", "noise**2 * _normal"),
    ("xor", "2 * _uniform(draw, n, 2) - 1", "_uniform(draw, n, 2)"),
    ("xor", "(x.prod(dim=1) < 0)", "(x.prod(dim=1) > 0)"),
    ("xor", "(x.prod(dim=1) < 0)", "(x.sum(dim=1) < 0)"),
    ("xor", ".long()", ".float()"),
    ("xor", "noise: float = 0.0", "noise: float = 0.1"),
    ("cubic", "return x, 4 * x**3", "return x, 4 * x**2"),
    ("cubic", "- 3 * x + noise", "+ 3 * x + noise"),
    ("cubic", "2 * _uniform(draw, n, 1) - 1", "_uniform(draw, n, 1)"),
    ("cubic", "+ noise *", "+ noise**2 *"),
    ("digits", "x.mean(0)", "x.mean()"),
    ("digits", "x.mean(0), x.std(0)", "x_test.mean(0), x_test.std(0)"),
    ("digits", "std + 0.1", "std + 1e-3"),
    ("digits", "std + 0.1", "(std**2 + 0.1) ** 0.5"),
    ("digits", 'scaling == "standard"', 'scaling != "standard"'),
    ("digits", "else GLOBAL_SCALE", "else 16.0"),
    ("digits", "(x_test - mean)", "(x_test - x_test.mean(0))"),
    ("digits", "n_train: int = 1400", "n_train: int = 1397"),
    ("digits", 'scaling: str = "standard"', 'scaling: str = "global"'),
    ("raw_digits", ".permutation(N_IMAGES)", ".permutation(n_train)"),
    ("raw_digits", "order[n_train:]", "order[n_train - 1 :]"),
    (
        "raw_digits",
        "order[:n_train], order[n_train:]",
        "order[n_train:], order[:n_train]",
    ),
    ("raw_digits", "default_rng(seed)", "default_rng(0)"),
    ("raw_digits", "return x[train], y[train]", "return x[train], y[: n_train]"),
]


@pytest.mark.parametrize(("name", "old", "new"), MUTANTS)
def test_the_checks_kill_the_mutant(mutate, monkeypatch, name, old, new):
    page = DIGITS if "digits" in name else TOY
    wrong = mutate(getattr(page, name), old, new)
    monkeypatch.setattr(page, name, wrong)
    check = CHECKS.get(name, digits_are_right)
    assert not check(getattr(page, name if name in CHECKS else "digits"))
