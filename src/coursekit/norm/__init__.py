r"""Bring inputs and activations to a common scale.

Before training, features are scaled once, with statistics of the training set:
``center``, ``standardize``, ``minmax``, ``pca``, ``whiten``. Inside a net, a
layer does it anew for every batch or example. Nearly all of these layers compute
the one function ``normalize`` (``LpBatchNorm`` replaces its root mean square,
``WeightNorm`` is no norm of activations); they differ in the entries that share
a mean (``norm_axes``), and in what is learnt or remembered:

==========================  ================================================
``BatchNorm``               a channel over the batch; running averages
``LpBatchNorm``             the same with an L¹, L², … or L^∞ norm
``NoisyBatchNorm``          the same with noise behind it
``LayerNorm``               the features of an example
``SimpleLayerNorm``         without gain and bias
``VarianceOnlyLayerNorm``   without re-centring either
``RMSNorm``                 by the root mean square, with a gain
``InstanceNorm``            a channel of an example
``GroupNorm``               some channels of an example
``PositionalNorm``          a position of an example
``LayerNormRNNCell``        the summed inputs of a recurrent step
``WeightNorm``              not activations but weights
==========================  ================================================

Each layer stands beside the pure function that defines it. Where torch has a
fused kernel for the same equations the layer uses it (``fused=True``); tests
hold the two equal, and ``fused=False`` runs the definition, whose backward
pass is written by hand.
"""

from .axes import norm_axes
from .batch_norm import RunningStats, batch_norm
from .batch_norm_layer import BatchNorm
from .core import Normalized, normalize
from .group_norm import GroupNorm, group_norm
from .instance_norm import InstanceNorm, instance_norm
from .layer_norm import LayerNorm, layer_norm
from .lp_batch_norm import LpBatchNorm, lp_norm
from .noisy_batch_norm import Noise, NoisyBatchNorm, add_noise
from .positional_norm import PositionalNorm, positional_norm
from .rms_norm import RMSNorm, rms_norm
from .rnn_cell import LayerNormRNNCell, layer_norm_rnn_step
from .scaling import center, minmax, standardize
from .simple_layer_norm import SimpleLayerNorm, simple_layer_norm
from .variance_only_layer_norm import (
    VarianceOnlyLayerNorm,
    variance_only_layer_norm,
)
from .weight_norm import WeightNorm, weight_norm
from .whitening import pca, whiten

__all__ = [
    "BatchNorm",
    "GroupNorm",
    "InstanceNorm",
    "LayerNorm",
    "LayerNormRNNCell",
    "LpBatchNorm",
    "Noise",
    "NoisyBatchNorm",
    "Normalized",
    "PositionalNorm",
    "RMSNorm",
    "RunningStats",
    "SimpleLayerNorm",
    "VarianceOnlyLayerNorm",
    "WeightNorm",
    "add_noise",
    "batch_norm",
    "center",
    "group_norm",
    "instance_norm",
    "layer_norm",
    "layer_norm_rnn_step",
    "lp_norm",
    "minmax",
    "norm_axes",
    "normalize",
    "pca",
    "positional_norm",
    "rms_norm",
    "simple_layer_norm",
    "standardize",
    "variance_only_layer_norm",
    "weight_norm",
    "whiten",
]
