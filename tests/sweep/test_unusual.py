"""Give the sweep modules that it has never seen; each must be right, on some path."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import weight_norm

from coursekit import models, norm, regularization
from coursekit.models import freeze_until
from coursekit.sweep import grid

DRAW = torch.Generator().manual_seed(0)
X = torch.randn(40, 6, generator=DRAW, dtype=torch.double)
Y = torch.randint(4, (40,), generator=DRAW)
SEQUENCES = torch.randn(40, 5, 6, generator=DRAW, dtype=torch.double)
SETTINGS = grid(lr=[0.02, 0.05], seed=range(2), batch_size=[8])


class Net(nn.Module):
    """Hold two layers, and leave the rest to those below."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.last = nn.Linear(6, 8), nn.Linear(8, 4)

    def forward(self, x: Tensor) -> Tensor:
        return self.last(self.between(self.first(x)))

    def between(self, a: Tensor) -> Tensor:
        return a.relu()


class Branches(Net):
    def between(self, a: Tensor) -> Tensor:
        return a.relu() if a.mean() > 0 else a.tanh()


class Items(Net):
    def between(self, a: Tensor) -> Tensor:
        return a * a.abs().max().item()


class Lists(Net):
    def between(self, a: Tensor) -> Tensor:
        return a * max(a.abs().amax(1).tolist())


class Masks(Net):
    def between(self, a: Tensor) -> Tensor:
        a = a.clone()
        a[a < 0] = 0.1 * a[a < 0]
        return a


class InPlace(Net):
    def between(self, a: Tensor) -> Tensor:
        return a.mul_(2).relu_()


class FromTheLeft(Net):
    def between(self, a: Tensor) -> Tensor:
        return (a - a.mean(0)).view(a.shape[0], -1).relu()


class ByBatch(Net):
    def between(self, a: Tensor) -> Tensor:
        return a.relu() if len(a) > 5 else a.tanh()


class ByCrowd(Net):
    """Ask for a batch as long as a block has models, or models and examples."""

    def __init__(self, limit: int) -> None:
        super().__init__()
        self.limit = limit

    def between(self, a: Tensor) -> Tensor:
        return a.tanh() if len(a) > self.limit else a.relu()


class OwnParameter(Net):
    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(8))
        self.register_buffer("shift", torch.full((8,), 0.1))
        self.register_buffer("count", torch.zeros((), dtype=torch.long))

    def between(self, a: Tensor) -> Tensor:
        self.count += 1
        return (a * self.scale + self.shift).relu()


class Reassigns(Net):
    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(8))

    def between(self, a: Tensor) -> Tensor:
        self.mean = 0.9 * self.mean + 0.1 * a.detach().mean(0)
        return (a - self.mean).relu()


class Many(Net):
    def __init__(self) -> None:
        super().__init__()
        self.scales = nn.ParameterList(torch.randn(8) for _ in range(3))

    def between(self, a: Tensor) -> Tensor:
        for scale in self.scales:
            a = a + scale
        return a.relu()


class Recurrent(nn.Module):
    def __init__(self, kind: type[nn.Module]) -> None:
        super().__init__()
        self.cell, self.last = kind(6, 5, batch_first=True), nn.Linear(5, 4)

    def forward(self, x: Tensor) -> Tensor:
        return self.last(self.cell(x)[0][:, -1])


class FromTheRight(Recurrent):
    def forward(self, x: Tensor) -> Tensor:
        return self.last(self.cell(x)[0][..., -1, :])


class Attends(nn.Module):
    def __init__(self, dropout: float = 0.0) -> None:
        super().__init__()
        self.mix = nn.MultiheadAttention(6, 2, dropout, batch_first=True)
        self.last = nn.Linear(6, 4)

    def forward(self, x: Tensor) -> Tensor:
        return self.last(self.mix(x, x, x)[0].mean(-2))


class Encoder(nn.Module):
    def __init__(self, dropout: float) -> None:
        super().__init__()
        self.block = nn.TransformerEncoderLayer(
            6, 2, 8, dropout, batch_first=True, norm_first=True
        )
        self.last = nn.Linear(6, 4)

    def forward(self, x: Tensor) -> Tensor:
        return self.last(self.block(x).mean(-2))


class Functional(Net):
    def between(self, a: Tensor) -> Tensor:
        return F.dropout(a.relu(), 0.3, self.training)


class Tied(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Embedding(5, 6)
        self.last = nn.Linear(6, 5, bias=False)
        self.last.weight = self.table.weight

    def forward(self, x: Tensor) -> Tensor:
        return self.last(self.table(x).tanh().mean(-2))


class Twice(Net):
    def __init__(self) -> None:
        super().__init__()
        self.middle = nn.Linear(8, 8)

    def between(self, a: Tensor) -> Tensor:
        return self.middle(self.middle(a).tanh())


class Optional(Net):
    def __init__(self) -> None:
        super().__init__()
        self.register_module("extra", None)

    def between(self, a: Tensor) -> Tensor:
        return a.relu() if self.extra is None else self.extra(a)


class Complex(Net):
    def between(self, a: Tensor) -> Tensor:
        return torch.fft.fft(a).real.relu()


class Short(Net):
    def between(self, a: Tensor) -> Tensor:
        return a.to(torch.float32).relu().to(a.dtype)


class Remembers(Net):
    """Keep a number of its own in Python, and warm up with it."""

    calls = 0

    def between(self, a: Tensor) -> Tensor:
        self.calls += self.training
        return a.relu() * min(1.0, self.calls / 10)


def sequence(*middle: nn.Module) -> nn.Module:
    return nn.Sequential(nn.Linear(6, 8), *middle, nn.Linear(8, 4))


def hooked() -> nn.Module:
    net = sequence(nn.Tanh())
    net[0].register_forward_hook(lambda layer, x, y: 2 * y)
    net[1].register_forward_pre_hook(lambda layer, x: (x[0] - 1,))
    return net


def looking() -> nn.Module:
    net = sequence(nn.Tanh())
    net[0].register_forward_hook(lambda layer, x, y: y * y.abs().max().item())
    return net


def normed_weights() -> nn.Module:
    return nn.Sequential(weight_norm(nn.Linear(6, 8)), nn.ReLU(), nn.Linear(8, 4))


def frozen() -> nn.Module:
    model = models.MLP([6, 8, 8, 4])
    freeze_until(model, 2)
    return model


def lazy() -> nn.Module:
    return nn.Sequential(nn.LazyLinear(8), nn.LazyBatchNorm1d(), nn.LazyLinear(4))


def ours(**words: Any) -> nn.Module:
    return sequence(nn.ReLU(), regularization.Dropout(0.3, **words))


def noisy_norm() -> nn.Module:
    return sequence(norm.NoisyBatchNorm(8), nn.ReLU())


IMAGES = {
    "alpha": lambda: sequence(nn.SELU(), nn.AlphaDropout(0.2)),
    "cumulative": lambda: sequence(nn.BatchNorm1d(8, momentum=None)),
    "lp": lambda: sequence(norm.LpBatchNorm(8), nn.ReLU()),
    "no-stats": lambda: sequence(nn.BatchNorm1d(8, track_running_stats=False)),
    "no-affine": lambda: sequence(nn.BatchNorm1d(8, affine=False)),
    "prelu": lambda: sequence(nn.PReLU()),
    "rrelu": lambda: sequence(nn.RReLU()),
    "softmax": lambda: sequence(nn.Softmax(1)),
    "glu": lambda: nn.Sequential(nn.Linear(6, 8), nn.GLU(), nn.Linear(4, 4)),
    "bilinear": lambda: nn.Sequential(
        nn.Linear(6, 8), nn.Unflatten(1, (2, 4)), nn.Flatten(), nn.Linear(8, 4)
    ),
}

CASES: dict[str, tuple[Callable[..., nn.Module], Tensor, str]] = {
    **{name: (make, X, "") for name, make in IMAGES.items()},
    "branches": (Branches, X, "loop"),
    "items": (Items, X, "loop"),
    "lists": (Lists, X, "loop"),
    "masks": (Masks, X, ""),
    "in-place": (InPlace, X, "stacked"),
    "from-the-left": (FromTheLeft, X, "vmap"),
    "by-batch": (ByBatch, X, "folded"),
    "by-crowd": (partial(ByCrowd, 20), X, ""),
    "by-large-crowd": (partial(ByCrowd, 60), X, ""),
    "own-parameter": (OwnParameter, X, ""),
    "reassigns": (Reassigns, X, "loop"),
    "many": (Many, X, ""),
    "lstm": (partial(Recurrent, nn.LSTM), SEQUENCES, ""),
    "gru": (partial(Recurrent, nn.GRU), SEQUENCES, ""),
    "lstm-from-the-right": (partial(FromTheRight, nn.LSTM), SEQUENCES, "mixed"),
    "attends": (Attends, SEQUENCES, ""),
    "attends-dropout": (partial(Attends, 0.2), SEQUENCES, ""),
    "encoder": (partial(Encoder, 0.0), SEQUENCES, ""),
    "encoder-dropout": (partial(Encoder, 0.2), SEQUENCES, ""),
    "dropout": (lambda: sequence(nn.ReLU(), nn.Dropout(0.3)), X, "stacked"),
    "our-dropout": (ours, X, "stacked"),
    "our-dropout-standard": (partial(ours, inverted=False), X, "stacked"),
    "our-dropout-own-generator": (
        lambda: ours(generator=torch.Generator().manual_seed(0)),
        X,
        "stacked",
    ),
    "noisy-norm": (noisy_norm, X, "stacked"),
    "functional-dropout": (Functional, X, "loop"),
    "tied": (Tied, torch.randint(5, (40, 3), generator=DRAW), "stacked"),
    "twice": (Twice, X, "stacked"),
    "optional": (Optional, X, "stacked"),
    "complex": (Complex, X, "stacked"),
    "short": (Short, X, ""),
    "remembers": (Remembers, X, "stacked"),
    "hooked": (hooked, X, "stacked"),
    "looking": (looking, X, ""),
    "weight-norm": (normed_weights, X, ""),
    "frozen": (frozen, X, "stacked"),
    "lazy": (lazy, X, "stacked"),
}


@pytest.mark.parametrize("case", CASES)
def test_unusual_modules_are_the_plain_loops(
    case: str, equal: Callable[..., Any]
) -> None:
    make, x, path = CASES[case]
    core = equal(make, (x, Y), SETTINGS, steps=12)
    print(case, core.paths[0], core.reasons[0])
    assert path in ("", core.paths[0]), core.reasons[0]
    assert bool(core.reasons[0]) == (core.paths[0] != "stacked")


class Two(Net):
    def forward(self, x: Tensor) -> Any:
        a = self.first(x)
        return self.last(a), a


class OfComplex(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(6, 4, dtype=torch.complex128))

    def forward(self, x: Tensor) -> Tensor:
        return (x.to(self.weight) @ self.weight).abs()


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (Two, TypeError, "expected outputs as one tensor of real numbers, got tuple"),
        (OfComplex, TypeError, "view_as_real"),
        (lambda: nn.Softmax(-1), ValueError, "expected parameters to train"),
        (lambda: sequence().requires_grad_(False), ValueError, "parameters to train"),
        (lambda: 3, TypeError, "returns a module, got a int"),
        (lambda: nn.Linear(7, 4), ValueError, "forward pass fails on the data"),
    ],
)
def test_what_cannot_be_trained_is_refused_in_words(
    make: Any, error: type[Exception], words: str, core: Callable[..., Any]
) -> None:
    with pytest.raises(error, match=words):
        core(make, (X, Y), SETTINGS, steps=2)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32])
@pytest.mark.parametrize("path", ["stacked", "folded", "mixed", "vmap", "loop"])
def test_shorter_numbers_stay_near_the_plain_loop(
    dtype: torch.dtype, path: str, core: Callable[..., Any]
) -> None:
    net = partial(models.MLP, [6, 8, 4], "tanh", norm=norm.RMSNorm)
    rows = grid(optimizer=["sgd", "rmsprop", "adam"], lr=[0.003, 0.01])
    exact = core(net, (X, Y), rows, steps=10)
    short = core(net, (X, Y), rows, steps=10, path=path, dtype=dtype)
    for a, b in zip(exact.losses, short.losses, strict=True):
        torch.testing.assert_close(
            a,
            b.double(),
            rtol=8 * torch.finfo(dtype).eps,
            atol=20 * torch.finfo(dtype).eps,
        )


def test_a_module_in_place_of_a_factory_is_everyones_start(
    equal: Callable[..., Any],
) -> None:
    torch.manual_seed(1)
    start = sequence(nn.Tanh())
    before = {name: value.clone() for name, value in start.state_dict().items()}
    ran = equal(start, (X, Y), grid(lr=[0.1, 0.2], init=[None, "he_normal"]))
    assert set(ran.paths) == {"stacked"}
    for name, value in start.state_dict().items():
        assert torch.equal(value, before[name])
        assert not value.dtype.is_floating_point or value.dtype == torch.float32


def test_torchs_generator_is_left_alone(core: Callable[..., Any]) -> None:
    before = torch.get_rng_state()
    core(partial(Attends, 0.2), (SEQUENCES, Y), SETTINGS, steps=2)
    assert torch.equal(torch.get_rng_state(), before)
