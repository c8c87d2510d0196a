"""Fans, constants and identities entry by entry, and the mutants they kill."""

import importlib
import itertools
import math

import numpy as np
import pytest
import torch
from torch import nn

from coursekit import init
from coursekit.device import generator

STRUCTURED = importlib.import_module("coursekit.init.structured")
FANS = importlib.import_module("coursekit.init.fans")
SHAPES = [(3, 3), (2, 5), (5, 2), (3, 4, 3), (4, 3, 3, 5), (2, 2, 4), (2, 3, 1, 2, 3)]


def fans_are_right(fans):
    """A unit's inputs and an input's units, counted one by one."""
    for shape in [(1, 1), (2, 7), *SHAPES]:
        links = list(itertools.product(*map(range, shape)))
        n_in = sum(link[0] == 0 for link in links)
        n_out = sum(link[1] == 0 for link in links)
        if tuple(fans(shape)) != (n_in, n_out) or fans(shape).fan_in != n_in:
            return False
    return True


def constant_is_right(constant):
    for shape in ((), (4,), *SHAPES):
        for options in ({}, {"value": -1.5}, {"dtype": torch.float64, "value": 0.1}):
            w = constant(shape, **options)
            dtype = options.get("dtype", torch.float32)
            expected = torch.tensor(options.get("value", 0.0), dtype=dtype)
            if w.shape != shape or not torch.equal(w, expected.expand(shape)):
                return False
    return True


def identity_is_right(identity):
    """Ones where output, input and the middle of the kernel meet; zeros elsewhere."""
    for shape in SHAPES:
        for options in ({}, {"gain": -0.3}, {"dtype": torch.float64, "gain": 0.1}):
            w = identity(shape, **options)
            expected = np.zeros(shape)
            for k in range(min(shape[:2])):
                middle = [size // 2 for size in shape[2:]]
                expected[k, k, *middle] = options.get("gain", 1.0)
            dtype = options.get("dtype", torch.float32)
            if not torch.equal(w, torch.tensor(expected, dtype=dtype)):
                return False
    return True


def orthogonal_is_right(orthogonal):
    for shape in SHAPES:
        for g in (1.0, 2.5, 0.0):
            w = orthogonal(shape, g, generator=generator(2), dtype=torch.float64)
            matrix = w.reshape(shape[0], -1)
            small = matrix @ matrix.T
            if shape[0] > matrix.shape[1]:
                small = matrix.T @ matrix
            if w.shape != shape or not torch.allclose(
                small, g**2 * torch.eye(len(small)).double(), atol=1e-12
            ):
                return False
        if shape[0] >= matrix.shape[1]:
            theirs = torch.empty(shape, dtype=torch.float64)
            torch.nn.init.orthogonal_(theirs, generator=generator(2))
            ours = orthogonal(shape, generator=generator(2), dtype=torch.float64)
            if not torch.allclose(ours, theirs, rtol=0, atol=1e-12):
                return False
    # uniform over rotations and reflections: half of each, E[tr] = 0
    g = generator(7)
    draws = [orthogonal((3, 3), generator=g) for _ in range(400)]
    traces = torch.stack([w.trace() for w in draws])
    signs = torch.stack([torch.linalg.det(w).sign() for w in draws])
    return abs(traces.mean()) < 4 / 20 and abs(signs.mean()) < 4 / 20


CHECKS = {
    "fans": fans_are_right,
    "constant": constant_is_right,
    "identity": identity_is_right,
    "orthogonal": orthogonal_is_right,
}


@pytest.mark.parametrize("name", CHECKS)
def test_the_scheme_is_right_entry_by_entry(name):
    assert CHECKS[name](getattr(init, name))


MUTANTS = [
    ("fans", "in_ * math.prod(kernel)", "in_"),
    ("fans", "in_ * math.prod(kernel)", "in_ * sum(kernel or [1])"),
    ("fans", "out * math.prod(kernel)", "out"),
    ("fans", "Fans(n_in, n_out)", "Fans(n_out, n_in)"),
    ("fans", "out, in_, *kernel", "in_, out, *kernel"),
    ("constant", "value: float = 0.0", "value: float = 1.0"),
    ("constant", "tuple(shape), c", "tuple(shape), abs(c)"),
    ("constant", "dtype or torch.get_default_dtype()", "torch.get_default_dtype()"),
    ("identity", "gain: float = 1.0", "gain: float = 0.9"),
    ("identity", "torch.zeros(", "torch.ones("),
    ("identity", "min(out, in_)", "min(out, in_) - 1"),
    ("identity", "size // 2", "(size - 1) // 2"),
    ("identity", "size // 2", "0"),
    ("identity", "diagonal, diagonal,", "diagonal, 0,"),
    ("identity", 'check_number("gain", gain)', '1 + 0 * check_number("gain", gain)'),
    ("identity", "dtype=dtype)", "dtype=None)"),
    ("orthogonal", ".sign()", ".abs().sign()"),
    ("orthogonal", "w = g * q", "w = q"),
    ("orthogonal", "w = g * q", "w = g**2 * q"),
    ("orthogonal", "if out >= n_in else w.T", "if out >= n_in else w"),
    ("orthogonal", "fans(shape).fan_in", "shape[1]"),
    ("orthogonal", "q, r = torch.linalg.qr(a)", "q, r = a, torch.eye(len(a.T))"),
    ("orthogonal", "a = torch.randn(", "a = torch.rand("),
]


@pytest.mark.parametrize(("name", "old", "new"), MUTANTS)
def test_the_checks_kill_the_mutant(mutate, name, old, new):
    page = FANS if name == "fans" else STRUCTURED
    wrong = mutate(getattr(page, name), old, new)
    try:
        right = CHECKS[name](wrong)
    except (RuntimeError, TypeError, ValueError):
        right = False
    assert not right


# ---- where the weights are put, and what is refused

DRAWN = sorted(set(init.SCHEMES) - {"scaled_normal"})


@pytest.mark.parametrize("name", DRAWN)
def test_weights_are_moved_to_the_device_asked_for(name):
    """The meta device stands for one that is not the generator's."""
    w = init.SCHEMES[name]((3, 2), generator=generator(0), device="meta")
    assert w.device.type == "meta"
    here = init.SCHEMES[name]((3, 2), generator=generator(0))
    assert here.device.type == "cpu"


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_default_type_is_torchs(dtype):
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        for name in DRAWN:
            assert init.SCHEMES[name]((3, 2), generator=generator(0)).dtype == dtype
    finally:
        torch.set_default_dtype(before)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("scaled_normal", {"gain": 0.0}),
        ("xavier_normal", {"gain": 0.0}),
        ("xavier_uniform", {"gain": 0.0}),
        ("orthogonal", {"gain": 0.0}),
        ("identity", {"gain": 0.0}),
        ("constant", {}),
    ],
)
def test_a_gain_of_zero_closes_a_layer(name, options):
    w = init.SCHEMES[name]((3, 2), generator=generator(0), **options)
    assert not w.any()


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: init.identity((3,)), ValueError, r"got \(3,\)"),
        (lambda: init.identity((3, 3), math.nan), ValueError, "gain: .* NaN"),
        (lambda: init.constant((3,), "1"), TypeError, "value: expected a number"),
        (lambda: init.constant((3,), math.nan), ValueError, "value: .* NaN"),
        (
            lambda: init.orthogonal((3, 3), -1, generator=generator(0)),
            ValueError,
            "gain: expected a finite number >= 0",
        ),
        (
            lambda: init.initialize(
                nn.Sequential(nn.Linear(2, 2), nn.ConvTranspose1d(2, 2, 2)),
                "he_normal",
                seed=0,
            ),
            TypeError,
            "transposed convolution",
        ),
    ],
)
def test_wrong_arguments_are_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()
