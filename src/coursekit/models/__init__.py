"""Networks small enough to train by the hundred on two cores."""

from ..layers import activation
from .mlp import MLP
from .residual import ResidualBlock, ResidualMLP

__all__ = ["MLP", "ResidualBlock", "ResidualMLP", "activation"]
