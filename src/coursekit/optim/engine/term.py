r"""Write sums of products as torch's own single operations: terms whose number waits.

A line such as ``m = beta1 * m + (1 - beta1) * g`` walks over memory three times, for
two products and a sum. Let :math:`c\,x` stand for a tensor x and a number c that is
not multiplied in. Then each of

.. math::

    a\,x + b\,y &= a\,(x + \tfrac ba\,y) \\
    a\,x + b\,(y z) &= a\,(x + \tfrac ba\,y z) \\
    a\,x + b\,(y / z) &= a\,(x + \tfrac ba\,y / z) \\
    \sqrt{a\,x} &= \sqrt a\,\sqrt x

is one walk: torch has the brackets as single operations, a product or quotient of two
tensors waits for the sum that it goes into, and the number in front goes on waiting,
in the end for the write. Called with terms in the place of tensors, the source of a
rule does what a kernel written by hand would do; it stays the definition.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from .sums import Sums

__all__ = ["Term"]

# To move a factor out of a sum is safe while the other grows by no more than this.
FAR = 1e6


class Term:
    r"""Hold :math:`c\,x`, :math:`c\,x y` or :math:`c\,x/y`, still to be computed.

    Args:
        c: The number in front.
        x: A tensor ``[p]``, never changed.
        y: Another one, for a product or a quotient.
        op: ``"*"`` for a product, ``"/"`` for a quotient, ``""`` for x alone.
        sums: What finds norms and sums along the vector.

    Example:
        >>> g, m = (Term(1.0, torch.tensor([x])) for x in (2.0, 10.0))
        >>> average = 0.75 * m + 0.25 * g
        >>> average.c, average.x, average.value()
        (0.75, tensor([10.6667]), tensor([8.]))
    """

    __slots__ = ("c", "op", "sums", "x", "y")
    __hash__ = None  # pyright: ignore[reportAssignmentType]

    def __init__(
        self,
        c: float,
        x: Tensor,
        y: Tensor | None = None,
        op: str = "",
        sums: Sums | None = None,
    ) -> None:
        self.c, self.x, self.y, self.op, self.sums = c, x, y, op, sums

    def bare(self) -> Tensor:
        """Compute what stands behind the number, once.

        Returns:
            x, xy or x/y.
        """
        if self.y is not None:
            self.x = self.x * self.y if self.op == "*" else self.x / self.y
            self.y, self.op = None, ""
        return self.x

    def value(self) -> Tensor:
        """Compute the tensor that this stands for, once.

        Returns:
            The product with the number.
        """
        x = self.bare()
        if self.c != 1:
            self.x, self.c = x * self.c, 1.0
        return self.x

    def _along(self, other: Any) -> Any:
        # One number a vector: a float where it costs no wait, else spread over p.
        if not isinstance(other, Tensor):
            return other
        if other.numel() == 1 and other.is_cpu:
            return other.item()
        return other if self.sums is None else self.sums.spread(other)

    def __mul__(self, other: Any) -> Term:
        if isinstance(other, Term):
            return Term(self.c * other.c, self.bare(), other.bare(), "*", self.sums)
        other = self._along(other)
        if isinstance(other, Tensor):
            return Term(self.c, self.bare(), other, "*", self.sums)
        return Term(self.c * other, self.x, self.y, self.op, sums=self.sums)

    def __truediv__(self, other: Any) -> Term:
        if not isinstance(other, Term):
            other = self._along(other)
            if not isinstance(other, Tensor) and other:
                return Term(self.c / other, self.x, self.y, self.op, sums=self.sums)
            return Term(1.0, self.value() / other, sums=self.sums)
        if not other.c:
            return Term(1.0, self.value() / other.value(), sums=self.sums)
        return Term(self.c / other.c, self.bare(), other.bare(), "/", self.sums)

    def __rtruediv__(self, other: Any) -> Term:
        other = self._along(other)
        if isinstance(other, Tensor) or not self.c:
            return Term(1.0, other / self.value(), sums=self.sums)
        return Term(other / self.c, self.bare().reciprocal(), sums=self.sums)

    def __add__(self, other: Any) -> Term:
        if not isinstance(other, Term):
            other, c = self._along(other), self.c
            if isinstance(other, Tensor) or abs(other) > FAR * abs(c):
                return Term(1.0, self.value() + other, sums=self.sums)
            return Term(c, self.bare() + other / c, sums=self.sums) if c else self
        a, b = (other, self) if self.op and not other.op else (self, other)
        if not b.op and abs(b.c) > abs(a.c):
            a, b = b, a
        if not a.c or abs(b.c) > FAR * abs(a.c):
            return Term(1.0, a.value() + b.value(), sums=self.sums)
        x, ratio = a.bare(), b.c / a.c
        if b.op == "*":
            total = torch.addcmul(x, b.x, b.y, value=ratio)  # pyright: ignore
        elif b.op == "/":
            total = torch.addcdiv(x, b.x, b.y, value=ratio)  # pyright: ignore
        else:
            total = torch.add(x, b.x, alpha=ratio)
        return Term(a.c, total, sums=self.sums)

    def __neg__(self) -> Term:
        return self * -1.0

    def __sub__(self, other: Any) -> Term:
        return self + -other

    def __rsub__(self, other: Any) -> Term:
        return -self + other

    __rmul__, __radd__ = __mul__, __add__

    def square(self) -> Term:
        """Return the square."""
        return self * self

    def sqrt(self) -> Term:
        """Return the root."""
        if self.c < 0:
            return Term(1.0, self.value().sqrt(), sums=self.sums)
        return Term(self.c**0.5, self.bare().sqrt(), sums=self.sums)

    def abs(self) -> Term:
        """Return the absolute value."""
        return Term(abs(self.c), self.bare().abs(), sums=self.sums)

    def clamp(self, low: float | None = None, high: float | None = None) -> Term:
        """Return the value between two numbers."""
        if not self.c > 0:
            return Term(1.0, self.value().clamp(low, high), sums=self.sums)
        ends = (end if end is None else end / self.c for end in (low, high))
        return Term(self.c, self.bare().clamp(*ends), sums=self.sums)

    def clamp_min(self, low: float) -> Term:
        """Return the value where it is above a number."""
        return self.clamp(low)

    def sum(self, dim: int = -1, keepdim: bool = True) -> Tensor:
        """Return the sum along each whole vector."""
        if self.sums is None or (dim, keepdim) != (-1, True):
            return self.value().sum(dim, keepdim)
        y = self.y if self.op == "*" else None
        return self.c * self.sums.sum(self.bare() if y is None else self.x, y)

    def __getattr__(self, name: str) -> Any:
        # What has no shorter way here is done by the tensor.
        return getattr(self.value(), name)

    @classmethod
    def __torch_function__(
        cls,
        func: Callable[..., Any],
        types: object,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        """Give a function of torch a term: a shorter way, or the tensor itself.

        Args:
            func: The function.
            types: Not used.
            args: Its arguments.
            kwargs: Its keywords.

        Returns:
            A term, or what the function returns.
        """
        short = SHORT.get(func)
        if short is not None:
            return short(*args, **(kwargs or {}))
        return func(*map(plain, args), **(kwargs or {}))


def plain(value: Any) -> Any:
    """Return a term's tensor, and anything else as it is.

    Args:
        value: A term or not.

    Returns:
        No term.
    """
    return value.value() if isinstance(value, Term) else value


def _where(condition: Tensor, a: Any, b: Any) -> Any:
    if condition.numel() == 1 and condition.is_cpu:
        return a if condition else b
    owner = a if isinstance(a, Term) else b
    return torch.where(owner._along(condition), plain(a), plain(b))


def _norm(x: Any, *, dim: int = -1, keepdim: bool = False) -> Tensor:
    if x.sums is None or (dim, keepdim) != (-1, True):
        return torch.linalg.vector_norm(x.value(), dim=dim, keepdim=keepdim)
    return abs(x.c) * x.sums.norm(x.bare())


SHORT: dict[Any, Callable[..., Any]] = {
    torch.where: _where,
    torch.linalg.vector_norm: _norm,
    Tensor.mul: lambda a, b: b * a,
    Tensor.add: lambda a, b: b + a,
    Tensor.sub: lambda a, b: -b + a,
    Tensor.div: lambda a, b: b.__rtruediv__(a),
}
