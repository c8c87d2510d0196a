"""Hold the comparison that lets a fast path run to what it must notice.

Nets that compute K models almost right, each wrong in one way alone, must be refused;
modules of every kind must get the path that is known to be right and fast; and a wrong
in the comparison, the guard or the twins must change one of the two.
"""

import importlib
from collections.abc import Callable
from types import MethodType
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from coursekit import models, norm
from coursekit.regularization import Dropout
from coursekit.sweep import agree, guard, leaf, nets, stacked_net, twin
from coursekit.sweep.birth import build
from coursekit.sweep.setting import read_setting
from coursekit.sweep.stacked_net import StackedNet

DRAW = torch.Generator().manual_seed(0)
X = torch.randn(16, 6, generator=DRAW, dtype=torch.double)


def pair(make: Callable[[], nn.Module], x: Tensor = X) -> list[nn.Module]:
    """Make two models as a sweep does."""
    rows = [read_setting({"lr": 0.1, "seed": seed}, make) for seed in (0, 1)]
    return [build(make, row, torch.float64, (x[:2],)) for row in rows]


def normed() -> nn.Module:
    """Make a net that has buffers, modes and draws."""
    return nn.Sequential(
        *(nn.Linear(6, 8), nn.BatchNorm1d(8), nn.Tanh(), nn.Dropout(0.4)),
        nn.Linear(8, 4),
    )


class Scaled(StackedNet):
    """Compute outputs that are wrong by a millionth."""

    def outputs(self, x: Any) -> Tensor:
        return super().outputs(x) * (1 + 1e-6)


class Sloped(StackedNet):
    """Compute right outputs and wrong gradients."""

    def outputs(self, x: Any) -> Tensor:
        y = super().outputs(x)
        return y - 1e-6 * (y - y.detach())


class Cut(StackedNet):
    """Compute right outputs without a gradient for the first parameters."""

    def outputs(self, x: Any) -> Tensor:
        y = super().outputs(x)
        self.trained = self.trained[1:]
        return y


class Buffered(StackedNet):
    """Count batches twice when training."""

    def outputs(self, x: Any) -> Tensor:
        y = super().outputs(x)
        with torch.no_grad():
            self.buffers[2] += int(self.module.training)
        return y


class Judging(StackedNet):
    """Compute wrong outputs when not training."""

    def outputs(self, x: Any) -> Tensor:
        return super().outputs(x) + (0.0 if self.module.training else 1e-6)


class Learning(StackedNet):
    """Compute wrong outputs when training."""

    def outputs(self, x: Any) -> Tensor:
        return super().outputs(x) + (1e-6 if self.module.training else 0.0)


class Crowded(StackedNet):
    """Compute wrong outputs when many models are side by side."""

    def outputs(self, x: Any) -> Tensor:
        y = super().outputs(x)
        return y + 1e-6 if len(y) > 50 else y


class Second(StackedNet):
    """Compute wrong outputs for the second model."""

    def outputs(self, x: Any) -> Tensor:
        y = super().outputs(x)
        return y + torch.tensor([0.0, 1e-6]).view(2, 1, 1) if len(y) == 2 else y


class OneInput(StackedNet):
    """Give all models the inputs of the first."""

    def outputs(self, x: Any) -> Tensor:
        first = tuple(each[:1].expand_as(each) for each in x) if len(x[0]) == 2 else x
        return super().outputs(first)


class Alike(StackedNet):
    """Give all models the parameters of the first."""

    def _hold(self, models: Any) -> None:
        super()._hold([models[0]] * len(models))


class Loud(StackedNet):
    """Raise an error."""

    def outputs(self, x: Any) -> Tensor:
        raise KeyError("nothing there")


LIES: dict[type[StackedNet], str] = {
    Scaled: "outputs differ",
    Sloped: "gradients differ",
    Cut: "gradients differ",
    Buffered: "buffers differ",
    Judging: "outputs differ",
    Learning: "outputs differ",
    Crowded: "how many models are side by side",
    Second: "outputs differ",
    OneInput: "outputs differ",
    Alike: "outputs differ",
    Loud: "KeyError ('nothing there')",
}


def check_lies() -> None:
    """Compare liars with two models of one start."""
    assert agree.agrees(StackedNet, pair(normed), (X,)) == ""
    same = [pair(normed)[0]] * 2
    for lie, words in LIES.items():
        assert words in agree.agrees(lie, same, (X,)), lie.__name__


class Net(nn.Module):
    """Hold two layers, and leave the rest to those below."""

    def __init__(self, *layers: nn.Module) -> None:
        super().__init__()
        self.first, self.last = nn.Linear(6, 8), nn.Linear(8, 4)
        self.middle = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        return self.last(self.between(self.middle(self.first(x))))

    def between(self, a: Tensor) -> Tensor:
        return a.tanh()


class Looks(Net):
    """Look at a number that makes no difference to either of two models."""

    def between(self, a: Tensor) -> Tensor:
        return a.tanh() if a.abs().max().item() < 1e9 else a.relu()


class Compares(Net):
    """Ask whether two tensors are equal, which makes no difference either."""

    def between(self, a: Tensor) -> Tensor:
        return a.relu() if torch.equal(a, a + 1) else a.tanh()


class Peeks(nn.Module):
    """Look at a number, in a layer with a parameter of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(8))

    def forward(self, x: Tensor) -> Tensor:
        return self.scale * x * x.abs().max().item()


class Drawn(Net):
    """Draw a number of its own that is no tensor: no two models are alike."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = float(torch.rand(()))

    def between(self, a: Tensor) -> Tensor:
        return a.tanh() * self.scale


class Images(nn.Module):
    """Put a layer of images between two linear maps."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.first, self.layer = nn.Linear(6, 32), layer
        self.last = nn.Linear(2, 4)

    def forward(self, x: Tensor) -> Tensor:
        image = self.first(x).unflatten(-1, (2, 4, 4))
        return self.last(self.layer(image).mean((-1, -2))[..., :2])


class Table(nn.Module):
    """Look words up in a table."""

    def __init__(self, **words: Any) -> None:
        super().__init__()
        self.table, self.last = nn.Embedding(5, 6, **words), nn.Linear(6, 4)

    def forward(self, x: Tensor) -> Tensor:
        return self.last(self.table(x).mean(-2))


class Tied(nn.Module):
    """Use the table's weight for the outputs, too."""

    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Embedding(5, 6)
        self.last = nn.Linear(6, 5, bias=False)
        self.last.weight = self.table.weight

    def forward(self, x: Tensor) -> Tensor:
        return self.last(self.table(x).tanh().mean(-2))


class Missing(Net):
    """Have a layer that is None."""

    def __init__(self) -> None:
        super().__init__()
        self.register_module("extra", None)

    def between(self, a: Tensor) -> Tensor:
        return a.tanh() if self.extra is None else self.extra(a)


def hooked() -> nn.Module:
    """Make a net whose linear map does something else afterwards."""
    net = Net()
    net.first.register_forward_hook(lambda layer, x, y: 2 * y)
    return net


def replaced() -> nn.Module:
    """Make a net whose linear map has another forward method than its type."""
    net = Net()
    net.first.forward = MethodType(doubled, net.first)  # type: ignore[method-assign]
    return net


def doubled(layer: nn.Linear, x: Tensor) -> Tensor:
    """Apply a linear map twice as strongly."""
    return 2 * nn.functional.linear(x, layer.weight, layer.bias)


def frozen() -> nn.Module:
    """Make a net with a frozen layer."""
    net = Net()
    net.first.requires_grad_(False)
    return net


class Centers(nn.Module):
    """Take the mean of the batch away."""

    def forward(self, x: Tensor) -> Tensor:
        return x - x.mean(0)


class Own(Net):
    """Hold a parameter beside other layers."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.rand(8))

    def between(self, a: Tensor) -> Tensor:
        return a.tanh() * self.scale


class OwnBuffer(Net):
    """Hold a buffer beside other layers."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("scale", torch.rand(8))

    def between(self, a: Tensor) -> Tensor:
        return a.tanh() * self.scale


class Renorms(nn.Module):
    """Call what ``vmap`` has no rule for but a slow loop."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.rand(8))

    def forward(self, x: Tensor) -> Tensor:
        return torch.renorm(x * self.scale, 2, 0, 1.0)


class Recurrent(Net):
    """Read the eight numbers as a sequence."""

    def __init__(self) -> None:
        super().__init__()
        self.cell = nn.LSTM(1, 8, batch_first=True)

    def between(self, a: Tensor) -> Tensor:
        return self.cell(a.unsqueeze(-1))[0][..., -1, :]


TOKENS = torch.randint(5, (16, 3), generator=DRAW)
LOOKS = "it looks at the values of its tensors"
CASES: dict[str, tuple[Callable[[], nn.Module], Tensor, str, str]] = {
    "plain": (lambda: models.MLP([6, 8, 4]), X, "stacked", ""),
    "all": (normed, X, "stacked", ""),
    "looks": (Looks, X, "loop", LOOKS),
    "compares": (Compares, X, "loop", LOOKS),
    "peeks": (lambda: Net(Peeks()), X, "mixed", LOOKS),
    "looks-after-a-peek": (lambda: Looks(Peeks()), X, "loop", LOOKS),
    "drawn": (Drawn, X, "loop", "outputs differ"),
    "hooked": (hooked, X, "stacked", ""),
    "replaced": (replaced, X, "stacked", ""),
    "frozen": (frozen, X, "stacked", ""),
    "missing": (Missing, X, "stacked", ""),
    "tied": (Tied, TOKENS, "stacked", ""),
    "dropout": (lambda: Net(nn.Dropout(0.3)), X, "stacked", ""),
    "dropout-in-place": (lambda: Net(nn.Dropout(0.3, True)), X, "stacked", ""),
    "random-slopes": (lambda: Net(nn.RReLU()), X, "stacked", ""),
    "groups": (lambda: Images(nn.Conv2d(2, 4, 3, groups=2)), X, "stacked", ""),
    "dilated": (lambda: Images(nn.Conv2d(2, 4, 2, dilation=2)), X, "stacked", ""),
    "same": (lambda: Images(nn.Conv2d(2, 4, 2, padding="same")), X, "stacked", ""),
    "circular": (
        lambda: Images(nn.Conv2d(2, 4, 3, padding=1, padding_mode="circular")),
        *(X, "stacked", ""),
    ),
    "pool-of-three": (lambda: Images(nn.MaxPool2d(3, 1)), X, "stacked", ""),
    "padded-table": (lambda: Table(padding_idx=0), TOKENS, "mixed", "gradients differ"),
    "short-table": (lambda: Table(max_norm=0.1), TOKENS, "mixed", ""),
    "cumulative": (lambda: Net(nn.BatchNorm1d(8, momentum=None)), X, "mixed", LOOKS),
    "noisy": (lambda: Net(norm.NoisyBatchNorm(8)), X, "stacked", ""),
    "our-dropout": (lambda: Net(Dropout(0.3)), X, "stacked", ""),
    "centers": (lambda: Net(Centers()), X, "stacked", ""),
    "own-parameter": (Own, X, "stacked", ""),
    "own-buffer": (OwnBuffer, X, "stacked", ""),
    "renorms": (lambda: Net(Renorms()), X, "mixed", "no rule for aten::renorm"),
    "lstm": (Recurrent, X, "mixed", "no rule for aten::lstm"),
}


def check(case: str) -> None:
    """Find the path of a module, and the reason."""
    make, x, path, reason = CASES[case]
    found, because = nets.choose_path(pair(make, x), x)
    assert found == path, because
    assert reason in because
    assert bool(because) == (path != "stacked")
    assert guard.Guard.depth == 0


@pytest.mark.parametrize("case", CASES)
def test_modules_get_their_path(case: str) -> None:
    check(case)


def test_nets_that_are_almost_right_are_refused() -> None:
    check_lies()


MUTANTS = [
    ("agree.agrees", "(True, False)", "(True,)", "lies"),
    ("agree.agrees", "(True, False)", "(False,)", "lies"),
    ("agree.agrees", "except Exception", "except ZeroDivisionError", "lies"),
    ("agree.agrees", "if not _close(mine, wanted)", "if False", "lies"),
    ("agree.agrees", "return _crowded(make, pair, inputs)", 'return ""', "lies"),
    ("agree._crowded", "min(COPIES, AT_ONCE // size)", "1", "lies"),
    ("agree._crowded", ".eval()", "", "all"),
    ("agree._alone", "model.train(training)", "pass", "all"),
    ("agree._alone", "stream(SEEDS[k]", "stream(SEEDS[0]", "all"),
    ("agree._alone", "y.square().sum()", "y.sum()", "plain"),
    ("agree._together", "net.train(training)", "pass", "all"),
    ("agree._together", "Guard(), ", "", "looks"),
    ("agree._together",
     'warnings.filterwarnings("error", "There is a performance drop")',
     "pass", "renorms"),
    ("agree._pair", "0.05 * step", "0 * step", "lies"),
    ("agree._pair", "models[-1]", "models[0]", "drawn"),
    ("agree._inputs", "[value[rows] for", "[value[rows[:1].expand(2, -1)] for", "lies"),
    ("agree._close", "rtol=1e-9, atol=1e-9", "rtol=1e-4, atol=1e-4", "lies"),
    ("agree._words", 'return f"torch.func.vmap has no rule for {rule[1]}"',
     "pass", "lstm"),
    ("guard.Guard", "and not Guard.depth", "and False", "looks"),
    ("guard.Guard", "and not Guard.depth", "and Guard.depth", "looks"),
    ("guard.Guard", "and not Guard.depth", "", "peeks"),
    ("guard.Guard", "torch.ops.aten._local_scalar_dense.default,", "", "looks"),
    ("guard.Guard", "torch.ops.aten.equal.default,", "", "compares"),
    ("guard._Off", "Guard.depth += 1", "pass", "peeks"),
    ("guard._Off", "Guard.depth -= 1", "pass", "looks-after-a-peek"),
    ("leaf.Each", "with Guard.off():", "if True:", "peeks"),
    ("leaf.Each", "with as_global(draw):", "with as_global(self.generators[0]):",
     "random-slopes"),
    ("twin.Twin", '"forward" in vars(first) or ', "", "replaced"),
    ("twin.Twin", " or any(getattr(first, name) for name in HOOKS)", "", "hooked"),
    ("twin.Twin", " and fits(first)", "", "groups"),
    ("twin.Twin", "first._parameters or ", "", "own-parameter"),
    ("twin.Twin", "first._buffers or ", "", "own-buffer"),
    ("twin.Twin", "_draws(first) or ", "", "random-slopes"),
    ("twin.Twin", "if empty and _of_torch(first):", "if empty:", "centers"),
    ("twin.Twin", "if child is None", "if False", "missing"),
    ("twin.Twin", "if id(first) not in self._made:\n            stacked",
     "if True:\n            stacked", "tied"),
    ("twin.Twin", "requires_grad=first.requires_grad", "requires_grad=True", "frozen"),
    ("twin.Twin", "isinstance(first, nn.Parameter)", "False", "plain"),
    ("twin.Twin", "torch.stack([t.detach() for t in tensors])",
     "torch.stack([first.detach() for t in tensors])", "plain"),
    ("twin._draws", "isinstance(part, kinds)", "False", "random-slopes"),
    ("twin._draws", "isinstance(value, torch.Generator)", "False", "noisy"),
    ("twin._draws", 'hasattr(part, "generator") and hasattr(part, "p")', "False",
     "our-dropout"),
    ("twin._of_torch", 'startswith("torch.nn.modules.")', 'startswith("")', "centers"),
    ("twin._plain_conv", "layer.groups == 1 and ", "", "groups"),
    ("twin._plain_conv", " and set(layer.dilation) == {1}", "", "dilated"),
    ("twin._plain_conv", 'layer.padding_mode == "zeros" and ', "", "circular"),
    ("twin._plain_conv", " and not isinstance(layer.padding, str)", "", "same"),
    ("twin._plain_table", "layer.padding_idx is None and ", "", "padded-table"),
    ("twin._plain_table", " and layer.max_norm is None", "", "short-table"),
    ("twin._fixed_momentum", "layer.momentum is not None", "True", "cumulative"),
]  # fmt: skip
USERS = (agree, guard, leaf, nets, stacked_net, twin)


def check_or_lies(case: str) -> None:
    """Run the check that a mutant is to fail."""
    if case == "lies":
        check_lies()
    else:
        check(case)


@pytest.mark.parametrize(("name", "old", "new", "case"), MUTANTS)
def test_the_checks_kill_the_mutant(
    name: str,
    old: str,
    new: str,
    case: str,
    mutate: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    module, attribute = name.split(".")
    right = getattr(importlib.import_module(f"coursekit.sweep.{module}"), attribute)
    wrong = mutate(right, old, new)
    for user in USERS:
        if getattr(user, attribute, None) is right:
            monkeypatch.setattr(user, attribute, wrong)
    for kind, (made, fits) in list(twin.LEAVES.items()):
        if fits is right:
            monkeypatch.setitem(twin.LEAVES, kind, (made, wrong))
    monkeypatch.setattr(guard.Guard, "depth", 0)  # as it was, whatever the mutant does
    with pytest.raises((AssertionError, KeyError, ValueError)):
        check_or_lies(case)
