"""Hold folded code, halving pools and both forms of convolution to torch's layers."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.func import functional_call

from coursekit.sweep import folded, pooling
from coursekit.sweep.folded import FoldedNet
from coursekit.sweep.leaves import StackedConv
from coursekit.sweep.nets import choose_path
from coursekit.sweep.pooling import StackedMaxPool, halves

POOLS = {1: nn.MaxPool1d, 2: nn.MaxPool2d}
PLACES = [(1, (8,)), (1, (7,)), (2, (4, 6)), (2, (5, 7))]
CPU = torch.device("cpu")


def stack(tensors: Any) -> Any:
    return None if tensors[0] is None else torch.stack(list(tensors))


def draw(*shape: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator, dtype=torch.double)


def check_pool(dims: int, places: tuple[int, ...]) -> None:
    """Compare values and gradients where many entries are equal, in both layouts."""
    plain = POOLS[dims](2)
    x = draw(2, 3, 4, *places).round().requires_grad_()
    swapped = x.detach().transpose(0, 1).contiguous().transpose(0, 1).requires_grad_()
    wanted = plain(x.flatten(0, 1)).unflatten(0, (2, 3))
    g = draw(*wanted.shape, seed=1)
    (slope,) = torch.autograd.grad(wanted, x, g)
    for inputs in (x, swapped):
        y = StackedMaxPool([plain], None)(inputs)
        (found,) = torch.autograd.grad(y, inputs, g)
        assert torch.equal(y, wanted)
        assert torch.equal(found, slope)


@pytest.mark.parametrize(("dims", "places"), PLACES)
def test_pools_are_torchs_and_ties_go_to_the_first(dims: int, places: Any) -> None:
    check_pool(dims, places)


def test_pools_can_be_derived_twice() -> None:
    layer = StackedMaxPool([nn.MaxPool2d(2)], None)
    x = draw(1, 1, 2, 3, 4).requires_grad_()
    assert torch.autograd.gradcheck(layer, x)
    assert torch.autograd.gradgradcheck(layer, x)


def test_a_number_that_is_none_is_not_lost_in_a_pool() -> None:
    x = torch.tensor([[[[1.0, float("nan"), float("nan"), 1.0]]]])
    assert StackedMaxPool([nn.MaxPool1d(2)], None)(x).isnan().all()


OTHER_POOLS = {
    "window": nn.MaxPool1d(3, 2),
    "stride": nn.MaxPool1d(2, 1),
    "padding": nn.MaxPool1d(2, padding=1),
    "dilation": nn.MaxPool1d(2, dilation=2),
    "ceil": nn.MaxPool1d(2, ceil_mode=True),
    "indices": nn.MaxPool1d(2, return_indices=True),
    "one axis": nn.MaxPool2d((2, 3), 2),
}


@pytest.mark.parametrize("name", OTHER_POOLS)
def test_other_pools_stay_torchs(name: str) -> None:
    assert halves(nn.MaxPool2d((2, 2)))
    assert not halves(OTHER_POOLS[name])


CONVS: dict[str, tuple[Callable[[], Any], tuple[int, ...]]] = {
    "patches": (lambda: nn.Conv1d(1, 4, 5, padding=2), (1, 9)),
    "patches, stride": (lambda: nn.Conv2d(1, 3, (2, 3), (1, 2)), (1, 5, 6)),
    "patches, edges": (lambda: nn.Conv2d(1, 3, 3, padding=(0, 1)), (1, 5, 6)),
    "groups": (lambda: nn.Conv1d(4, 5, 5, padding=2), (4, 9)),
    "groups, stride": (lambda: nn.Conv2d(3, 2, 3, (2, 1), (1, 0)), (3, 5, 6)),
    "no bias": (lambda: nn.Conv1d(4, 5, 5, bias=False), (4, 9)),
}


def check_conv(name: str) -> None:
    make, shape = CONVS[name]
    convs = [make().double() for _ in range(3)]
    x = draw(3, 2, *shape)
    wanted = torch.stack([conv(each) for conv, each in zip(convs, x, strict=True)])
    torch.testing.assert_close(StackedConv(convs, stack)(x), wanted)


@pytest.mark.parametrize("name", CONVS)
def test_convolutions_are_each_models_own(name: str) -> None:
    check_conv(name)


class FromTheLeft(nn.Module):
    """Count axes as code for one batch does."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.pool = nn.Conv1d(2, 3, 3), nn.MaxPool1d(2)
        self.norm, self.head = nn.BatchNorm1d(3), nn.Linear(9, 4)
        self.act = nn.Tanh()

    def forward(self, x: Tensor) -> Tensor:
        a = self.act(self.norm(self.pool(self.conv(x.view(x.size(0), 2, 8)))))
        return self.head(a.flatten(1))


def check_folded() -> None:
    models = [FromTheLeft().double() for _ in range(3)]
    x = draw(3, 5, 16)
    states = [{k: v.clone() for k, v in m.state_dict().items()} for m in models]
    wanted = [
        functional_call(model, state, (each,))
        for model, state, each in zip(models, states, x, strict=True)
    ]
    net = FoldedNet(models, "mse", [torch.Generator()] * 3, CPU)
    torch.testing.assert_close(net.outputs((x,)), torch.stack(wanted))
    (hidden,) = net.activations((x,))
    assert hidden.shape == (3, 5, 3, 3)
    net.keep([0, 2])
    torch.testing.assert_close(net.outputs((x[[0, 2]],))[1], wanted[2])


def test_code_that_counts_from_the_left_is_folded() -> None:
    check_folded()
    models = [FromTheLeft(), FromTheLeft()]
    assert choose_path(models, draw(6, 16).float())[0] == "folded"


def check_pools() -> None:
    for dims, places in PLACES:
        check_pool(dims, places)


def check_convs() -> None:
    for name in CONVS:
        check_conv(name)


LARGER, CONV = pooling._Larger, StackedConv
PART = (folded._Count, "part", "(-1, self.models)", "(self.models, -1)", check_folded)
MUTANTS = [
    (LARGER, "forward", "second > first", "second >= first", check_pools),
    (LARGER, "forward", "torch.maximum", "torch.minimum", check_pools),
    (LARGER, "backward", "[g - to_second, to_second]", "[to_second, g]", check_pools),
    (LARGER, "backward", "+ [0, 1]", "+ [1, 0]", check_pools),
    (StackedMaxPool, "forward", "self.axes + 1", "self.axes", check_pools),
    (StackedMaxPool, "forward", "-axis)", "axis - 3)", check_pools),
    (CONV, "forward", "groups=len(x)", "groups=1", check_convs),
    (CONV, "forward", "self.strides,", "1,", check_convs),
    (CONV, "forward", "self.edges,", "0,", check_convs),
    (CONV, "_by_patches", "reversed(self.edges)", "self.edges", check_convs),
    (CONV, "_by_patches", "axis, size, stride)", "axis, size, 1)", check_convs),
    (CONV, "_by_patches", "self.bias)", "None)", check_convs),
    PART,
    (folded._Count, "fold", "x.transpose(0, 1)", "x", check_folded),
    (FoldedNet, "_folded", "len(x[0])", "3", check_folded),
]


@pytest.mark.parametrize("number", range(len(MUTANTS)))
def test_small_wrongs_are_noticed(number: int, mutate: Any, monkeypatch: Any) -> None:
    place, name, old, new, check = MUTANTS[number]
    wrong = mutate(getattr(place, name), old, new)
    still = isinstance(vars(place)[name], staticmethod)
    monkeypatch.setattr(place, name, staticmethod(wrong) if still else wrong)
    with pytest.raises((AssertionError, RuntimeError, ValueError, TypeError)):
        check()
