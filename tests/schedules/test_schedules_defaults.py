"""What a schedule does unless it is told otherwise: a factor between 0 and 1."""

import math

import pytest

from coursekit import schedules
from coursekit.schedules.plateau import PlateauState, update

TABLE = {
    "Plateau": {
        **{"factor": 0.1, "patience": 10, "threshold": 1e-4},
        **{"threshold_mode": "rel", "cooldown": 0, "lr": 1.0, "lr_min": 0.0},
    },
    "cosine": {"lr": 1.0, "lr_min": 0.0},
    "exponential": {"lr": 1.0},
    "inverse": {"lr": 1.0},
    "linear_scaling": {"lr": 1.0, "rule": "linear"},
    "lr_range_test": {
        **{"lr_min": 1e-5, "lr_max": 10.0, "n_steps": 100},
        **{"smoothing": 0.8, "diverge": 4.0},
    },
    "noam": {"lr": 1.0},
    "one_cycle": {
        **{"lr": 1.0, "pct_start": 0.3, "div_factor": 25.0},
        **{"final_div_factor": 1e4, "anneal": "linear"},
    },
    "sgdr": {"t_mult": 1.0, "lr": 1.0, "lr_min": 0.0},
    "step": {"gamma": 0.5, "lr": 1.0},
    "triangular": {"lr": 1.0, "lr_min": 0.0},
    "warmup": {"lr": 1.0, "start": 0.0},
}


@pytest.mark.parametrize("name", sorted(set(schedules.__all__) - {"LRRangeTest"}))
def test_defaults(defaults_of, name):
    assert defaults_of(getattr(schedules, name)) == TABLE.get(name, {})


def test_defaults_of_the_rule_behind_the_plateau(defaults_of):
    shown = TABLE["Plateau"]
    assert defaults_of(update) == {
        name: shown[name]
        for name in ("threshold", "threshold_mode", "cooldown", "lr_min")
    }
    assert PlateauState() == PlateauState(lr=1.0, best=math.inf, bad=0, cooldown=0)
