"""Dropout: exact means over all masks, draws, the ensemble it stands for, mutants."""

import copy
import importlib
import itertools
from unittest import mock

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from coursekit import regularization as reg
from coursekit.device import generator, seed_everything

PAGES = {
    name: importlib.import_module(f"coursekit.regularization.{name}")
    for name in ("dropout", "dropout_layer", "weight_scaling")
}


def close(ours, theirs, **tolerance):
    options = {"rtol": 1e-12, "atol": 1e-13} | tolerance
    torch.testing.assert_close(ours, theirs, **options)


def draw(*shape, seed=0):
    return torch.randn(*shape, generator=generator(seed), dtype=torch.float64)


def masks_and_probabilities(n, p):
    for bits in itertools.product((False, True), repeat=n):
        yield torch.tensor(bits), np.prod([1 - p if bit else p for bit in bits])


# ---- checks that mutants have to fail


def check_both_conventions_by_hand():
    x = torch.tensor([1.0, -2.0, 3.0], dtype=torch.float64)
    r = torch.tensor([True, False, True])
    close(reg.dropout(x, 0.2, mask=r), torch.tensor([1.25, 0.0, 3.75]).to(x))
    standard = reg.dropout(x, 0.2, mask=r, inverted=False)
    close(standard, torch.tensor([1.0, 0.0, 3.0]).to(x))
    assert reg.dropout(x, 0.2, training=False) is x
    close(reg.dropout(x, 0.2, training=False, inverted=False), 0.8 * x)
    close(reg.dropout(x, mask=r), torch.tensor([2.0, 0.0, 6.0]).to(x))


def check_the_mean_over_all_masks_is_the_prediction():
    x = draw(4)
    for p, inverted in itertools.product((0.0, 0.3, 0.5, 0.9), (True, False)):
        mean = sum(
            weight * reg.dropout(x, p, inverted=inverted, mask=r)
            for r, weight in masks_and_probabilities(4, p)
        )
        close(mean, reg.dropout(x, p, training=False, inverted=inverted))


def check_draws():
    for p in (0.1, 0.5, 0.8):
        r = reg.dropout_mask((200, 500), p, generator=generator(1))
        uniform = torch.rand(200, 500, generator=generator(1))
        assert torch.equal(r, uniform < 1 - p)
        assert r.double().mean().item() == pytest.approx(1 - p, abs=0.006)
        # neither rows nor columns go together
        assert r.double().mean(0).std() < 0.06
        assert r.double().mean(1).std() < 0.04
    x = draw(3, 5)
    r = reg.dropout_mask((3, 5), 0.4, generator=generator(2))
    close(reg.dropout(x, 0.4, generator=generator(2)), reg.dropout(x, 0.4, mask=r))
    assert reg.dropout_mask((100,), generator=generator(0)).sum() < 70


def check_the_ends():
    x = draw(3, 50)
    for inverted in (True, False):
        options = {"inverted": inverted, "generator": generator(0)}
        close(reg.dropout(x, 0.0, **options), x)
        close(reg.dropout(x, 1.0, **options), torch.zeros_like(x))
    close(reg.dropout(x, 1.0, training=False), x)
    with mock.patch("torch.rand", return_value=torch.zeros(3)):  # it can come up
        assert not reg.dropout_mask((3,), 1.0, generator=generator(0)).any()
    nothing = reg.dropout(x, 1.0, training=False, inverted=False)
    close(nothing, torch.zeros_like(x))


def check_the_layer_follows_its_mode():
    x = draw(4, 6)
    for inverted in (True, False):
        layer = reg.Dropout(0.3, inverted=inverted, generator=generator(5))
        r = generator(5)
        for _ in range(2):  # a new mask in every pass
            expected = reg.dropout(x, 0.3, inverted=inverted, generator=r)
            close(layer(x), expected)
        state = layer.generator.get_state()
        expected = reg.dropout(x, 0.3, training=False, inverted=inverted)
        close(layer.eval()(x), expected)
        assert torch.equal(layer.generator.get_state(), state)
    default = reg.Dropout()
    assert (default.p, default.inverted, default.generator) == (0.5, True, None)


def check_shared_axes_go_together():
    x = torch.ones(20, 10, 3, 4, dtype=torch.float64)
    y = reg.Dropout(0.5, generator=generator(0), shared=(-2, -1))(x)
    channels = y.flatten(2)
    assert torch.equal(channels, channels[..., :1].expand_as(channels))
    assert 60 < (channels[..., 0] == 2).sum() < 140
    assert (y.mean((2, 3)).std(0) > 0.5).all()
    features = reg.Dropout(0.5, generator=generator(0), shared=(1,))(x)
    assert torch.equal(features, features[:, :1].expand_as(features))


def check_weight_scaling_is_the_geometric_mean_of_all_thinned_nets():
    W, b, h = draw(4, 6), draw(4, seed=1), draw(3, 6, seed=2)

    def logits(h):
        return h @ W.T + b

    for p in (0.2, 0.5, 0.9):
        exact = reg.weight_scaling(logits, h, p)
        close(exact, torch.softmax((1 - p) * h @ W.T + b, -1))
        close(reg.ensemble_average(logits, h, p), exact, rtol=1e-10)
    close(reg.ensemble_average(logits, h), reg.ensemble_average(logits, h, 0.5))
    close(reg.weight_scaling(logits, h), reg.weight_scaling(logits, h, 0.5))
    assert reg.ensemble_average(logits, h[0]).shape == (4,)


def check_averages_by_a_loop():
    W, V, h = draw(5, 4), draw(3, 5, seed=1), 2 * draw(2, 4, seed=2)

    def logits(h):
        return torch.tanh(h @ W.T) @ V.T

    for p in (0.3, 0.5):
        arithmetic, log_geometric = 0, 0
        for r, weight in masks_and_probabilities(4, p):
            probs = torch.softmax(logits(h * r), -1)
            arithmetic = arithmetic + weight * probs
            log_geometric = log_geometric + weight * probs.log()
        geometric = log_geometric.exp()
        geometric = geometric / geometric.sum(-1, keepdim=True)
        ours = reg.ensemble_average(logits, h, p, mean="arithmetic")
        close(ours, arithmetic)
        close(reg.ensemble_average(logits, h, p, mean="geometric"), geometric)
        # behind a nonlinearity, scaling is an approximation
        off = (reg.weight_scaling(logits, h, p) - geometric).abs().max()
        assert 0.001 < off < 0.3


CHECKS = [check for name, check in list(globals().items()) if name[:6] == "check_"]


@pytest.mark.parametrize("check", CHECKS)
def test_dropout(check):
    check()


# ---- laws and life in torch


def test_gradients_flow_through_what_is_kept():
    x = draw(2, 5).requires_grad_(True)
    r = reg.dropout_mask(x.shape, 0.4, generator=generator(0))
    for inverted in (True, False):
        for p in (0.4, 1.0):
            assert torch.autograd.gradcheck(
                lambda x, p=p, i=inverted: reg.dropout(x, p, mask=r, inverted=i), x
            )
    (grad,) = torch.autograd.grad(reg.dropout(x, 0.4, mask=r).sum(), x)
    close(grad, r.double() / 0.6)


def test_the_variance_is_p_over_q():
    x = torch.full((400_000,), 3.0, dtype=torch.float64)
    y = reg.dropout(x, 0.2, generator=generator(0))
    assert y.var().item() == pytest.approx(9 * 0.2 / 0.8, rel=0.01)


def test_it_agrees_with_torchs_layer_in_law_and_in_evaluation():
    x = torch.ones(100_000)
    ours = reg.dropout(x, 0.3, generator=generator(0))
    theirs = F.dropout(x, 0.3)
    assert sorted(set(ours.tolist())) == sorted(set(theirs.tolist()))
    assert ours.mean().item() == pytest.approx(1, abs=0.01)


def test_masks_of_a_stack_are_drawn_outside_of_vmap():
    x = draw(3, 8)
    r = torch.stack([reg.dropout_mask((8,), generator=generator(k)) for k in range(3)])
    stacked = torch.func.vmap(lambda x, r: reg.dropout(x, mask=r))(x, r)
    looped = [reg.dropout(x[k], generator=generator(k)) for k in range(3)]
    close(stacked, torch.stack(looped))
    layer = reg.Dropout(0.5, generator=generator(0))
    with pytest.raises(RuntimeError, match="randomness"):
        torch.func.vmap(layer)(x)
    same = torch.func.vmap(layer, randomness="same")(torch.ones(3, 8))
    assert torch.equal(same[0], same[1])
    other = torch.func.vmap(layer, randomness="different")(torch.ones(3, 50))
    assert not torch.equal(other[0], other[1])


def test_without_a_generator_torchs_own_is_used_and_with_one_it_is_left_alone():
    x = torch.ones(40)
    seed_everything(3)
    first = reg.Dropout()(x)
    seed_everything(3)
    assert torch.equal(reg.Dropout()(x), first)
    assert not torch.equal(reg.Dropout()(x), first)
    state = torch.get_rng_state()
    reg.Dropout(generator=generator(0))(x)
    assert torch.equal(torch.get_rng_state(), state)


def test_the_layer_is_copied_and_printed_and_has_no_parameters():
    layer = reg.Dropout(0.25, generator=generator(0), shared=(1,))
    twin = copy.deepcopy(layer)
    x = torch.ones(4, 3, 5)
    assert torch.equal(twin(x), layer(x))
    assert repr(layer) == "Dropout(p=0.25, inverted=True, shared=(1,))"
    assert repr(reg.Dropout()) == "Dropout(p=0.5, inverted=True)"
    assert not layer.state_dict()


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_types_are_kept_and_masks_do_not_depend_on_them(dtype):
    x = draw(50).to(dtype)
    y = reg.dropout(x, 0.5, generator=generator(0))
    assert y.dtype == dtype
    wide = reg.dropout(x.double(), 0.5, generator=generator(0))
    assert torch.equal(y.double(), wide)  # a factor of 2 is exact
    assert reg.Dropout()(x).dtype == dtype


def test_inputs_are_left_as_they_were():
    x, r = draw(5), torch.tensor([True, False, True, True, False])
    before = x.clone(), r.clone()
    reg.dropout(x, mask=r)
    reg.ensemble_average(lambda h: h, x)
    assert torch.equal(x, before[0])
    assert torch.equal(r, before[1])


def test_bad_input_is_refused_in_words():
    x = torch.ones(2, 3)
    for p in (-0.1, 1.1):
        for function in (
            lambda p: reg.dropout(x, p, generator=generator(0)),
            lambda p: reg.dropout_mask((2,), p, generator=generator(0)),
            lambda p: reg.Dropout(p),
            lambda p: reg.weight_scaling(lambda h: h, x, p),
            lambda p: reg.ensemble_average(lambda h: h, x, p),
        ):
            with pytest.raises(ValueError, match=r"p: expected a number in \[0, 1\]"):
                function(p)
    with pytest.raises(TypeError, match=r"generator: expected a torch\.Generator"):
        reg.dropout(x)
    with pytest.raises(TypeError, match=r"x: expected a floating.*got torch.int64"):
        reg.dropout(x.long(), generator=generator(0))
    with pytest.raises(ValueError, match=r"broadcasts to \(2, 3\), got \(4, 2, 3\)"):
        reg.dropout(x, mask=torch.ones(4, 2, 3))
    for shape in ((3, 3), (2,), (4,)):
        with pytest.raises(ValueError, match=r"broadcasts to \(2, 3\)"):
            reg.dropout(x, mask=torch.ones(shape))
    for axis in (2, -3):
        with pytest.raises(ValueError, match=rf"axes of \(2, 3\), got {axis}"):
            reg.Dropout(shared=(axis,))(x)
    with pytest.raises(TypeError):
        reg.Dropout(0.5, False)  # torch's second argument is inplace
    with pytest.raises(ValueError, match="mean: expected one of 'geometric'"):
        reg.ensemble_average(lambda h: h, x, mean="harmonic")
    with pytest.raises(ValueError, match=r"1 to 16 units .* got shape \(2, 17\)"):
        reg.ensemble_average(lambda h: h, torch.ones(2, 17))
    with pytest.raises(ValueError, match="1 to 16 units"):
        reg.ensemble_average(lambda h: h, torch.ones(2, 0))
    assert reg.ensemble_average(lambda h: h[..., :2], torch.ones(16)).shape == (2,)


@pytest.mark.gpu
def test_a_cpu_generator_gives_the_same_masks_on_the_gpu():
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    x = draw(5, 7)
    ours = reg.dropout(x.cuda(), generator=generator(0))
    assert ours.is_cuda
    close(ours.cpu(), reg.dropout(x, generator=generator(0)))
    there = reg.Dropout(generator=generator(0, "cuda"))(x.cuda())
    assert there.is_cuda
    assert (there == 0).any()
    h = draw(3, seed=1)
    close(
        reg.ensemble_average(lambda h: h, h.cuda()).cpu(),
        reg.weight_scaling(lambda h: h, h),
    )


MUTANTS = [
    ("dropout", "dropout_mask", "< q", "> q"),
    ("dropout", "dropout_mask", "< q", "<= q"),
    ("dropout", "dropout_mask", "< q", "< 1 - q"),
    ("dropout", "dropout_mask", "q = 1 - check", "q = check"),
    ("dropout", "dropout_mask", "p: float = 0.5", "p: float = 0.2"),
    ("dropout", "dropout_mask", "torch.rand(shape,", "torch.rand(shape[-1:],"),
    ("dropout", "dropout", "q = 1 - check", "q = check"),
    ("dropout", "dropout", "return r * x  #", "return r * x / q  #"),
    ("dropout", "dropout", "return r * x  #", "return x  #"),
    ("dropout", "dropout", "r * x / (q or 1.0)", "r * x"),
    ("dropout", "dropout", "r * x / (q or 1.0)", "r * x * q"),
    ("dropout", "dropout", "(q or 1.0)", "(p or 1.0)"),
    ("dropout", "dropout", "(q or 1.0)", "q"),
    ("dropout", "dropout", "else q * x", "else x"),
    ("dropout", "dropout", "else q * x", "else p * x"),
    ("dropout", "dropout", "x if inverted else", "q * x if inverted else"),
    ("dropout", "dropout", "if not inverted", "if inverted"),
    ("dropout", "dropout", "p: float = 0.5", "p: float = 0.2"),
    ("dropout", "dropout", "inverted: bool = True", "inverted: bool = False"),
    ("dropout", "dropout", "training: bool = True", "training: bool = False"),
    ("dropout", "_mask", "mask is None", "mask is not None"),
    ("dropout", "_mask", "x.shape, p,", "x.shape, 0.5,"),
    ("dropout_layer", "Dropout", "training=self.training", "training=True"),
    ("dropout_layer", "Dropout", "inverted=self.inverted", "inverted=True"),
    ("dropout_layer", "Dropout", "shape, self.p,", "shape, 0.5,"),
    ("dropout_layer", "Dropout", "x, self.p,", "x, 0.5,"),
    ("dropout_layer", "Dropout", "shape[axis] = 1", "shape[0] = 1"),
    ("dropout_layer", "Dropout", "if self.training:", "if True:"),
    ("dropout_layer", "Dropout", "p: float = 0.5", "p: float = 0.2"),
    ("dropout_layer", "Dropout", "inverted: bool = True", "inverted: bool = False"),
    (
        "dropout_layer",
        "Dropout",
        "self.generator or",
        "torch.Generator().manual_seed(5) or",
    ),
    ("weight_scaling", "ensemble_average", "q = 1 - check", "q = check"),
    ("weight_scaling", "ensemble_average", "(1 - r) * (1 - q)", "(1 - r) * q"),
    ("weight_scaling", "ensemble_average", ".prod(-1)", ".mean(-1)"),
    ("weight_scaling", "ensemble_average", "masks * h", "masks * h / q"),
    ("weight_scaling", "ensemble_average", "log_p.exp()", "log_p"),
    ("weight_scaling", "ensemble_average", "torch.softmax(", "torch.exp("),
    ("weight_scaling", "ensemble_average", 'mean == "ari', 'mean != "ari'),
    ("weight_scaling", "ensemble_average", 'mean: str = "geo', 'mean: str = "ari'),
    ("weight_scaling", "ensemble_average", "p: float = 0.5", "p: float = 0.2"),
    ("weight_scaling", "weight_scaling", "p: float = 0.5", "p: float = 0.2"),
    ("weight_scaling", "weight_scaling", "q * h", "h"),
    ("weight_scaling", "weight_scaling", "logits(q * h)", "q * logits(h)"),
    ("weight_scaling", "weight_scaling", "q = 1 - check", "q = check"),
    ("weight_scaling", "_all_masks", "range(2**n", "range(2**n - 1"),
    ("weight_scaling", "_all_masks", "& 1", "& 3"),
]


@pytest.mark.parametrize(("page", "function", "old", "new"), MUTANTS)
def test_the_checks_kill_the_mutant(is_killed, page, function, old, new):
    right, places = getattr(PAGES[page], function), (*PAGES.values(), reg)
    assert is_killed(CHECKS, right, old, new, places)
