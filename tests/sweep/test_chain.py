"""Hold chains of linear maps and activations to layers that run one by one."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from coursekit import models
from coursekit.sweep import chain, grid, twin
from coursekit.sweep.nets import PATHS
from coursekit.sweep.streams import stream

DRAW = torch.Generator().manual_seed(0)
X = torch.randn(30, 6, generator=DRAW, dtype=torch.double)
Y = torch.randint(4, (30,), generator=DRAW)
CPU = torch.device("cpu")
ROWS = grid(seed=[0, 1], lr=[0.1, 0.2], batch_size=[8])
HOW = {"steps": 9, "path": "stacked"}
KINDS = ["relu", "tanh", "sigmoid"]


class Inside(nn.Module):
    """Wrap chains, so that gradients arrive from above and go on below."""

    def __init__(self, kind: str = "tanh") -> None:
        super().__init__()
        self.first = nn.Linear(6, 8)
        self.norm = nn.LayerNorm(8)
        self.chain = models.MLP([8, 5, 7, 8], kind)
        self.last = nn.Linear(8, 4)

    def forward(self, x: Tensor) -> Tensor:
        h = self.norm(self.first(x))
        return self.last(h + self.chain(h))


def two_in_a_row() -> nn.Module:
    """Make a chain that has linear maps without an activation between them."""
    shared = nn.Tanh()
    return nn.Sequential(*(
        nn.Linear(6, 5),
        nn.Linear(5, 5),
        shared,
        nn.Linear(5, 4),
        shared,
    ))


def tied() -> nn.Module:
    """Make a chain in which one layer stands twice."""
    square = nn.Linear(6, 6)
    return nn.Sequential(square, nn.Tanh(), square, nn.Sigmoid(), nn.Linear(6, 4))


def three(kind: str) -> nn.Module:
    """Make an MLP of three layers."""
    return models.MLP([6, 5, 7, 4], kind)


def check(equal: Callable[..., Any]) -> None:
    """Compare nets of all kinds with the plain loop, and their second derivatives."""
    for kind in KINDS:
        equal(lambda kind=kind: three(kind), (X, Y), ROWS, **HOW)
    equal(Inside, (X, Y), ROWS, **HOW)
    equal(two_in_a_row, (X, Y), ROWS, **HOW)
    equal(tied, (X, Y), ROWS, **HOW)
    for make in (lambda: three("tanh"), Inside):
        ours, theirs = (curvature(make, path) for path in ("stacked", "loop"))
        for a, b in zip(ours, theirs, strict=True):
            torch.testing.assert_close(a, b, rtol=1e-10, atol=1e-12)


def everything(equal: Callable[..., Any]) -> None:
    """Check chains, and what is none."""
    check(equal)
    test_whatever_is_no_chain_runs_layer_by_layer(equal)
    test_longer_inputs_and_watched_layers_run_layer_by_layer()
    test_tanh_is_exact_from_the_smallest_number_to_infinity(torch.float64)


def net_of(make: Callable[[], nn.Module], path: str = "stacked") -> Any:
    """Make two models of one kind, in float64."""
    torch.manual_seed(0)
    pair = [make().double(), make().double()]
    return PATHS[path](pair, "cross_entropy", [stream(0, "dropout")] * 2, CPU)


def curvature(make: Callable[[], nn.Module], path: str) -> list[Tensor]:
    """Multiply the Hessians of two models with vectors."""
    net = net_of(make, path)
    draw = torch.Generator().manual_seed(1)
    kind = {"generator": draw, "dtype": torch.double}
    v = [torch.randn(theta.shape, **kind) for theta in net.trained]
    return net.curvature((X.expand(2, -1, -1),), Y.expand(2, -1), v)


def is_chain(net: Any) -> bool:
    """Say whether the last operation of a net is a chain."""
    node = net.outputs((X.expand(2, -1, -1),)).grad_fn
    return type(node).__name__ == "_ChainedBackward"


def test_chains_are_the_plain_loop(equal: Callable[..., Any]) -> None:
    check(equal)


@pytest.mark.parametrize("kind", KINDS)
def test_an_mlp_is_one_chain(kind: str) -> None:
    assert is_chain(net_of(lambda: three(kind)))
    assert is_chain(net_of(two_in_a_row))


def test_whatever_is_no_chain_runs_layer_by_layer(equal: Callable[..., Any]) -> None:
    def frozen() -> nn.Module:
        net = three("relu")
        net[0].weight.requires_grad_(False)  # type: ignore[union-attr]
        return net

    others = [
        *(frozen, lambda: models.MLP([6, 5, 4], bias=False)),
        *(lambda: three("gelu"), lambda: models.MLP([6, 4])),
        lambda: nn.Sequential(nn.ReLU(), nn.Linear(6, 5), nn.Linear(5, 4)),
        lambda: nn.Sequential(nn.Linear(6, 5), nn.Tanh(), nn.ReLU(), nn.Linear(5, 4)),
    ]
    for make in others:
        assert not is_chain(net_of(make))
        equal(make, (X, Y), ROWS, **HOW)


def test_longer_inputs_and_watched_layers_run_layer_by_layer() -> None:
    ours, theirs = (net_of(lambda: three("tanh"), path) for path in ("stacked", "loop"))
    x = X.view(5, 6, 6).expand(2, -1, -1, -1)
    torch.testing.assert_close(ours.outputs((x,)), theirs.outputs((x,)))
    flat = (X.expand(2, -1, -1),)
    mine, wanted = ours.activations(flat), theirs.activations(flat)
    assert [a.shape for a in mine] == [(2, 30, 5), (2, 30, 7)]
    for a, b in zip(mine, wanted, strict=True):
        torch.testing.assert_close(a, b)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_tanh_is_exact_from_the_smallest_number_to_infinity(dtype: torch.dtype) -> None:
    z = torch.logspace(-30, 30, 500, dtype=torch.double).to(dtype)
    z = torch.cat([z, -z, torch.tensor([0.0, torch.inf, -torch.inf, torch.nan])])
    wanted, found = z.double().tanh(), chain._tanh(z.to(dtype).clone()).double()
    error = torch.finfo(dtype).eps * 3
    torch.testing.assert_close(found, wanted, rtol=error, atol=0, equal_nan=True)


def test_inputs_are_not_changed() -> None:
    net = net_of(lambda: nn.Sequential(nn.Linear(6, 6), nn.ReLU(), nn.Linear(6, 4)))
    x = X.expand(2, -1, -1).clone()
    net.gradient((x,), Y.expand(2, -1))
    assert torch.equal(x, X.expand(2, -1, -1))


MUTANTS = [
    ("_tanh", "clamp_(-20, 20)", "clamp_(-3, 3)"),
    ("_tanh", "mul_(2)", "mul_(1)"),
    ("_tanh", "e + 2", "e + 1"),
    ("Chain", "b.unsqueeze(2)", "0 * b.unsqueeze(2)"),
    ("Chain", "found.append(phi(z))", "found.append(z)"),
    ("Chain", "[1](delta, a)", "[1](delta, a * 0.5)"),
    ("Chain", "delta.sum(2)", "delta.mean(2)"),
    ("Chain", "delta = torch.bmm(self.thetas[2 * l].mT, delta)", "pass"),
    ("Chain", "if l or below", "if l"),
    ("Chain", "delta.mT if below else None", "None"),
    ("Chain", "x.dim() == 3 and ", ""),
    ("Chain", " and not any(layer._forward_hooks for layer in self.layers)", ""),
    ("_Chained", "if not torch.is_grad_enabled()", "if True"),
    ("_Chained", "create_graph=True", "create_graph=False"),
    ("_Chained", "of = [x, *thetas] if below else thetas", "of = [x, *thetas]"),
    ("chained", "type(layer) in ACTIVATIONS and kinds and kinds[-1] is None",
     "type(layer) in ACTIVATIONS and kinds"),
    ("chained", "type(layer) in ACTIVATIONS and kinds and",
     "type(layer) in ACTIVATIONS and"),
    ("chained", "kinds[-1] = type(layer)", "pass"),
    ("chained", "p is None or not p.requires_grad", "p is None"),
    ("chained", "p is None or not p.requires_grad", "not p.requires_grad"),
]  # fmt: skip
KILLED = (AssertionError, AttributeError, IndexError, RuntimeError, TypeError)


@pytest.mark.parametrize(("name", "old", "new"), MUTANTS)
def test_the_checks_kill_the_mutant(
    name: str,
    old: str,
    new: str,
    equal: Callable[..., Any],
    mutate: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    wrong = mutate(getattr(chain, name), old, new)
    if name == "chained":
        monkeypatch.setattr(twin, "chained", wrong)
    elif name == "_tanh":
        monkeypatch.setattr(chain, name, wrong)
        of_tanh = (wrong, chain.ACTIVATIONS[nn.Tanh][1])
        monkeypatch.setitem(chain.ACTIVATIONS, nn.Tanh, of_tanh)
    else:
        monkeypatch.setattr(chain, name, wrong)
    with pytest.raises((*KILLED, ValueError)):
        everything(equal)
