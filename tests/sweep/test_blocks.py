"""Hold that a run's numbers depend on its setting alone, not on who is beside it."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from coursekit import models
from coursekit.sweep import grid, plain_loop
from coursekit.sweep.training import Block

DRAW = torch.Generator().manual_seed(0)
X = torch.randn(64, 6, generator=DRAW)
Y = torch.randint(4, (64,), generator=DRAW)
DATA = (X, Y)
MIXED = grid(optimizer=["sgd", "adam", "rmsprop", "swats"], lr=[0.01, 0.1], seed=[0, 1])


def net(classes: int = 8) -> nn.Module:
    """Make a net whose tensors are all whole vectors of the processor, or not."""
    return nn.Sequential(
        *(nn.Linear(6, 8, bias=False), nn.BatchNorm1d(8), nn.ReLU()),
        *(nn.Dropout(0.3), nn.Linear(8, 8), nn.Tanh(), nn.Linear(8, classes)),
    )


def plain(classes: int = 8) -> nn.Module:
    """Make a net without anything special."""
    return models.MLP([6, 8, 8, classes])


PATHS = ("stacked", "loop")


def same(a: Any, b: Any, exact: bool = True) -> None:
    """Compare runs: bit for bit, or as rounding in another order allows."""
    tolerance = {"rtol": 0, "atol": 0} if exact else {"rtol": 1e-4, "atol": 1e-5}
    assert a.status == b.status
    for x, y in zip(a.losses, b.losses, strict=True):
        torch.testing.assert_close(x, y, equal_nan=True, **tolerance)
    for x, y in zip(a.tensors, b.tensors, strict=True):
        for name, value in x.items():
            torch.testing.assert_close(value, y[name], equal_nan=True, **tolerance)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_run_does_not_depend_on_the_size_of_its_block(
    path: str, dtype: torch.dtype, core: Callable[..., Any]
) -> None:
    run = partial(core, net, DATA, MIXED, steps=8, path=path, dtype=dtype)
    whole = run()
    for size in (1, 3, 7):
        same(whole, run(size=size))


def test_an_odd_number_of_numbers_may_be_rounded_otherwise(
    core: Callable[..., Any],
) -> None:
    # torch's kernels treat the rest of a tensor unlike its whole vectors
    make = partial(net, 3)
    labels = Y % 3
    run = partial(core, make, (X, labels), MIXED, steps=8, dtype=torch.float32)
    same(run(), run(size=3), exact=False)


def test_a_run_does_not_depend_on_the_order_of_settings(
    core: Callable[..., Any],
) -> None:
    order = torch.randperm(len(MIXED), generator=DRAW).tolist()
    run = partial(core, plain, DATA, steps=8, dtype=torch.float32)
    straight, turned = run(MIXED), run([MIXED[i] for i in order])
    for place, i in enumerate(order):
        assert torch.equal(turned.losses[place], straight.losses[i])
        for name, value in turned.tensors[place].items():
            assert torch.equal(value, straight.tensors[i][name])


@pytest.mark.parametrize("path", PATHS)
def test_a_run_that_diverges_changes_no_other(
    path: str, core: Callable[..., Any]
) -> None:
    wild = [{"optimizer": "sgd", "lr": 1e12, "seed": s} for s in (0, 5)]
    run = partial(core, plain, DATA, steps=12, path=path, dtype=torch.float32)
    tame, both = run(MIXED), run([wild[0], *MIXED, wild[1]])
    assert both.status == ["diverged", *["done"] * len(MIXED), "diverged"]
    both.losses, both.tensors = both.losses[1:-1], both.tensors[1:-1]
    both.status = both.status[1:-1]
    same(tame, both)


def test_a_diverged_run_keeps_what_it_had(core: Callable[..., Any]) -> None:
    setting = {"optimizer": "sgd", "lr": 1e12, "seed": 0}
    runs = core(plain, DATA, [setting, {"lr": 0.1}], steps=12, dtype=torch.float32)
    alone = plain_loop(plain, DATA, setting, 12)
    made = len(alone.losses)
    assert 1 < made < 12
    assert not runs.losses[0][made - 1 :].isfinite().any()
    assert runs.losses[0][: made - 1].isfinite().all()
    for name, value in alone.model.state_dict().items():
        torch.testing.assert_close(
            runs.tensors[0][name], value, rtol=1e-3, atol=0, equal_nan=True
        )


def test_masks_subsets_and_order_are_of_the_seed_alone(
    core: Callable[..., Any],
) -> None:
    seen: list[Tensor] = []

    def note(net: Any, feed: Any, data: Any) -> Tensor:
        seen.append(feed.pool.clone())
        return torch.zeros(len(feed.pool))

    rows = grid(seed=[3, 4], label_noise=[0.3], n_train=[20, 30], lr=[0.1])
    core(plain, DATA, rows, steps=1, probes={"n": note}, moments=[0])
    small, large = seen
    assert torch.equal(small, large[:, :20])
    assert not torch.equal(small[0], small[1])
    first = core(net, DATA, grid(seed=[3], lr=[0.1, 0.2]), steps=1)
    assert torch.equal(first.losses[0], first.losses[1])


def test_a_block_whose_models_all_diverge_ends(core: Callable[..., Any]) -> None:
    wild = grid(optimizer=["sgd", "rmsprop"], lr=[1e30], seed=[0, 1])
    runs = core(plain, DATA, wild, steps=12, dtype=torch.float32)
    assert runs.status == ["diverged"] * 4


def check_until(core: Callable[..., Any]) -> None:
    """Stop each model at the first moment at which it is good enough."""
    how = {"steps": 30, "probes": ["train_loss"], "moments": list(range(0, 31, 3))}
    rows = grid(lr=[0.03, 0.1, 0.3], seed=[0, 1])
    free = core(plain, DATA, rows, **how)
    stopped = core(plain, DATA, rows, until={"train_loss": 1.8}, **how)
    seen = set()
    for row in range(len(rows)):
        below = (free.probes[row]["train_loss"] <= 1.8).nonzero().flatten().tolist()
        seen.add(bool(below))
        assert stopped.status[row] == ("stopped" if below else "done")
        last = below[0] if below else 10
        probe = stopped.probes[row]["train_loss"]
        assert torch.equal(
            probe[: last + 1], free.probes[row]["train_loss"][: last + 1]
        )
        assert probe[last + 1 :].isnan().all()
        made = 3 * last
        assert torch.equal(stopped.losses[row][:made], free.losses[row][:made])
        assert stopped.losses[row][made:].isnan().all()
    assert seen == {True, False}


def test_a_model_that_is_good_enough_stops(core: Callable[..., Any]) -> None:
    check_until(core)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("<= self.until[name]", ">= self.until[name]"),
        ('self._leave(stop, "stopped")', "pass"),
        ("[self.rows, moment]", "[self.rows, moment - 1]"),
        (
            '"done" if self.made == steps else',
            '"interrupted" if self.made == steps else',
        ),
    ],
)
def test_the_checks_kill_the_mutant(
    old: str,
    new: str,
    core: Callable[..., Any],
    mutate: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("coursekit.sweep.run.Block", mutate(Block, old, new))
    with pytest.raises(AssertionError):
        check_until(core)
