r"""Update rules written once: as pure functions, and as torch optimizers.

A lower-case name is the rule (``adam.update(g, state, theta, t, lr=...)``),
pure and batched over leading axes; the capitalised one is the same rule as a
drop-in ``torch.optim.Optimizer``.
"""

from .adam import Adam, adam
from .adapter import RuleOptimizer
from .gd import GD, gd
from .nag import NAG, nag, nag_look_ahead
from .rule import Rule, Scalar, State
from .sgd import SGD, sgd
from .sgdm import SGDM, sgdm

__all__ = [
    "GD",
    "NAG",
    "SGD",
    "SGDM",
    "Adam",
    "Rule",
    "RuleOptimizer",
    "Scalar",
    "State",
    "adam",
    "gd",
    "nag",
    "nag_look_ahead",
    "sgd",
    "sgdm",
]
