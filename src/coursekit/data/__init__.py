"""Data sets that need no network: handwritten digits and 2-D toys."""

from .digits import Split, digits
from .toy import cubic, moons, rings, spirals, xor

__all__ = ["Split", "cubic", "digits", "moons", "rings", "spirals", "xor"]
