"""What a loss does unless it is told otherwise: the mean, at temperature 1."""

import pytest

from coursekit import losses

TABLE = {
    "cross_entropy": {"temperature": 1.0, "reduction": "mean"},
    "grad_cross_entropy": {"temperature": 1.0},
    "grad_mse_softmax": {"temperature": 1.0},
    "log_softmax": {"temperature": 1.0},
    "mse_softmax": {"temperature": 1.0, "reduction": "mean"},
    "one_hot": {"dtype": None},
    "softmax": {"temperature": 1.0},
}


@pytest.mark.parametrize("name", losses.__all__)
def test_defaults(defaults_of, name):
    assert defaults_of(getattr(losses, name)) == TABLE.get(name, {})
