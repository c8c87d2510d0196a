r"""Turn scores into probabilities and compare them with targets.

The scores o of a classifier are its *logits*: the inputs of the softmax, not
its outputs. All functions take the classes on the last axis and any number of
axes before it, and a target that is either a class index or a distribution
over the classes.

======================  ====================================================
``one_hot``             class index → vector of zeros and a one
``softmax``             logits → probabilities
``log_softmax``         logits → their logarithms, without overflow
``cross_entropy``       −Σ y ln p: steep where the prediction is surely wrong
``mse_softmax``         Σ (y − p)²: flat there, so training can get stuck
======================  ====================================================

``grad_cross_entropy`` and ``grad_mse_softmax`` are the closed forms of the
gradients, for looking at; training uses autograd.
"""

from .cross_entropy import cross_entropy, grad_cross_entropy
from .mse_softmax import grad_mse_softmax, mse_softmax
from .one_hot import one_hot
from .softmax import log_softmax, softmax

__all__ = [
    "cross_entropy",
    "grad_cross_entropy",
    "grad_mse_softmax",
    "log_softmax",
    "mse_softmax",
    "one_hot",
    "softmax",
]
