"""Which kernel a layer runs, which parameters it makes, and the mutants."""

import importlib

import pytest
import torch
from torch import nn
from torch.nn import functional

from coursekit import norm

PAGES = {
    name: importlib.import_module(f"coursekit.norm.{name}")
    for name in ("layer_norm", "rms_norm", "group_norm")
}
KERNELS = ("layer_norm", "rms_norm", "group_norm")


@pytest.fixture
def kernels(monkeypatch):
    """Note the kernels of torch that are called."""
    called = []

    def watch(name):
        right = getattr(functional, name)

        def watched(*args, **kwargs):
            called.append(name)
            return right(*args, **kwargs)

        monkeypatch.setattr(functional, name, watched)

    for name in KERNELS:
        if hasattr(functional, name):
            watch(name)
    return called


def draw(*shape, size=1.0):
    generator = torch.Generator().manual_seed(0)
    return size * torch.randn(*shape, generator=generator, dtype=torch.float64)


def used(called, layer, x):
    """Run a layer; return its output and the kernels behind it."""
    called.clear()
    y = layer(x)
    return y, list(called)


def check_layer_norm_takes_the_kernel_unless_told_not_to(called):
    x = draw(3, 5)
    fast, names = used(called, norm.LayerNorm(5).double(), x)
    assert names == ["layer_norm"]
    slow, names = used(called, norm.LayerNorm(5, fused=False).double(), x)
    assert names == []
    torch.testing.assert_close(fast, slow, rtol=1e-12, atol=1e-12)


def check_rms_norm_takes_no_kernel_on_the_cpu(called):
    for fused in (True, False):
        _, names = used(called, norm.RMSNorm(5, fused=fused).double(), draw(3, 5))
        assert names == []


def check_group_norm_takes_the_kernel_for_more_than_one_entry_a_group(called):
    for shape, groups, names in (
        ((2, 6, 3), 2, ["group_norm"]),
        ((2, 6), 3, ["group_norm"]),
        ((1, 6), 6, []),
        ((2, 6), 6, []),
        ((0, 6, 3), 2, []),
    ):
        fast, found = used(called, norm.GroupNorm(groups, 6).double(), draw(*shape))
        assert found == names
        slow, found = used(
            called, norm.GroupNorm(groups, 6, fused=False).double(), draw(*shape)
        )
        assert found == []
        torch.testing.assert_close(fast, slow, rtol=1e-10, atol=1e-12)


def check_without_an_affine_part_there_are_no_parameters(called):
    plain = {"elementwise_affine": False}
    for layer in (
        norm.LayerNorm(5, **plain),
        norm.LayerNorm(5, bias=False, **plain),
        norm.RMSNorm(5, **plain),
        norm.GroupNorm(1, 5, affine=False),
    ):
        assert list(layer.parameters()) == []
        assert layer.weight is layer.bias is None
    names = [name for name, _ in norm.LayerNorm(5, bias=False).named_parameters()]
    assert names == [name for name, _ in norm.RMSNorm(5).named_parameters()]
    assert names == ["weight"]
    both = nn.ModuleList([norm.LayerNorm((2, 3)), norm.GroupNorm(2, 6)])
    assert [tuple(p.shape) for p in both.parameters()] == [(2, 3)] * 2 + [(6,)] * 2


def check_epsilon_of_rms_norm_is_that_of_the_type(called):
    for dtype, size in ((torch.float64, 1e-8), (torch.float32, 3e-4)):
        x = draw(4, 6, size=size).to(dtype)
        eps = torch.finfo(dtype).eps
        expected = x / (x.square().mean(-1, keepdim=True) + eps).sqrt()
        torch.testing.assert_close(norm.RMSNorm(6, dtype=dtype)(x), expected)
        torch.testing.assert_close(norm.rms_norm(x, 6), expected)
        none = norm.RMSNorm(6, eps=0.0, dtype=dtype)(x)
        torch.testing.assert_close(none, x / x.square().mean(-1, keepdim=True).sqrt())
    x = draw(4, 6, size=1e-3).bfloat16()
    wide = norm.rms_norm(x.float(), 6)
    torch.testing.assert_close(norm.rms_norm(x, 6), wide.bfloat16())


CHECKS = [check for name, check in list(globals().items()) if name[:6] == "check_"]


@pytest.mark.parametrize("check", CHECKS)
def test_kernels(kernels, check):
    check(kernels)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")
@pytest.mark.skipif(not hasattr(functional, "rms_norm"), reason="an older torch")
def test_rms_norm_takes_the_kernel_on_the_gpu(kernels):
    x = draw(3, 5).cuda()
    _, names = used(kernels, norm.RMSNorm(5).double().cuda(), x)
    assert names == ["rms_norm"]
    _, names = used(kernels, norm.RMSNorm(5, fused=False).double().cuda(), x)
    assert names == []


@pytest.mark.parametrize(
    ("page", "name", "old", "new"),
    [
        ("layer_norm", "LayerNorm.forward", "if self.fused", "if not self.fused"),
        ("layer_norm", "LayerNorm.forward", "if self.fused else layer_norm", ""),
        ("rms_norm", "RMSNorm.forward", "self.fused and x.is_cuda", "self.fused"),
        ("rms_norm", "RMSNorm.forward", "None if self.eps_of_type else", ""),
        ("rms_norm", "rms_norm", "torch.float32)).eps", "torch.float64)).eps"),
        ("rms_norm", "rms_norm", "eps = torch.finfo(", "eps = 2 * torch.finfo("),
        ("rms_norm", "rms_norm", '"about_mean": False', '"about_mean": True'),
        ("group_norm", "GroupNorm.forward", "> x.shape[0] *", ">= x.shape[0] *"),
        ("group_norm", "GroupNorm.forward", "if fused else group_norm", ""),
        ("group_norm", "GroupNorm.forward", "x.shape[0] * self", "x.shape[0] + self"),
    ],
)
def test_the_checks_kill_the_mutant(mutate, monkeypatch, kernels, page, name, old, new):
    owner, _, method = name.rpartition(".")
    owner = getattr(PAGES[page], owner) if owner else PAGES[page]
    wrong = mutate(getattr(owner, method), old, new)
    for where in (owner, norm):
        if where is owner or callable(getattr(where, method, None)):
            monkeypatch.setattr(where, method, wrong)
    assert not survives(kernels)


def survives(kernels):
    try:
        for check in CHECKS:
            check(kernels)
    except (Exception, pytest.fail.Exception):
        return False
    return True


def test_the_checks_pass_without_a_mutant(kernels):
    assert survives(kernels)
