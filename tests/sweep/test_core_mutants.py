"""Break one line of the core at a time; the comparison with the plain loop notices."""

import copy
import importlib
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from coursekit import models, norm, schedules
from coursekit.sweep import grid, twin

DRAW = torch.Generator().manual_seed(0)
X = torch.randn(30, 6, generator=DRAW, dtype=torch.double)
Y = torch.randint(4, (30,), generator=DRAW)
TOKENS = torch.randint(6, (30, 4), generator=DRAW)
IMAGES = torch.randn(30, 2, 4, 4, generator=DRAW, dtype=torch.double)
HOW = {"steps": 9, "path": "stacked"}
KILLED = (AssertionError, AttributeError, IndexError, RuntimeError, TypeError)
KILLED = (*KILLED, ValueError, StopIteration)


def everything() -> nn.Module:
    return nn.Sequential(
        *(nn.Linear(6, 8, bias=False), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.3)),
        *(nn.Linear(8, 8), norm.LayerNorm(8), nn.Tanh()),
        *(nn.Linear(8, 8, bias=False), nn.GroupNorm(2, 8), nn.Linear(8, 4)),
    )


def table() -> nn.Module:
    return models.TransformerLM(6, 8, 2, 1, 4)


def images(kernel: int = 3, batch: bool = True) -> nn.Module:
    return models.SmallCNN(
        (3, 4),
        4,
        size=4,
        in_channels=2,
        kernel=kernel,
        norm=nn.BatchNorm2d if batch else None,
    )


def small() -> nn.Module:
    return models.MLP([6, 5, 4])


def words() -> list[dict[str, Any]]:
    warm = partial(schedules.cosine, total=9)
    rows = [
        {"optimizer": "adam", "lr": 0.01, "schedule": warm, "weight_decay": 0.1},
        {"optimizer": "adam", "lr": 0.01, "betas": (0.5, 0.9)},
        {"optimizer": "rmsprop", "lr": 0.01, "weight_decay": 0.1, "schedule": warm},
        {"optimizer": "rmsprop", "lr": 0.02, "weight_decay": 0.1},
        {"optimizer": "rmsprop", "lr": 0.02, "weight_decay": 0.2},
        {"optimizer": "rmsprop", "lr": 0.02, "alpha": 0.5},
        {"optimizer": "rmsprop", "lr": 0.02},
        {"optimizer": "lars", "lr": 0.1},
        {"optimizer": "lars", "lr": 0.2, "seed": 1},
        {"optimizer": "lamb", "lr": 0.01},
        {"optimizer": "swats", "lr": 0.01},
        {"optimizer": "swats", "lr": 0.02},
        {"lr": 0.1, "clip_value": 0.02, "clip_norm": 0.05},
        {"lr": 0.1, "clip_value": 0.02, "clip_norm": 0.05, "seed": 1},
        {"lr": 0.1, "gradient_noise": (0.2, 0.5), "clip_norm": 0.5},
        {"lr": 0.1, "gradient_noise": (0.2, 0.5), "clip_norm": 0.5, "seed": 2},
        {"lr": 0.1, "lookahead": (4, 0.3)},
        {"lr": 0.1, "label_noise": 0.5, "seed": 4},
    ]
    return [{"batch_size": 8, **row} for row in rows]


def leaving() -> list[dict[str, Any]]:
    """Settings of which some diverge in the middle, so that blocks shrink."""
    wild = {"optimizer": "sgd", "lr": 1e250}
    tame = [
        {"optimizer": "adam"},
        {"optimizer": "rmsprop"},
        {"optimizer": "rmsprop", "lookahead": (3, 0.5)},
        {"optimizer": "rmsprop", "gradient_noise": (0.2, 0.5)},
        {"label_noise": 0.5, "seed": 4},
    ]
    # in a block the larger rate stands first: '1e+250' < '3e-05'
    rates = ({"lr": 1e250}, {"lr": 3e-5})
    rows = [{**each, **rate} for each in tame for rate in rates]
    return [{"batch_size": 8, "seed": i, **row} for i, row in enumerate([wild, *rows])]


def check(equal: Callable[..., Any]) -> None:
    """Compare with the plain loop whatever the core has a line for."""
    equal(small, (X, Y), words(), **HOW)
    equal(
        small, (X, Y), grid(seed=[0, 1], lr=[0.1], n_train=[20], batch_size=[8]), **HOW
    )
    equal(small, (X, Y), grid(seed=[0, 1], lr=[0.1], batch_size=["full"]), **HOW)
    with_leaving(equal)


def with_leaving(equal: Callable[..., Any]) -> None:
    # long enough for batches to be looked up after some have left
    core = equal(small, (X, Y), leaving(), **{**HOW, "steps": 21})
    assert {"diverged", "done"} == set(core.status)
    rows = grid(lr=[1e80, 1e100, 0.01], batch_size=[8])  # up to infinity, not NaN
    equal(small, (X, X[:, :4]), rows, loss="mse", **HOW)


def check_layers(equal: Callable[..., Any]) -> None:
    """Compare nets of all stacked layers with the plain loop."""
    rows = grid(seed=[0, 1], lr=[0.05], batch_size=[8])
    equal(everything, (X, Y), [*rows, {"lr": 0.02, "batch_size": 8}], **HOW)
    equal(table, (TOKENS, TOKENS), rows, **HOW)
    equal(images, (IMAGES, Y), rows, **HOW)
    equal(partial(images, 1, False), (IMAGES, Y), rows, **HOW)


def test_all_is_well_without_a_mutant(equal: Callable[..., Any]) -> None:
    check(equal)
    check_layers(equal)


CORE = [
    ("bank.Group", "g = l2_gradient(g, theta, self.l2) if self.l2 else g", "pass"),
    ("bank.Group", "setting.lr(t) for", "setting.hyper['lr'] for"),
    ("bank.Group", "theta.sub_(delta", "theta.add_(delta"),
    ("bank.Group", "t, hyper, self.l2)", "t, hyper, 0.0)"),
    ("bank.Group", "batch.gs, batch.t, batch.states = grads, t, self.states",
     "batch.gs, batch.states = grads, self.states"),
    ("bank.Group", "batch.gs, batch.t, batch.states = grads, t, self.states",
     "batch.t, batch.states = t, self.states"),
    ("bank.Group", 'self.rule.scope == "tensor"', "False"),
    ("bank.Group", "name: value[list(rows)]", "name: value[: len(rows)]"),
    ("bank.Group", "self.around.keep(rows)", "pass"),
    ("bank.Group", "if self.scheduled:", "if False:"),
    ("bank.Group", "self._batch: Batch | None = None",
     "self._batch = getattr(self, '_batch', None)"),
    ("bank.Bank", "self.groups = [group for group in self.groups if group.settings]",
     "pass"),
    ("bank._shared", "hyper, setting.l2,", "setting.l2,"),
    ("bank._shared", "hyper, setting.l2,", "hyper,"),
    ("bank._shared", ", Around.words(setting))", ")"),
    ("bank._shared", 'setting.hyper["lr"], setting.schedule', 'setting.schedule'),
    ("bank._has_kernel", ' and setting.rule.scope == "element"', ""),
    ("around.Around", "batch_dims=1", "batch_dims=0"),
    ("around.Around", "clip_value(grads, setting.clip_value)", "grads"),
    ("around.Around", "t % k == 0", "t % k == 1"),
    ("around.Around", "theta.clone()", "0 * theta"),
    ("around.Around", "theta.copy_(self.slow[i])", "pass"),
    ("around.Around", "eta, gamma = setting", "gamma, eta = setting"),
    ("around.Around", 'stream(setting.seed, "noise")', 'stream(0, "noise")'),
    ("around.Around", "[self.noise[row] for row in rows]",
     "self.noise[: len(rows)]"),
    ("around.Around", "slow[list(rows)]", "slow[: len(rows)]"),
    ("feed.Feed", "tensor_split([size]", "tensor_split([self.n]"),
    ("feed.Feed", "[self.pending, self._epoch()]", "[self._epoch(), self.pending]"),
    ("feed.Feed", "return self.pool.gather(1, torch", "return (torch"),
    ("feed.Feed", "orders[seed] for", "orders[self.seeds[0]] for"),
    ("feed.Feed", "self.y[models, rows]", "self.y[0 * models, rows]"),
    ("feed.Feed", "s.label_noise, s.seed)", "s.label_noise, 0)"),
    ("feed.Feed", "self.pool[rows], self.pending[rows]",
     "self.pool[: len(rows)], self.pending[: len(rows)]"),
    ("feed.Feed", "self.y if self.clean else self.y[rows]",
     "self.y[: len(rows)]"),
    ("feed.Feed", "[self.seeds[row] for row in rows]", "self.seeds[: len(rows)]"),
    ("feed.Feed", "s.n_train, s.seed)", "s.n_train, 0)"),
    ("training.Block", "[g[finite] for g in grads]", "[g[~finite] for g in grads]"),
    ("training.Block", "finite = losses.isfinite()", "finite = ~losses.isnan()"),
    ("training.Block", "self._leave(~finite,", "self._leave(finite,"),
    ("training.Block", "self.bank.step(grads, t)", "self.bank.step(grads, t - 1)"),
    ("training.Block", "[self.here, t - 1]", "[self.here, t - 2]"),
    ("training.Block", "self.rows = self.here = [", "self.rows = ["),
    ("training.Block", "self.record.updates[gone] = self.made", "pass"),
    ("feed.Feed", "(tuple(v[rows] for v in x), y[rows]) for",
     "(tuple(v[: len(rows)] for v in x), y[rows]) for"),
    ("feed.Feed", "for v in x), y[rows]) for", "for v in x), y[: len(rows)]) for"),
    ("feed.Feed", ".transpose(0, 1))\n", ".transpose(0, 1).flip(0))\n"),
    ("training.Block", "(self.net, self.bank, self.feed)", "(self.net, self.bank)"),
    ("training.Block", "(self.net, self.bank, self.feed)", "(self.net, self.feed)"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "old", "new"), CORE)
def test_the_checks_kill_the_mutant(
    name: str,
    old: str,
    new: str,
    equal: Callable[..., Any],
    mutate: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    module, attribute = name.split(".")
    place = importlib.import_module(f"coursekit.sweep.{module}")
    right = getattr(place, attribute)
    wrong = mutate(right, old, new)
    for user in ("bank", "feed", "training", "run", "around"):
        other = importlib.import_module(f"coursekit.sweep.{user}")
        if getattr(other, attribute, None) is right:
            monkeypatch.setattr(other, attribute, wrong)
    # a class of a mutant sees the module's own names; it is asked for by both
    with pytest.raises(KILLED):
        check(equal)


LAYERS = [
    ("leaves.StackedLinear", "self.weight, self.bias)\n", "self.weight, None)\n"),
    ("leaves.StackedConv", "self.bias.flatten()", "0 * self.bias.flatten()"),
    ("leaves.StackedConv", "groups=len(x)", "groups=1"),
    ("leaves.StackedConv", "x.transpose(0, 1).flatten(1, 2)", "x.flatten(0, 1)"),
    ("leaves.StackedConv", "self.weight.flatten(2), self.bias)",
     "self.weight.flatten(2), None)"),
    ("leaves.StackedEmbedding", "* size", "* 1"),
    ("leaves.StackedEmbedding", "self.weight[:, None, indices]",
     "self.weight[:1, None, indices]"),
    ("leaf_free.StackedDropout", "bernoulli_(1 - self.p", "bernoulli_(self.p"),
    ("leaf_free.StackedDropout", "masks.div_(1 - self.p)", "masks"),
    ("leaf_free.StackedDropout", "generator=generator", "generator=self.generators[0]"),
    ("leaf_norms.StackedFeatureNorm", "(len(x), *between, *sizes)",
     "(len(x), *between, *sizes)[::1] if False else (1, -1, *between[1:], *sizes)"),
    ("leaf_norms.StackedChannelNorm", "y = self.bare[0](x.flatten(0, 1))",
     "y = x.flatten(0, 1)"),
    ("leaf_norms.StackedBatchNorm", "self.count.add_(1)", "self.count.add_(0)"),
    ("leaf_norms.StackedBatchNorm", "momentum=self.momentum", "momentum=0.2"),
    ("leaf_norms.StackedBatchNorm", "eps=self.eps", "eps=0.1"),
    ("leaf_norms.StackedBatchNorm", "(self.mean, self.var)", "(self.var, self.mean)"),
    ("leaf_norms.StackedBatchNorm", "(self.weight, self.bias)", "(self.weight, None)"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "old", "new"), LAYERS)
def test_the_checks_kill_the_mutant_of_a_layer(
    name: str,
    old: str,
    new: str,
    equal: Callable[..., Any],
    mutate: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    module, attribute = name.split(".")
    right = getattr(importlib.import_module(f"coursekit.sweep.{module}"), attribute)
    wrong = mutate(right, old, new)
    for kind, (leaf, fits) in copy.copy(twin.LEAVES).items():
        if leaf is right:
            monkeypatch.setitem(twin.LEAVES, kind, (wrong, fits))
    if attribute == "StackedDropout":
        monkeypatch.setattr(twin, attribute, wrong)
    with pytest.raises(KILLED):
        check_layers(equal)


def test_sums_over_models_part_into_their_own(equal: Callable[..., Any]) -> None:
    def each(z: Tensor, y: Tensor) -> Tensor:
        return (z.logsumexp(-1) - z.gather(-1, y[:, None])[:, 0]).mean()

    def looks(z: Tensor, y: Tensor) -> Tensor:
        return each(z, y) * (1.0 if z.max().item() > -1e9 else 0.0)

    rows = grid(seed=[0, 1], lr=[0.1])
    by_name = equal(small, (X, Y), rows, **HOW)
    for loss in (each, looks):
        ours = equal(small, (X, Y), rows, loss=loss, **HOW)
        torch.testing.assert_close(ours.losses[0], by_name.losses[0])
