"""Hold the sweep to the plain loop: every family of models, every rule."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits

from coursekit import models, norm, optim, schedules
from coursekit.layers import ACTIVATIONS
from coursekit.sweep import grid

DRAW = torch.Generator().manual_seed(0)
X = torch.randn(60, 6, generator=DRAW, dtype=torch.double)
Y = torch.randint(4, (60,), generator=DRAW)
DATA = (X, Y)
TOKENS = torch.randint(7, (40, 5), generator=DRAW)
NEXT = torch.randint(7, (40, 5), generator=DRAW)
CATEGORIES = torch.randint(3, (60, 2), generator=DRAW)
CLICKS = torch.randint(2, (60,), generator=DRAW).double()
SEEDS = grid(lr=[0.05, 0.1], seed=range(2))


def mlp(**words: Any) -> models.MLP:
    return models.MLP([6, 8, 8, 4], **words)


RULES: dict[str, list[dict[str, Any]]] = {
    "gd": grid(lr=[0.1, 0.3]),
    "sgd": grid(lr=[0.1, 0.3], weight_decay=[0.0, 0.1]),
    "sgdm": grid(lr=[0.01, 0.02], convention=["velocity", "torch", "ema"])
    + grid(lr=[0.1], momentum=[0.0, 0.5]),
    "nag": grid(lr=[0.01, 0.02], variant=["paper", "torch"]),
    "adam": grid(lr=[0.01, 0.02], variant=["paper", "eps_hat", "torch"])
    + grid(lr=[0.01], betas=[(0.9, 0.99), (0.8, 0.999)], eps=[1e-8, 1e-3]),
    "steepest": grid(lr=[0.01, 0.02])
    + [
        {"lr": 0.01, "optimizer.norm": name, "unit": unit}
        for name in ("l1", "linf")
        for unit in (False, True)
    ],
    "rms_mean": grid(lr=[0.01, 0.02]),
    "adagrad": grid(lr=[0.01, 0.02], initial_accumulator_value=[0.0, 0.1]),
    "rmsprop": grid(lr=[0.01, 0.02])
    + [{"lr": 0.01, "optimizer.init": word} for word in ("g0", "zero")],
    "amsgrad": grid(lr=[0.01, 0.02], variant=["paper", "torch"]),
    "adabound": grid(lr=[0.01, 0.02], final_lr=[0.1, 0.5]),
    "radam": grid(lr=[0.01, 0.02], betas=[(0.9, 0.999), (0.9, 0.6)]),
    "nadam": grid(lr=[0.01, 0.02], variant=["paper", "torch"]),
    "adamw": grid(lr=[0.01, 0.02], weight_decay=[0.0, 0.1]),
    "sgdw": grid(lr=[0.01, 0.02], weight_decay=[0.0, 0.1]),
    "swats": grid(lr=[0.01, 0.03]),
    "lars": grid(lr=[0.1, 0.2], weight_decay=[0.0, 0.1]),
    "lamb": grid(lr=[0.01, 0.02], weight_decay=[0.0, 0.1]),
}


def test_the_table_has_every_rule() -> None:
    rules = {
        name for name in optim.__all__ if isinstance(getattr(optim, name), optim.Rule)
    }
    assert rules == set(RULES)


@pytest.mark.parametrize("rule", RULES)
def test_every_rule_is_the_plain_loops(rule: str, equal: Callable[..., Any]) -> None:
    settings = [
        {"optimizer": rule, "seed": i % 2, **row} for i, row in enumerate(RULES[rule])
    ]
    assert set(equal(mlp, DATA, settings).paths) == {"stacked"}


FAMILIES: dict[str, tuple[Callable[..., nn.Module], Any]] = {
    **{f"mlp-{name}": (partial(mlp, activation=name), DATA) for name in ACTIVATIONS},
    "mlp-no-bias": (partial(mlp, bias=False), DATA),
    "mlp-batch": (partial(mlp, norm=nn.BatchNorm1d), DATA),
    "mlp-our-batch": (partial(mlp, norm=norm.BatchNorm), DATA),
    "mlp-our-batch-by-definition": (
        partial(mlp, norm=partial(norm.BatchNorm, fused=False)),
        DATA,
    ),
    "mlp-layer": (partial(mlp, norm=nn.LayerNorm), DATA),
    "mlp-our-layer": (partial(mlp, norm=norm.LayerNorm), DATA),
    "mlp-rms": (partial(mlp, norm=norm.RMSNorm), DATA),
    "mlp-group": (partial(mlp, norm=partial(norm.GroupNorm, 2)), DATA),
    "mlp-torch-group": (partial(mlp, norm=partial(nn.GroupNorm, 2)), DATA),
    "mlp-variance-only": (partial(mlp, norm=norm.VarianceOnlyLayerNorm), DATA),
    "mlp-simple": (partial(mlp, norm=norm.SimpleLayerNorm), DATA),
    "residual": (lambda: models.ResidualMLP(6, 8, 3, 4), DATA),
    "residual-batch": (
        lambda: models.ResidualMLP(6, 8, 2, 4, "tanh", norm=nn.BatchNorm1d),
        DATA,
    ),
    "maxout": (lambda: mlp(activation="identity", layer=models.Maxout), DATA),
    "cnn-1d": (
        lambda: models.SmallCNN((3, 4), 4, dims=1, size=8, kernel=3),
        (torch.randn(40, 8, generator=DRAW, dtype=torch.double), Y[:40]),
    ),
    "cnn-2d": (
        lambda: models.SmallCNN(
            (3, 4), 4, size=4, in_channels=2, kernel=3, norm=nn.BatchNorm2d
        ),
        (torch.randn(40, 2, 4, 4, generator=DRAW, dtype=torch.double), Y[:40]),
    ),
    "rnn": (
        lambda: models.RNN(2, 5, 4),
        (torch.randn(40, 6, 2, generator=DRAW, dtype=torch.double), Y[:40]),
    ),
    "rnn-layer-norm": (
        lambda: models.RNN(2, 5, 4, cell="layer_norm"),
        (torch.randn(40, 6, 2, generator=DRAW, dtype=torch.double), Y[:40]),
    ),
    "transformer-post": (lambda: models.TransformerLM(7, 8, 2, 2, 5), (TOKENS, NEXT)),
    "transformer-pre": (
        lambda: models.TransformerLM(
            7, 8, 2, 2, 5, "pre", activation="gelu", norm_layer=norm.RMSNorm
        ),
        (TOKENS, NEXT),
    ),
    "transformer-uniform": (
        lambda: models.TransformerLM(7, 8, 1, 1, 5, uniform=True, positions=False),
        (TOKENS, NEXT),
    ),
}


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_is_the_plain_loops(
    family: str, equal: Callable[..., Any]
) -> None:
    model, data = FAMILIES[family]
    settings = grid(lr=[0.05, 0.1], seed=range(2), batch_size=[8])
    core = equal(model, data, settings)
    assert set(core.paths) == {"stacked"}, core.reasons[0]


@pytest.mark.parametrize("shared", [False, True])
def test_two_inputs_are_the_plain_loops(
    shared: bool, equal: Callable[..., Any]
) -> None:
    def net() -> nn.Module:
        kinds = {"emb_norm": norm.LayerNorm, "num_norm": norm.LayerNorm}
        return models.CTRNet(
            [3, 3],
            6,
            4,
            [8],
            shared_norm=shared,
            num_bias=True,
            mlp_norm=norm.VarianceOnlyLayerNorm,
            **kinds,
        )

    data = ((CATEGORIES, X), CLICKS)
    core = equal(net, data, SEEDS, loss=binary_cross_entropy_with_logits)
    assert set(core.paths) == {"stacked"}, core.reasons[0]


def test_everything_mixed_is_the_plain_loops(equal: Callable[..., Any]) -> None:
    warm = partial(schedules.cosine, total=40)
    settings = [
        {**row, "optimizer": rule, "seed": i}
        for i, (rule, rows) in enumerate(sorted(RULES.items()))
        for row in rows[:1]
    ]
    more = {
        "clip": {"optimizer": "adam", "lr": 0.01, "clip_norm": 0.1},
        "value": {"optimizer": "sgd", "lr": 0.1, "clip_value": 0.01, "clip_norm": 0.1},
        "noise": {"optimizer": "sgd", "lr": 0.1, "gradient_noise": (0.3, 0.55)},
        "ahead": {"optimizer": "adam", "lr": 0.01, "lookahead": (5, 0.5)},
        "all": {
            "optimizer": "rmsprop",
            "lr": 0.01,
            "lookahead": (3, 0.8),
            "gradient_noise": (0.1, 0.5),
            "clip_norm": 1.0,
            "weight_decay": 0.1,
            "schedule": warm,
        },
        "schedule": {"optimizer": "adam", "lr": 0.01, "schedule": warm},
        "noisy": {"optimizer": "sgd", "lr": 0.1, "label_noise": 0.4, "seed": 3},
        "init": {"optimizer": "sgd", "lr": 0.1, "init": "he_normal", "gain": 0.5},
    }
    assert set(equal(mlp, DATA, settings + list(more.values())).paths) == {"stacked"}


@pytest.mark.parametrize("path", ["stacked", "folded", "mixed", "vmap", "loop"])
def test_every_path_is_the_plain_loops(path: str, equal: Callable[..., Any]) -> None:
    settings = grid(optimizer=["adam", "rmsprop"], lr=[0.01, 0.02], n_train=[24])
    equal(partial(mlp, norm=nn.BatchNorm1d, bias=False), DATA, settings, path=path)
