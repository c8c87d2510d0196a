r"""Judge predictions by numbers that no training loss need resemble.

``auc`` judges the order of scores, ``log_loss`` the probabilities themselves
(their order *and* their calibration), ``accuracy`` the classes. Arrays, lists
and tensors are taken; nothing here imports torch.
"""

from .accuracy import accuracy
from .auc import auc
from .log_loss import log_loss

__all__ = ["accuracy", "auc", "log_loss"]
