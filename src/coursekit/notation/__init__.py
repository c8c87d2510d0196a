r"""Fix what every symbol of the book means and how the code spells it.

One table ties together a symbol, the words for it, the argument a caller
writes (torch's word), the identifier an equation's line of code uses, and the
unit. The book renders it, and the tests hold the signatures and docstrings of
the package against it. ``equations`` reads the numbered equations out of a
docstring, so that a chapter shows them without typing them again.
"""

from .equations import Equation, Equations, equations
from .table import SYMBOLS, Symbol, symbol

__all__ = ["SYMBOLS", "Equation", "Equations", "Symbol", "equations", "symbol"]
