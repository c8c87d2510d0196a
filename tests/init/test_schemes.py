"""Every initializer's fans, variance and distribution, and the mutants they kill."""

import importlib
import math

import pytest
import torch

from coursekit import init
from coursekit.device import generator
from coursekit.init import fans

SHAPES = [(300, 200), (120, 500), (40, 30, 5, 5)]


def fan(shape):
    """The fans, counted independently: units summed over, units reached."""
    kernel = torch.empty(shape[2:]).numel()
    return shape[1] * kernel, shape[0] * kernel


def expected_variance(name, shape, **kw):
    n_in, n_out = fan(shape)
    slope = kw.get("negative_slope", 0.0)
    n_he = n_in if kw.get("mode", "fan_in") == "fan_in" else n_out
    return {
        "standard_uniform": 1 / (3 * n_in),
        "lecun_normal": 1 / n_in,
        "lecun_uniform": 1 / n_in,
        "scaled_normal": kw.get("gain", 1.0) ** 2 / n_in,
        "xavier_normal": kw.get("gain", 1.0) ** 2 * 2 / (n_in + n_out),
        "xavier_uniform": kw.get("gain", 1.0) ** 2 * 2 / (n_in + n_out),
        "he_normal": 2 / (1 + slope**2) / n_he,
        "he_uniform": 2 / (1 + slope**2) / n_he,
    }[name]


CASES = [
    ("standard_uniform", {}),
    ("lecun_normal", {}),
    ("lecun_uniform", {}),
    ("scaled_normal", {"gain": 2.38}),
    ("xavier_normal", {}),
    ("xavier_normal", {"gain": 5 / 3}),
    ("xavier_uniform", {}),
    ("xavier_uniform", {"gain": 0.5}),
    ("he_normal", {}),
    ("he_normal", {"mode": "fan_out"}),
    ("he_normal", {"negative_slope": 0.5}),
    ("he_uniform", {}),
    ("he_uniform", {"mode": "fan_out", "negative_slope": -1.5}),
]


def deviations(name, shape, seed=11, **kw):
    """How many standard errors mean, variance and fourth moment are off.

    With excess kurtosis k the sampling variance of the second moment is (k+2)/n; that
    of the fourth, relative to its expectation, follows from the eighth. Both are known:
    k = 0 and moments 3, 105 for a normal variable, k = -1.2 and 9/5, 9 for a uniform.
    """
    draw = getattr(init, name)
    w = draw(shape, generator=generator(seed), dtype=torch.float64, **kw)
    n = w.numel()
    z = w / math.sqrt(expected_variance(name, shape, **kw))
    fourth, eighth = (9 / 5, 9.0) if "uniform" in name else (3.0, 105.0)
    return (
        z.mean().item() * math.sqrt(n),
        (z.square().mean().item() - 1) / math.sqrt((fourth - 1) / n),
        ((z**4).mean().item() - fourth) / math.sqrt((eighth - fourth**2) / n),
    )


def schemes_are_right():
    """5 standard errors: 39 cases of 3 numbers fail by chance once in 15,000 seeds."""
    return all(
        max(map(abs, deviations(name, shape, **kw))) < 5
        for name, kw in CASES
        for shape in SHAPES
    )


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("name", "kw"), CASES)
def test_moments_are_those_of_the_scheme(name, kw, shape):
    mean, variance, fourth = deviations(name, shape, **kw)
    assert abs(mean) < 5
    assert abs(variance) < 5
    assert abs(fourth) < 5


MUTANTS = [
    ("he", "he_std", "2 /", "1 /"),
    ("he", "he_std", "math.sqrt(2 / ((1 + a**2) * n))", "2 / ((1 + a**2) * n)"),
    ("he", "he_std", "(1 + a**2)", "(1 + a)"),
    ("he", "he_std", "(1 + a**2)", "1"),
    ("he", "he_std", "getattr(fans(shape), mode)", "fans(shape).fan_in"),
    ("he", "he_std", "getattr(fans(shape), mode)", "fans(shape).fan_out"),
    ("he", "he_std", "getattr(fans(shape), mode)", "shape[1]"),
    ("he", "he_std", "getattr(fans(shape), mode)", "sum(fans(shape)) / 2"),
    ("he", "he_uniform", "math.sqrt(3)", "1"),
    ("he", "he_uniform", "math.sqrt(3)", "math.sqrt(6)"),
    ("he", "he_normal", "std = he_std", "std = 1.05 * he_std"),
    ("he", "he_normal", "return normal(", "return uniform("),
    ("xavier", "xavier_std", "2 / (n_in + n_out)", "1 / (n_in + n_out)"),
    ("xavier", "xavier_std", "2 / (n_in + n_out)", "1 / n_in"),
    ("xavier", "xavier_std", "g * math.sqrt", "g**2 * math.sqrt"),
    ("xavier", "xavier_std", "g * math.sqrt", "math.sqrt"),
    ("xavier", "xavier_uniform", "math.sqrt(3)", "math.sqrt(6)"),
    ("xavier", "xavier_uniform", "return uniform(", "return normal("),
    ("lecun", "scaled_normal", "fans(shape).fan_in", "fans(shape).fan_out"),
    ("lecun", "scaled_normal", "g / math.sqrt", "math.sqrt(g) / math.sqrt"),
    ("lecun", "lecun_uniform", "3 /", "1 /"),
    ("lecun", "standard_uniform", "1 / math.sqrt", "math.sqrt(3) / math.sqrt"),
    (
        "lecun",
        "standard_uniform",
        "math.sqrt(fans(shape).fan_in)",
        "fans(shape).fan_in",
    ),
    ("fans", "uniform", "2 * draw - 1", "draw"),
    ("fans", "normal", "std * draw", "std**2 * draw"),
]


def test_the_checks_pass_without_a_mutant():
    assert schemes_are_right()


@pytest.mark.parametrize(("page", "function", "old", "new"), MUTANTS)
def test_the_checks_kill_the_mutant(mutate, monkeypatch, page, function, old, new):
    pages = {
        name: importlib.import_module(f"coursekit.init.{name}")
        for name in ("fans", "lecun", "xavier", "he")
    }
    wrong = mutate(getattr(pages[page], function), old, new)
    for where in (*pages.values(), init):
        if hasattr(where, function):
            monkeypatch.setattr(where, function, wrong)
    assert not schemes_are_right()


@pytest.mark.parametrize(
    ("name", "kw", "theirs", "torch_kw"),
    [
        ("xavier_normal", {"gain": 1.5}, "xavier_normal_", {"gain": 1.5}),
        ("xavier_uniform", {"gain": 1.5}, "xavier_uniform_", {"gain": 1.5}),
        ("he_normal", {}, "kaiming_normal_", {}),
        (
            "he_normal",
            {"mode": "fan_out", "negative_slope": 0.3},
            "kaiming_normal_",
            {"mode": "fan_out", "a": 0.3},
        ),
        ("he_uniform", {}, "kaiming_uniform_", {}),
        ("lecun_normal", {}, "kaiming_normal_", {"nonlinearity": "linear"}),
        ("standard_uniform", {}, "kaiming_uniform_", {"a": math.sqrt(5)}),
    ],
)
@pytest.mark.parametrize("shape", SHAPES)
def test_scale_equals_torchs(name, kw, theirs, torch_kw, shape):
    """The same draws, so that only the factor is compared."""
    ours = getattr(init, name)(shape, generator=generator(5), dtype=torch.float64, **kw)
    other = torch.empty(shape, dtype=torch.float64)
    getattr(torch.nn.init, theirs)(other, generator=generator(5), **torch_kw)
    torch.testing.assert_close(ours, other, rtol=1e-12, atol=1e-15)


def test_a_linear_layer_is_born_with_the_standard_scheme():
    """What the docstring says of torch's default: same bound, nothing beyond it."""
    torch.manual_seed(0)
    weight = torch.nn.Linear(400, 300).weight
    assert 0.999 / 20 < weight.abs().max() <= 1 / 20


# Fans.


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ((7, 3), (3, 7)),
        ((8, 4, 3), (12, 24)),
        ((16, 3, 5, 5), (75, 400)),
        ((2, 3, 2, 3, 4), (72, 48)),
        (torch.empty(5, 6).shape, (6, 5)),
    ],
)
def test_fans_count_the_kernel(shape, expected):
    assert tuple(fans(shape)) == expected


def test_fans_are_the_terms_of_a_convolutions_sums():
    """Counted by running it: ones in give n_in, the slope by an inner pixel n_out."""
    conv = torch.nn.Conv2d(3, 4, 3, padding=1, bias=False)
    torch.nn.init.ones_(conv.weight)
    image = torch.ones(1, 3, 7, 7, requires_grad=True)
    out = conv(image)
    out.sum().backward()
    assert out[0, 0, 3, 3].item() == fans(conv.weight.shape).fan_in
    assert image.grad[0, 0, 3, 3].item() == fans(conv.weight.shape).fan_out


@pytest.mark.parametrize(
    ("shape", "error", "message"),
    [
        ((5,), ValueError, r"expected \[out, in, \*kernel\], got \(5,\)"),
        ((), ValueError, "no fans"),
        ((5, 0), ValueError, r"shape\[1\]: expected an integer >= 1, got 0"),
        ((5, 2.5), TypeError, r"shape\[1\]: expected an integer"),
    ],
)
def test_shapes_without_fans_are_refused(shape, error, message):
    with pytest.raises(error, match=message):
        fans(shape)


# What holds for all schemes.

ALL = sorted(set(init.SCHEMES) - {"scaled_normal"})


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_dtype_shape_and_seed(name, dtype):
    draw = init.SCHEMES[name]
    first = draw((6, 4, 3), generator=generator(1), dtype=dtype)
    again = draw((6, 4, 3), generator=generator(1), dtype=dtype)
    assert first.dtype == dtype
    assert first.shape == (6, 4, 3)
    assert first.device.type == "cpu"
    assert torch.equal(first, again)
    assert not first.requires_grad
    if name not in {"constant", "identity"}:
        assert not torch.equal(
            first, draw((6, 4, 3), generator=generator(2), dtype=dtype)
        )


@pytest.mark.parametrize("name", ALL)
def test_the_global_generator_is_left_alone(name):
    before = torch.get_rng_state()
    init.SCHEMES[name]((4, 4), generator=generator(0))
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")
@pytest.mark.parametrize("name", ALL)
def test_a_seed_gives_the_same_weights_on_every_device(name):
    draw = init.SCHEMES[name]
    here = draw((6, 4), generator=generator(1))
    there = draw((6, 4), generator=generator(1), device="cuda")
    assert there.is_cuda
    assert torch.equal(here, there.cpu())


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda g: init.he_normal((3, 3), mode="fan_avg", generator=g),
            "'fan_in', 'fan",
        ),
        (lambda g: init.xavier_normal((3, 3), gain=-1, generator=g), "gain: expected"),
        (lambda g: init.scaled_normal((3, 3), math.inf, generator=g), "finite"),
        (lambda g: init.orthogonal((3,), generator=g), r"got \(3,\)"),
        (lambda g: init.identity((3,), generator=g), r"got \(3,\)"),
    ],
)
def test_wrong_arguments_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call(generator(0))


# The schemes that are not independent draws.


@pytest.mark.parametrize("shape", [(5, 9), (9, 5), (6, 6), (8, 3, 3, 3), (30, 2, 3)])
def test_orthogonal_keeps_lengths(shape):
    w = init.orthogonal(shape, 1.5, generator=generator(3), dtype=torch.float64)
    matrix = w.reshape(shape[0], -1)
    small = (
        matrix @ matrix.T if matrix.shape[0] <= matrix.shape[1] else matrix.T @ matrix
    )
    eye = torch.eye(small.shape[0], dtype=torch.float64)
    torch.testing.assert_close(small, 1.5**2 * eye, rtol=0, atol=1e-12)


def haar_trace_is_centred(draw):
    """Under Haar measure E[tr W] = 0 and Var = 1; without the sign fix it is not."""
    g = generator(7)
    shape = (3, 3)
    traces = [draw(shape, generator=g, dtype=torch.float64).trace() for _ in range(900)]
    mean = torch.stack(traces).mean().item()
    return abs(mean) < 5 / math.sqrt(900)


def test_orthogonal_is_uniform_over_rotations_and_reflections(mutate):
    assert haar_trace_is_centred(init.orthogonal)
    old, new = "g * q * r.diagonal().sign()", "g * q"
    assert not haar_trace_is_centred(mutate(init.orthogonal, old, new))


def test_identity_copies_and_so_does_its_convolution():
    w = init.identity((4, 4), 2.0)
    assert torch.equal(w @ torch.arange(4.0), 2 * torch.arange(4.0))
    kernel = init.identity((3, 3, 3, 3))
    image = torch.randn(1, 3, 5, 5, generator=generator(0))
    copied = torch.nn.functional.conv2d(image, kernel, padding=1)
    assert torch.equal(copied, image)


def test_constant_is_constant_and_any_shape_will_do():
    assert torch.equal(init.constant((2,), 0.25), torch.full((2,), 0.25))
