r"""Train hundreds of small networks at once and compare them."""

from .grid import Named, grid
from .plain import Plain, plain_loop
from .result import Sweep
from .sweep import sweep

__all__ = ["Named", "Plain", "Sweep", "grid", "plain_loop", "sweep"]
