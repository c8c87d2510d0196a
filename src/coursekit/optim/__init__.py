r"""Update rules written once: as pure functions, and as torch optimizers.

A lower-case name is the rule (``adam.update(g, state, theta, t, lr=...)``),
pure and batched over leading axes; the capitalised one is the same rule as a
drop-in ``torch.optim.Optimizer``.
"""

from .adabound import AdaBound, adabound
from .adagrad import AdaGrad, adagrad
from .adam import Adam, adam
from .adamw import AdamW, adamw
from .adapter import RuleOptimizer
from .amsgrad import AMSGrad, amsgrad
from .clip import ClipNorm, ClipValue, clip_norm, clip_value
from .gd import GD, gd
from .gradient_noise import GradientNoise, gradient_noise
from .lamb import LAMB, lamb
from .lars import LARS, lars
from .lookahead import Lookahead, lookahead
from .nadam import NAdam, nadam
from .nag import NAG, nag, nag_look_ahead
from .radam import RAdam, radam
from .rms_mean import RMSMean, rms_mean
from .rmsprop import RMSProp, rmsprop
from .rule import Rule, Scalar, State
from .sgd import SGD, sgd
from .sgdm import SGDM, sgdm
from .sgdw import SGDW, sgdw
from .steepest import Steepest, steepest
from .swats import SWATS, swats
from .weight_decay import l2_gradient, with_l2
from .wrapper import GradientWrapper, OptimizerWrapper

__all__ = [
    "GD",
    "LAMB",
    "LARS",
    "NAG",
    "SGD",
    "SGDM",
    "SGDW",
    "SWATS",
    "AMSGrad",
    "AdaBound",
    "AdaGrad",
    "Adam",
    "AdamW",
    "ClipNorm",
    "ClipValue",
    "GradientNoise",
    "GradientWrapper",
    "Lookahead",
    "NAdam",
    "OptimizerWrapper",
    "RAdam",
    "RMSMean",
    "RMSProp",
    "Rule",
    "RuleOptimizer",
    "Scalar",
    "State",
    "Steepest",
    "adabound",
    "adagrad",
    "adam",
    "adamw",
    "amsgrad",
    "clip_norm",
    "clip_value",
    "gd",
    "gradient_noise",
    "l2_gradient",
    "lamb",
    "lars",
    "lookahead",
    "nadam",
    "nag",
    "nag_look_ahead",
    "radam",
    "rms_mean",
    "rmsprop",
    "sgd",
    "sgdm",
    "sgdw",
    "steepest",
    "swats",
    "with_l2",
]
