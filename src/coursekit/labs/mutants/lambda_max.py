r"""Wrong ways to find the largest eigenvalue of a Hessian."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from coursekit.labs.exercise import Mutant
from coursekit.labs.matrices import dense_hessian

__all__ = ["MUTANTS"]


def _power(H: Tensor, iters: int) -> tuple[float, Tensor]:
    v = torch.randn(len(H), generator=torch.Generator().manual_seed(0)).to(H)
    v = v / v.norm()
    for _ in range(iters):
        v = H @ v
        v = v / v.norm()
    return float(v @ H @ v), v


def _on_hessian(rule: Callable[[Tensor, int], Any]) -> Callable[..., float]:
    def mutant(model, loss, iters):
        return float(rule(dense_hessian(model, loss), iters))

    return mutant


def _two_runs(
    shift: Callable[[float], float] = lambda value: abs(value),
    back: Callable[[float, float], float] = lambda mu, c: mu - c,
    products: Callable[[int], int] = lambda iters: iters,
) -> Callable[..., float]:
    def rule(H: Tensor, iters: int) -> float:
        value, _ = _power(H, products(iters))
        if value > 0:
            return value
        c = shift(value)
        mu, _ = _power(H + c * torch.eye(len(H)).to(H), products(iters))
        return back(mu, c)

    return _on_hessian(rule)


def _unnormalised(H: Tensor, iters: int) -> Tensor:
    _, v = _power(H, iters)
    u = H @ v
    return u @ H @ u


def _first_block(model, loss, iters):
    H = dense_hessian(model, loss)
    k = max(1, next(iter(model.parameters())).numel() // 2)
    return float(torch.linalg.eigvalsh(H[:k, :k])[-1])


def _gradient_norm(model, loss, iters):
    gs = torch.autograd.grad(loss(model), list(model.parameters()))
    return float(torch.cat([g.flatten() for g in gs]).norm())


MUTANTS = (
    Mutant(
        "dominant",
        _on_hessian(lambda H, iters: _power(H, iters)[0]),
        "This returns the eigenvalue of the largest magnitude, also where it is "
        "negative. Then a second run on H + cI is needed.",
        "(3)",
    ),
    Mutant(
        "magnitude",
        _on_hessian(lambda H, iters: abs(_power(H, iters)[0])),
        "This returns |λ|: the norm of Hv, or a number without its sign. At a saddle "
        "the largest magnitude can belong to the direction that goes down.",
        "(2)",
    ),
    Mutant(
        "unnormalised",
        _on_hessian(_unnormalised),
        "The vector in vᵀHv does not have the length 1, so the result is λ‖v‖². "
        "Divide v by its norm last, or divide by vᵀv.",
        "(2)",
    ),
    Mutant(
        "rayleigh_of_square",
        _on_hessian(lambda H, iters: _power(H, iters)[0] ** 2),
        "This returns λ², as ‖Hv‖² does.",
        "(2)",
    ),
    Mutant(
        "shift_left_in",
        _two_runs(back=lambda mu, c: mu),
        "The shift is still in: the second run finds λ_max + c. Take c off.",
        "(3)",
    ),
    Mutant(
        "few_products",
        _two_runs(products=lambda iters: 3),
        "The value is that of a few products, before the vector has turned. Use all "
        "`iters`.",
        "(1)",
    ),
    Mutant(
        "smallest",
        _on_hessian(lambda H, iters: torch.linalg.eigvalsh(H)[0]),
        "This is the smallest eigenvalue.",
        "(3)",
    ),
    Mutant(
        "trace",
        _on_hessian(lambda H, iters: H.trace()),
        "This is the trace, the sum of all eigenvalues.",
        "(2)",
    ),
    Mutant(
        "largest_diagonal_entry",
        _on_hessian(lambda H, iters: H.diagonal().max()),
        "This is the largest entry of the diagonal, which the largest eigenvalue "
        "exceeds unless H is diagonal.",
        "(2)",
    ),
    Mutant(
        "gradient_norm",
        _gradient_norm,
        "This is the norm of the gradient. Curvature is the gradient's own rate of "
        "change: differentiate once more.",
        "(4)",
    ),
    Mutant(
        "part_of_the_parameters",
        _first_block,
        "This belongs to half of the first weight matrix. H has a row for every "
        "parameter.",
        "(4)",
    ),
)
