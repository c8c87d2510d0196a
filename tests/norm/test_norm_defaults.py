"""What a norm does unless it is told otherwise, which is what torch's layers do."""

import pytest
from torch import nn

from coursekit import norm

EPS = {"eps": 1e-5}
LIKE = {"device": None, "dtype": None}
AFFINE = {"weight": None, "bias": None}
TABLE = {
    "BatchNorm": {
        **{**EPS, "momentum": 0.1, "affine": True, "track_running_stats": True},
        **{"dims": None, "fused": True, **LIKE},
    },
    "GroupNorm": {**EPS, "affine": True, "fused": True, **LIKE},
    "InstanceNorm": {**EPS, "affine": False, "dims": None, "fused": True, **LIKE},
    "LayerNorm": {
        **{**EPS, "elementwise_affine": True, "bias": True, "fused": True, **LIKE},
    },
    "LayerNormRNNCell": {"nonlinearity": "tanh", **EPS, **LIKE},
    "LpBatchNorm": {
        **{"p": 2.0, "order": "center_first", **EPS, "momentum": 0.1},
        **{"affine": True, "dims": None, "fused": True, **LIKE},
    },
    "Noise": {
        **{"mean_range": 0.5, "std_max": 1.25},
        **{"mean_jitter": 0.1, "std_jitter": 0.1},
    },
    "NoisyBatchNorm": {
        **{**EPS, "momentum": 0.1, "affine": True, "seed": 0},
        **{"noise": norm.Noise(0.5, 1.25, 0.1, 0.1), "dims": None, **LIKE},
    },
    "PositionalNorm": {**EPS, "affine": False, "dims": None, **LIKE},
    "RMSNorm": {"eps": None, "elementwise_affine": True, "fused": True, **LIKE},
    "SimpleLayerNorm": {**EPS, "fused": True},
    "VarianceOnlyLayerNorm": {**EPS, "fused": True},
    "WeightNorm": {"dim": 0},
    "add_noise": {"noise": norm.Noise(0.5, 1.25, 0.1, 0.1)},
    "batch_norm": {**AFFINE, "momentum": 0.1, **EPS},
    "center": {"reference": None},
    "group_norm": AFFINE | EPS,
    "instance_norm": AFFINE | EPS,
    "layer_norm": AFFINE | EPS,
    "layer_norm_rnn_step": {**AFFINE, "nonlinearity": "tanh", **EPS},
    "lp_norm": {"p": 2.0, "order": "center_first", **EPS},
    "minmax": {"reference": None},
    "normalize": {**EPS, "about_mean": True, "subtract_mean": True},
    "pca": {"reference": None, "n_components": None},
    "positional_norm": EPS,
    "rms_norm": {"weight": None, "eps": None},
    "simple_layer_norm": EPS,
    "standardize": {"reference": None},
    "variance_only_layer_norm": EPS,
    "weight_norm": {"dim": 0},
    "whiten": {"reference": None, "zca": False, "eps": 0.0},
}


@pytest.mark.parametrize("name", norm.__all__)
def test_defaults(defaults_of, name):
    assert defaults_of(getattr(norm, name)) == TABLE.get(name, {})


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (norm.BatchNorm, nn.BatchNorm1d),
        (norm.GroupNorm, nn.GroupNorm),
        (norm.LayerNorm, nn.LayerNorm),
        (norm.RMSNorm, nn.RMSNorm),
        (norm.InstanceNorm, nn.InstanceNorm1d),
    ],
)
def test_defaults_that_torch_has_too_are_torchs(defaults_of, ours, theirs):
    mine, torchs = defaults_of(ours), defaults_of(theirs)
    shared = [name for name in mine if name in torchs]
    assert "eps" in shared
    assert [mine[name] for name in shared] == [torchs[name] for name in shared]
