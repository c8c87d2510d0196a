r"""Read the numbered equations out of docstrings, so that they live once.

A line of a ``.. math::`` block that ends in ``\qquad (n)`` is equation n, and
the code line that computes it ends in the comment ``# (n)``. Chapters show the
equation through ``equations``, and a test compares the two lists of numbers.
"""

import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType

__all__ = ["Equation", "Equations", "equations"]


@dataclass(frozen=True)
class Equation:
    """Hold one numbered line of a docstring's mathematics.

    Attributes:
        number: Its number.
        latex: The line, with alignment marks, without the number.
    """

    number: int
    latex: str


class Equations(tuple[Equation, ...]):
    """Hold the equations of one docstring; a notebook shows them as mathematics."""

    __slots__ = ()

    def latex(self) -> str:
        r"""Return them as one ``align`` environment with their numbers.

        Returns:
            LaTeX, without dollar signs.
        """
        lines = (rf"{line.latex} \tag{{{line.number}}}" for line in self)
        return "\\begin{align}\n" + " \\\\\n".join(lines) + "\n\\end{align}"

    def _repr_latex_(self) -> str:
        return self.latex()


# The indented lines after ".. math::", blank lines among them included.
BLOCK = re.compile(r"^( *)\.\. math::\s*\n((?:\1 +\S.*\n?|\s*\n)+)", re.MULTILINE)
NUMBERED = re.compile(r"^(?P<latex>.*\S) \\qquad \((?P<number>\d+)\)$")


def equations(owner: Callable[..., object] | ModuleType | type) -> Equations:
    r"""Return the numbered equations that a function, class or module computes.

    Args:
        owner: A function, class or module. Where its own docstring has no
            numbered line, the docstring of its module is read.

    Returns:
        The equations in order; none where there are none.

    Raises:
        TypeError: If the owner is none of these.
        ValueError: If the numbers are not 1, 2, 3, ...

    Example:
        >>> from coursekit.init import fans
        >>> equations(fans)[0]
        Equation(number=1, latex='n_{in} &= \\mathrm{in} \\times |\\mathrm{kernel}|')
    """
    if not (
        inspect.isroutine(owner) or inspect.isclass(owner) or inspect.ismodule(owner)
    ):
        raise TypeError(
            f"owner: expected a function, class or module, got {owner!r}; for an "
            "update rule pass its function, as in equations(adam.update)"
        )
    found = _read(inspect.getdoc(owner) or "")
    if not found and not inspect.ismodule(owner):
        found = _read(inspect.getdoc(inspect.getmodule(owner)) or "")
    numbers = [line.number for line in found]
    if numbers != list(range(1, len(numbers) + 1)):
        raise ValueError(
            f"docstring of {getattr(owner, '__name__', owner)!r}: expected equations "
            f"numbered 1, 2, ..., got {numbers}; renumber them and the code comments"
        )
    return found


def _read(docstring: str) -> Equations:
    lines = [
        line for _, block in BLOCK.findall(docstring) for line in block.split(r"\\")
    ]
    matches = (NUMBERED.match(" ".join(line.split())) for line in lines)
    return Equations(Equation(int(m["number"]), m["latex"]) for m in matches if m)
