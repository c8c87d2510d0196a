"""What an initializer does unless it is told otherwise: fan-in, ReLU, torch's type."""

import pytest

from coursekit import init

WHERE = {"dtype": None, "device": None}
HE = {"mode": "fan_in", "negative_slope": 0.0}
TABLE = {
    "constant": {"value": 0.0, "generator": None, **WHERE},
    "gain": {"direction": "forward", "std": 1.0},
    "he_normal": HE | WHERE,
    "he_std": HE,
    "he_uniform": HE | WHERE,
    "identity": {"gain": 1.0, "generator": None, **WHERE},
    "initialize": {"seed": None, "generator": None, "bias": 0.0},
    "lecun_normal": WHERE,
    "lecun_uniform": WHERE,
    "orthogonal": {"gain": 1.0, **WHERE},
    "scale_branches": {"factor": None},
    "scaled_normal": WHERE,
    "second_moments": {"std": 1.0},
    "standard_uniform": WHERE,
    "xavier_normal": {"gain": 1.0, **WHERE},
    "xavier_std": {"gain": 1.0},
    "xavier_uniform": {"gain": 1.0, **WHERE},
}


@pytest.mark.parametrize("name", sorted(set(init.__all__) - {"SCHEMES"}))
def test_defaults(defaults_of, name):
    assert defaults_of(getattr(init, name)) == TABLE.get(name, {})
