r"""Keep a network from fitting the noise of its examples.

==============================  ==============================================
``l2_penalty``                  large weights cost; all shrink
``l1_penalty``, ``l1_prox``     weights cost alike; some become exactly zero
``Dropout``                     every step trains another thinned net
``ensemble_average``            what dropout approximates, on all 2ⁿ nets
``EarlyStopping``               the best parameters on validation, not the last
``augment_shift`` and others    new examples from what is known of the problem
==============================  ==============================================

All of them trade a worse fit of the training set for a better one elsewhere,
and whether that trade is wanted is an empirical question: a net that does not
fit its training set has another problem. Clipping, decay of the rate and
normalization are often listed here too. They are tools of optimization first,
with a regularizing side effect at most.
"""

from .augment_crop import augment_crop, crop
from .augment_flip import augment_flip
from .augment_rotate import augment_rotate, rotate
from .augment_scale import augment_scale, rescale
from .augment_shift import augment_shift, shift
from .dropout import dropout, dropout_mask
from .dropout_layer import Dropout
from .early_stopping import EarlyStopping
from .l1_prox import l1_prox, l1_subgradient, proximal_step
from .penalties import l1_penalty, l2_penalty
from .stopping_rule import StopState, early_stop, generalization_loss
from .warp import warp
from .weight_scaling import ensemble_average, weight_scaling

__all__ = [
    "Dropout",
    "EarlyStopping",
    "StopState",
    "augment_crop",
    "augment_flip",
    "augment_rotate",
    "augment_scale",
    "augment_shift",
    "crop",
    "dropout",
    "dropout_mask",
    "early_stop",
    "ensemble_average",
    "generalization_loss",
    "l1_penalty",
    "l1_prox",
    "l1_subgradient",
    "l2_penalty",
    "proximal_step",
    "rescale",
    "rotate",
    "shift",
    "warp",
    "weight_scaling",
]
