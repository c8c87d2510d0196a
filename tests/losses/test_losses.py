"""The losses against torch, closed forms, laws, and the mutants they kill."""

import importlib
import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from coursekit import losses

PAGES = {
    name: importlib.import_module(f"coursekit.losses.{name}")
    for name in ("_batch", "cross_entropy", "mse_softmax", "one_hot", "softmax")
}
EXACT = {"rtol": 1e-12, "atol": 1e-14}
CORNER = torch.tensor([-10.0, 10.0, -1000.0], dtype=torch.float64)
LOGITS = arrays(float, (4, 5), elements=st.floats(-60, 60))
LAW = settings(max_examples=40, deadline=None)


def draw(seed=0, shape=(2, 7, 5)):
    generator = torch.Generator().manual_seed(seed)
    o = 4 * torch.randn(shape, generator=generator, dtype=torch.float64)
    y = torch.randint(shape[-1], shape[:-1], generator=generator)
    soft = torch.rand(shape, generator=generator, dtype=torch.float64) + 0.01
    return o, y, soft / soft.sum(-1, keepdim=True)


def close(ours, theirs, **tolerance):
    torch.testing.assert_close(ours, theirs, **(EXACT | tolerance))


# ---- against torch in float64


def check_softmax_is_torchs():
    o, _, _ = draw()
    for tau in (0.3, 1.0, 7.0):
        close(losses.softmax(o), torch.softmax(o, -1))
        close(losses.log_softmax(o), torch.log_softmax(o, -1))
        close(losses.softmax(o, temperature=tau), torch.softmax(o / tau, -1))
        close(losses.log_softmax(o, temperature=tau), torch.log_softmax(o / tau, -1))


def check_cross_entropy_is_torchs():
    o, y, soft = draw()
    for target in (y, soft):
        for tau in (0.5, 1.0):
            for reduction in ("mean", "sum", "none"):
                ours = losses.cross_entropy(
                    o, target, temperature=tau, reduction=reduction
                )
                flat = target.flatten(0, 1)
                theirs = F.cross_entropy(
                    o.flatten(0, 1) / tau, flat, reduction=reduction
                )
                assert ours.shape == (target.shape[:2] if reduction == "none" else ())
                close(ours.flatten(), theirs.flatten())
    close(losses.cross_entropy(o, y), F.cross_entropy(o.flatten(0, 1), y.flatten()))


def check_mse_is_the_sum_of_squares():
    o, y, soft = draw()
    p = torch.softmax(o / 0.7, -1)
    for target, rows in ((y, F.one_hot(y, 5).double()), (soft, soft)):
        squares = F.mse_loss(p, rows, reduction="none").sum(-1)
        ours = losses.mse_softmax(o, target, temperature=0.7, reduction="none")
        close(ours, squares)
        close(losses.mse_softmax(o, target, temperature=0.7), squares.mean())
        p_1 = torch.softmax(o, -1)
        close(losses.mse_softmax(o, target), (rows - p_1).square().sum(-1).mean())


def check_one_hot_is_torchs():
    _, y, _ = draw()
    close(losses.one_hot(y, 6, dtype=torch.float64), F.one_hot(y, 6).double())
    assert losses.one_hot(torch.tensor(1), 3).tolist() == [0, 1, 0]
    assert losses.one_hot(y, 6).dtype == torch.float32
    assert losses.one_hot(y.to(torch.int8), 6, dtype=torch.int64).dtype == torch.int64
    assert losses.one_hot(torch.tensor([0]), 1).tolist() == [[1]]


def check_gradients_are_those_of_autograd():
    o, y, soft = draw(3)
    for target in (y, soft):
        for tau in (0.4, 1.0):
            for loss, grad in (
                (losses.cross_entropy, losses.grad_cross_entropy),
                (losses.mse_softmax, losses.grad_mse_softmax),
            ):
                x = o.clone().requires_grad_(True)
                loss(x, target, temperature=tau, reduction="sum").backward()
                close(grad(o, target, temperature=tau), x.grad)
                if tau == 1:
                    close(grad(o, target), x.grad)


# ---- closed forms


def check_the_corner_is_steep_for_one_loss_and_flat_for_the_other():
    target = torch.tensor(0)
    close(
        losses.cross_entropy(CORNER, target),
        torch.tensor(20.0),
        check_dtype=False,
        rtol=1e-9,
    )
    assert losses.mse_softmax(CORNER, target).item() == pytest.approx(2, rel=1e-8)
    steep = losses.grad_cross_entropy(CORNER, target).norm().item()
    flat = losses.grad_mse_softmax(CORNER, target).norm().item()
    assert steep == pytest.approx(math.sqrt(2), rel=1e-8)
    # p = e^-20: both logits move by 4p
    assert flat == pytest.approx(4 * math.sqrt(2) * math.exp(-20), rel=1e-7)
    assert f"{flat:.2e}" == "1.17e-08"


def check_large_logits_neither_overflow_nor_lose_the_loss():
    for scale in (1e3, 1e30):
        o = torch.tensor([[scale, 0.0, -scale]], requires_grad=True)
        assert losses.softmax(o).tolist() == [[1, 0, 0]]
        loss = losses.cross_entropy(o, torch.tensor([2]))
        assert loss.item() == pytest.approx(2 * scale, rel=1e-6)
        (grad,) = torch.autograd.grad(loss, o)
        assert grad.tolist() == [[1, 0, -1]]
    rows = torch.tensor([[1000.0, 1001.0], [0.0, 1.0]], dtype=torch.float64)
    close(losses.softmax(rows)[0], losses.softmax(rows)[1], rtol=1e-9)


CHECKS = [check for name, check in list(globals().items()) if name[:6] == "check_"]


@pytest.mark.parametrize("check", CHECKS)
def test_loss(check):
    check()


@pytest.mark.parametrize("loss", [losses.cross_entropy, losses.mse_softmax])
@pytest.mark.parametrize("kind", ["class", "soft"])
def test_gradcheck_and_second_derivatives(loss, kind):
    o, y, soft = draw(1, (3, 4))
    target = y if kind == "class" else soft
    x = o.requires_grad_(True)
    assert torch.autograd.gradcheck(lambda x: loss(x, target), x)
    assert torch.autograd.gradgradcheck(lambda x: loss(x, target), x)


@pytest.mark.parametrize("loss", [losses.cross_entropy, losses.mse_softmax])
def test_vmap_over_models_equals_the_loop(loss):
    o, y, _ = draw(2)
    stacked = torch.func.vmap(torch.func.grad(loss))(o, y)
    looped = [torch.func.grad(loss)(o[k], y[k]) for k in range(2)]
    close(stacked, torch.stack(looped))


# ---- laws


@LAW
@given(LOGITS, st.floats(-500, 500))
def test_a_constant_added_to_all_logits_changes_nothing(o, c):
    o, y = torch.from_numpy(o), torch.tensor([0, 1, 2, 4])
    close(losses.softmax(o + c), losses.softmax(o), rtol=1e-9, atol=1e-12)
    ours, moved = losses.cross_entropy(o, y), losses.cross_entropy(o + c, y)
    close(moved, ours, rtol=1e-9, atol=1e-9)


@LAW
@given(LOGITS, st.floats(0.1, 10))
def test_softmax_is_a_distribution_that_fixes_ratios(o, tau):
    o = torch.from_numpy(o)
    p = losses.softmax(o, temperature=tau)
    close(p.sum(-1), torch.ones(4).double(), rtol=1e-12)
    assert bool((p >= 0).all())
    close(losses.log_softmax(o, temperature=tau).diff(), o.diff() / tau, atol=1e-9)


@LAW
@given(LOGITS)
def test_gradients_sum_to_zero_and_point_away_from_the_target(o):
    o, y = torch.from_numpy(o), torch.tensor([0, 1, 2, 4])
    for grad in (losses.grad_cross_entropy, losses.grad_mse_softmax):
        g = grad(o, y)
        close(g.sum(-1), torch.zeros(4).double(), atol=1e-12)
        assert bool((g.gather(-1, y[:, None]) <= 1e-15).all())


@LAW
@given(LOGITS)
def test_soft_labels_equal_to_a_class_give_the_loss_of_the_class(o):
    o, y = torch.from_numpy(o), torch.tensor([0, 1, 2, 4])
    rows = losses.one_hot(y, 5, dtype=torch.float64)
    for loss in (losses.cross_entropy, losses.mse_softmax):
        close(loss(o, rows), loss(o, y), rtol=1e-10)


def test_negative_log_likelihood_is_cross_entropy():
    o, y, _ = draw()
    likelihood = losses.softmax(o).gather(-1, y[..., None]).log().sum()
    close(losses.cross_entropy(o, y, reduction="sum"), -likelihood, rtol=1e-10)


def test_soft_labels_are_best_met_by_themselves():
    _, _, soft = draw()
    entropy = -(soft * soft.log()).sum(-1).mean()
    close(losses.cross_entropy(soft.log(), soft), entropy)
    grad = losses.grad_cross_entropy(soft.log(), soft)
    close(grad, torch.zeros_like(grad), atol=1e-14)


def test_softmax_can_shrink_a_difference_while_it_fixes_the_ratio():
    p = losses.softmax(torch.tensor([0.0, 1.0], dtype=torch.float64))
    assert (p[1] - p[0]).item() == pytest.approx(math.tanh(0.5))
    assert (p[1] / p[0]).item() == pytest.approx(math.e)


# ---- types, untouched inputs, divergence, bad input


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_other_types_stay_within_their_resolution(dtype):
    o, y, _ = draw(5)
    low = o.to(dtype)
    resolution = torch.finfo(dtype).eps
    for name in ("cross_entropy", "mse_softmax", "grad_cross_entropy"):
        loss = getattr(losses, name)
        ours = loss(low, y)
        assert ours.dtype == dtype
        exact = loss(low.double(), y)
        close(ours.double(), exact, rtol=2 * resolution, atol=resolution)
    p = losses.softmax(low)
    assert p.dtype == dtype
    close(p.double(), losses.softmax(low.double()), rtol=2 * resolution, atol=1e-6)


def test_a_diverged_model_has_a_loss_that_says_so():
    o = torch.tensor([[math.nan, 0.0]])
    for loss in (losses.cross_entropy, losses.mse_softmax):
        assert math.isnan(loss(o, torch.tensor([1])).item())


def test_a_class_ruled_out_by_minus_infinity_is_allowed():
    o = torch.tensor([0.0, -math.inf, 0.0])
    assert losses.softmax(o).tolist() == [0.5, 0.0, 0.5]
    assert losses.cross_entropy(o, torch.tensor(0)).item() == pytest.approx(math.log(2))


def test_inputs_are_left_as_they_were():
    o, y, soft = draw()
    before = o.clone(), y.clone(), soft.clone()
    for loss in (
        losses.cross_entropy,
        losses.mse_softmax,
        losses.grad_cross_entropy,
        losses.grad_mse_softmax,
    ):
        loss(o, y)
        loss(o, soft)
    losses.softmax(o)
    assert all(map(torch.equal, (o, y, soft), before))


O3 = torch.zeros(2, 3)
BAD = [
    (ValueError, (O3, torch.tensor([0, 3])), "classes 0 to 2, got another"),
    (ValueError, (O3, torch.tensor([0, -1])), "classes 0 to 2, got another"),
    (ValueError, (O3, torch.tensor([0, 1, 2])), r"shape \(2,\) \(one class index"),
    (ValueError, (O3, torch.zeros(2)), r"shape \(2, 3\) \(one probability"),
    (TypeError, (O3, torch.tensor([True, False])), "integer class indices, got .*bool"),
    (TypeError, (O3, [0, 1]), "target: expected a tensor, got list"),
    (TypeError, (np.zeros((2, 3)), torch.tensor([0, 1])), "logits: expected a tensor"),
    (ValueError, (O3.long(), torch.tensor([0, 1])), "logits: expected floating-point"),
    (ValueError, (torch.zeros(2, 0), torch.tensor([0, 1])), "classes on the last axis"),
    (ValueError, (torch.zeros(0, 3), torch.zeros(0).long()), "at least one example"),
]


@pytest.mark.parametrize("loss", [losses.cross_entropy, losses.mse_softmax])
@pytest.mark.parametrize(("kind", "args", "message"), BAD)
def test_bad_input_is_refused_in_words(loss, kind, args, message):
    with pytest.raises(kind, match=message):
        loss(*args)


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ([0, 1], "target: expected a tensor of class indices, got list"),
        (torch.tensor([0.0, 1.0]), "integer class indices, got torch.float32"),
        (torch.tensor([0j, 1.0]), "integer class indices, got torch.complex64"),
        (torch.tensor([True]), "integer class indices, got torch.bool"),
    ],
)
def test_one_hot_takes_integers_only(target, message):
    with pytest.raises(TypeError, match=message):
        losses.one_hot(target, 2)


def test_only_errors_about_the_class_are_put_in_other_words():
    for error in (RuntimeError("out of memory"), IndexError("index out of bounds")):
        with (
            pytest.raises(type(error), match=str(error)),
            PAGES["one_hot"].ClassRange(2),
        ):
            raise error
    with pytest.raises(ValueError, match="classes 0 to 1, got another"):
        losses.one_hot(torch.tensor([2]), 2)


def test_the_default_type_of_a_one_hot_vector_is_torchs():
    torch.set_default_dtype(torch.float64)
    try:
        assert losses.one_hot(torch.tensor([0]), 2).dtype == torch.float64
    finally:
        torch.set_default_dtype(torch.float32)


def test_other_arguments_are_checked_too():
    with pytest.raises(ValueError, match="reduction: expected one of 'mean'"):
        losses.cross_entropy(O3, torch.tensor([0, 1]), reduction="batchmean")
    for function in (losses.softmax, losses.log_softmax):
        with pytest.raises(ValueError, match="temperature: expected a finite"):
            function(O3, temperature=0)
    with pytest.raises(ValueError, match="num_classes: expected an integer >= 1"):
        losses.one_hot(torch.tensor([0]), 0)
    assert (
        losses.cross_entropy(
            torch.zeros(0, 3), torch.zeros(0).long(), reduction="sum"
        ).item()
        == 0
    )


@pytest.mark.gpu
def test_the_gpu_agrees_with_the_cpu():
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    o, y, soft = draw()
    for loss in (losses.cross_entropy, losses.mse_softmax, losses.grad_mse_softmax):
        for target in (y, soft):
            close(loss(o.cuda(), target.cuda()).cpu(), loss(o, target), rtol=1e-10)


# ---- mutants

MUTANTS = [
    ("softmax", "_shifted", "o - o.detach().amax(-1, keepdim=True)", "o"),
    ("softmax", "_shifted", "amax(-1, keepdim=True)", "amax()"),
    ("softmax", "_shifted", ") / tau", ") * tau"),
    ("softmax", "_shifted", ") / tau", ")"),
    ("softmax", "softmax", "e.sum(-1, keepdim=True)", "e.sum()"),
    ("softmax", "log_softmax", "z - z.exp()", "z + z.exp()"),
    (
        "softmax",
        "log_softmax",
        "log_p = z - z.exp().sum(-1, keepdim=True).log()",
        "log_p = (z.exp() / z.exp().sum(-1, keepdim=True)).log()",
    ),
    ("cross_entropy", "cross_entropy", "e = -pick", "e = pick"),
    ("cross_entropy", "cross_entropy", "e = -(wide", "e = (wide"),
    ("cross_entropy", "cross_entropy", ")).sum(-1)", ")).mean(-1)"),
    ("cross_entropy", "_log_p", "temperature=temperature", "temperature=1"),
    ("cross_entropy", "grad_cross_entropy", "(p - y) / tau", "(p - y)"),
    ("cross_entropy", "grad_cross_entropy", "(p - y) / tau", "(y - p) / tau"),
    ("cross_entropy", "grad_cross_entropy", "temperature=tau", "temperature=1"),
    ("mse_softmax", "mse_softmax", ".sum(-1)", ".mean(-1)"),
    ("mse_softmax", "mse_softmax", ".square()", ".abs()"),
    ("mse_softmax", "mse_softmax", "temperature=temperature", "temperature=1"),
    ("mse_softmax", "grad_mse_softmax", "p - y - s", "p - y"),
    ("mse_softmax", "grad_mse_softmax", "(2 * p *", "(2 *"),
    ("mse_softmax", "grad_mse_softmax", "(2 * p *", "(p *"),
    ("mse_softmax", "grad_mse_softmax", "(p * (p - y)).sum", "(y * (p - y)).sum"),
    ("mse_softmax", "grad_mse_softmax", "- s) / tau", "- s)"),
    ("one_hot", "one_hot", "torch.zeros(", "torch.ones("),
    ("one_hot", "one_hot", "index.unsqueeze(-1), 1.0", "index.unsqueeze(-1), 2.0"),
    ("one_hot", "one_hot", "torch.get_default_dtype()", "torch.int64"),
    ("mse_softmax", "mse_softmax", "float = 1.0", "float = 2.0"),
    ("softmax", "softmax", "float = 1.0", "float = 2.0"),
    ("softmax", "log_softmax", "float = 1.0", "float = 2.0"),
    ("cross_entropy", "cross_entropy", "float = 1.0", "float = 0.5"),
    ("cross_entropy", "cross_entropy", 'str = "mean"', 'str = "sum"'),
    ("cross_entropy", "grad_cross_entropy", "float = 1.0", "float = 0.5"),
    ("mse_softmax", "grad_mse_softmax", "float = 1.0", "float = 0.5"),
    ("mse_softmax", "mse_softmax", 'str = "mean"', 'str = "sum"'),
    ("_batch", "pick", ".squeeze(-1)", ".squeeze(1)"),
    ("_batch", "reduced", "losses.mean()", "losses.sum()"),
    ("_batch", "reduced", "losses.sum()", "losses.mean()"),
    ("_batch", "pick", "values.gather(-1,", "values.gather(0,"),
]


def survives():
    try:
        for check in CHECKS:
            check()
    except Exception:
        return False
    return True


@pytest.mark.parametrize(("page", "function", "old", "new"), MUTANTS)
def test_the_checks_kill_the_mutant(mutate, monkeypatch, page, function, old, new):
    wrong = mutate(getattr(PAGES[page], function), old, new)
    for where in (*PAGES.values(), losses):
        if hasattr(where, function):
            monkeypatch.setattr(where, function, wrong)
    assert not survives()
