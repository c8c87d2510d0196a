"""Which layers are linear maps, which name is which function, and the mutants."""

import importlib

import numpy as np
import pytest
import torch
from torch import nn

from coursekit.layers import ACTIVATIONS, activation, linear_maps

PAGE = importlib.import_module("coursekit.layers")


class Nested(nn.Module):
    """One layer of every kind, one of them shared, some of them deep inside."""

    def __init__(self):
        super().__init__()
        self.first = nn.Conv1d(2, 3, 1)
        self.inner = nn.Sequential(
            nn.Conv2d(1, 1, 1), nn.BatchNorm2d(1), nn.Sequential(nn.Conv3d(1, 1, 1))
        )
        self.last = nn.Linear(2, 2)
        self.again = self.last
        self.up = nn.ConvTranspose1d(1, 1, 1)
        self.words = nn.Embedding(3, 2)
        self.pair = nn.Bilinear(2, 2, 1)


def maps_are_right(linear_maps):
    model = Nested()
    expected = [model.first, model.inner[0], model.inner[2][0], model.last]
    alone = nn.Linear(1, 1)
    found = [*linear_maps(model), *linear_maps(alone)]
    return (
        len(found) == 5
        and all(a is b for a, b in zip(found, [*expected, alone], strict=True))
        and linear_maps(nn.ReLU()) == []
    )


def test_linear_maps_are_found_at_any_depth_once_and_in_order():
    assert maps_are_right(linear_maps)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("for module in model.modules()", "for module in model.children()"),
        ("in model.modules() if", "in [*model.modules()][1:] if"),
        ("in model.modules() if", "in [*model.modules()][::-1] if"),
        ("isinstance(module, LinearMap)", "isinstance(module, nn.Linear)"),
        ("isinstance(module, LinearMap)", 'hasattr(module, "weight")'),
        ("isinstance(module, LinearMap)", 'hasattr(module, "in_features")'),
        (
            "in model.modules() if",
            "in dict(model.named_modules(remove_duplicate=False)).values() if",
        ),
    ],
)
def test_the_check_kills_the_mutant(mutate, old, new):
    wrong = mutate(linear_maps, old, new)
    assert not maps_are_right(wrong)


Z = np.linspace(-4, 4, 81)
FORMULAS = {
    "identity": Z,
    "relu": np.maximum(Z, 0),
    "leaky_relu": np.where(Z > 0, Z, 0.01 * Z),
    "leaky": np.where(Z > 0, Z, 0.01 * Z),
    "elu": np.where(Z > 0, Z, np.expm1(np.minimum(Z, 0))),
    "silu": Z / (1 + np.exp(-Z)),
    "softplus": np.log1p(np.exp(Z)),
    "tanh": np.tanh(Z),
    "hard_tanh": np.clip(Z, -1, 1),
    "sigmoid": 1 / (1 + np.exp(-Z)),
}


def activations_are_right(activation):
    z = torch.from_numpy(Z)
    right = [np.allclose(activation(n)(z), a, rtol=1e-9) for n, a in FORMULAS.items()]
    steep = activation("leaky", negative_slope=0.3)(z).numpy()
    return all(right) and np.allclose(steep, np.where(Z > 0, Z, 0.3 * Z))


def test_activations_have_their_formulas():
    assert activations_are_right(activation)
    assert {"gelu", "selu", *FORMULAS} == {"leaky", *ACTIVATIONS}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("make(**kwargs)", "make()"),
        ("ACTIVATIONS[ALIASES.get(name, name)]", "nn.Tanh"),
        ("ALIASES.get(name, name)", 'ALIASES.get(name, "relu")'),
    ],
)
def test_the_formulas_kill_the_mutant(mutate, old, new):
    wrong = mutate(activation, old, new)
    try:
        right = activations_are_right(wrong)
    except TypeError:
        right = False
    assert not right


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: activation("rleu"), ValueError, "activation: expected one of"),
        (
            lambda: activation("elu", slope=1.0),
            TypeError,
            "slope: expected a parameter of 'elu'.* it has alpha, inplace",
        ),
        (lambda: activation("tanh", alpha=1.0), TypeError, "it has none"),
        (
            lambda: activation("leaky", negative_slope=float("nan")),
            ValueError,
            "negative_slope: .* NaN",
        ),
        (lambda: activation("elu", alpha="1"), TypeError, "alpha: expected a number"),
    ],
)
def test_wrong_arguments_are_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()
