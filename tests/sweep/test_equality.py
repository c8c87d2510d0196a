"""Hold the sweep to the plain loop: every family of models, every rule."""

from typing import Any

import numpy as np
import pytest
import torch

from coursekit import models
from coursekit.sweep import grid, plain_loop, sweep

DATA = (
    torch.randn(60, 6, generator=torch.Generator().manual_seed(0)).double(),
    torch.randint(4, (60,), generator=torch.Generator().manual_seed(1)),
)


def compare(model: Any, data: Any, settings: list[dict[str, Any]], **words: Any) -> Any:
    """Run a sweep and each of its settings alone, and hold one to the other."""
    words = {"steps": 40, "dtype": torch.float64, **words}
    quiet = {"workers": 1, "progress": False}
    runs = sweep(model, data, settings, **words, **quiet)
    alone = {k: words[k] for k in ("dtype", "loss") if k in words}
    for row, setting in enumerate(settings):
        module, losses = plain_loop(model, data, setting, words["steps"], **alone)
        np.testing.assert_allclose(runs.loss[row], losses, rtol=1e-12, atol=1e-12)
        for name, value in module.state_dict().items():
            ours = runs.parameters[row][name]
            np.testing.assert_allclose(ours, value.numpy(), rtol=1e-12, atol=1e-12)
    return runs


def mlp(**words: Any) -> models.MLP:
    return models.MLP([6, 8, 8, 4], **words)


RULES = {
    "gd": grid(lr=[0.1, 0.3]),
    "sgd": grid(lr=[0.1, 0.3]),
    "sgdm": grid(lr=[0.01], convention=["velocity", "torch", "ema"]),
    "adam": grid(lr=[0.01], betas=[(0.9, 0.99), (0.8, 0.999)]),
    "radam": grid(lr=[0.01, 0.02]),
    "rmsprop": grid(lr=[0.01, 0.02]),
}


@pytest.mark.parametrize("rule", RULES)
def test_every_rule_is_the_plain_loops(rule: str) -> None:
    rows = grid(optimizer=rule, seed=range(2))
    settings = [{**row, **more} for row in rows for more in RULES[rule]]
    compare(mlp, DATA, settings)
