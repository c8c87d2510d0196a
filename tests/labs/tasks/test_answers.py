"""Right answers written in other ways than the reference are accepted."""

import copy

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from coursekit.labs import LocalCaller, check, exercise


def with_hooks(model, X, y):
    """Use hooks and `retain_grad`, and torch's default deviation."""
    linear = [m for m in model.modules() if isinstance(m, nn.Linear)]
    z, a = [], []

    def keep(module, args, out):
        out.retain_grad()
        z.append(out)
        a.append(args[0])

    handles = [m.register_forward_hook(keep) for m in linear]
    cross_entropy(model(X), y).backward()
    for handle in handles:
        handle.remove()
    return [t.std() for t in a[1:]], [t.grad.std() for t in z[:-1]]


def as_one_tensor(model, X, y):
    return torch.tensor([[v.item() for v in side] for side in with_hooks(model, X, y)])


def as_arrays(model, X, y):
    return tuple(np.array([v.item() for v in s]) for s in with_hooks(model, X, y))


def torch_he(shape, mode, a):
    gain = nn.init.calculate_gain("leaky_relu", a)
    return gain / nn.init._calculate_correct_fan(torch.empty(shape), mode) ** 0.5


def torch_glorot(shape):
    fan_in, fan_out = nn.init._calculate_fan_in_and_fan_out(torch.empty(shape))
    return torch.tensor(2 / (fan_in + fan_out), dtype=torch.float64).sqrt()


def numpy_rank(W_after):
    s = np.linalg.svd(W_after.numpy(), compute_uv=False)
    return (s / s.max() > 1e-4).sum()


def torch_rank(W_after):
    return torch.linalg.matrix_rank(W_after, rtol=1e-4)


def zero_with_init(res_model):
    for block in res_model.blocks:
        nn.init.zeros_(block.branch.linear2.weight)
        nn.init.zeros_(block.branch[-1].bias)
    return res_model


def zero_a_copy(res_model):
    return zero_with_init(copy.deepcopy(res_model))


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("he_std", torch_he),
        ("glorot_std", torch_glorot),
        ("forward_backward_std", with_hooks),
        ("forward_backward_std", as_arrays),
        ("symmetry_rank", numpy_rank),
        ("symmetry_rank", torch_rank),
        ("zero_last", zero_with_init),
        ("zero_last", zero_a_copy),
    ],
)
@pytest.mark.parametrize("visible", [True, False])
def test_right_answers_are_accepted(name, answer, visible):
    for seed in range(5):
        rng = np.random.default_rng([3, seed])
        result = exercise(name).examine(LocalCaller(answer), rng, visible)
        assert result.passed, result


def test_float32_lists_are_told_how_far_they_are():
    result = check("forward_backward_std", lambda m, X, y: as_one_tensor(m, X, y) * 2)
    assert "expected" in result.message
    assert "Hidden layer 1" in result.message


def test_checks_leave_the_global_generator_and_the_threads_alone():
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    threads = torch.get_num_threads()
    for name in ("forward_backward_std", "symmetry_rank", "zero_last"):
        check(name, exercise(name).reference)
    assert torch.equal(torch.rand(3), expected)
    assert torch.get_num_threads() == threads


def test_what_a_notebook_sets_for_itself_does_not_reach_a_check():
    with torch.no_grad(), torch.device("meta"):
        for name in ("forward_backward_std", "symmetry_rank", "zero_last"):
            assert check(name, exercise(name).reference).passed


def test_other_parameters_of_the_model_must_stay():
    def also_scales(res_model):
        zero_with_init(res_model)
        with torch.no_grad():
            res_model.stem.weight.mul_(2)
        return res_model

    result = check("zero_last", also_scales)
    assert result.status == "wrong"
    assert "`stem.weight` changed too" in result.message


def test_a_model_of_another_precision_is_refused():
    result = check("zero_last", lambda m: zero_with_init(m).float())
    assert "Keep the dtype" in result.message


def test_another_model_is_refused():
    result = check("zero_last", lambda m: m.blocks)
    assert result.status == "unusable"
    assert "names or shapes differ" in result.message
