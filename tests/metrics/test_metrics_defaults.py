"""What a metric does unless it is told otherwise: it clips nothing."""

import pytest

from coursekit import metrics


@pytest.mark.parametrize("name", metrics.__all__)
def test_defaults(defaults_of, name):
    expected = {"log_loss": {"clip": 0.0}}.get(name, {})
    assert defaults_of(getattr(metrics, name)) == expected
