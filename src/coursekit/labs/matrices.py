r"""Weight matrices of known rank: built, disturbed, and left by training."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

__all__ = ["dense_hessian", "noisy", "spectrum", "trained"]


def trained(noise: float, seed: int, steps: int = 30) -> Tensor:
    r"""Train a small tanh network and give the weight of its hidden layer.

    Args:
        noise: Size of the noise relative to a constant start; infinity means random
            weights without a constant part.
        seed: Seed of the data and of the noise.
        steps: Gradient steps.

    Returns:
        The weight between the two hidden layers, ``[24, 16]``, as float32.
    """
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(64, 8, generator=generator)
    y = torch.sin(x[:, :1]) + x[:, 1:2]
    weights = [
        _start(shape, noise, generator) for shape in ((16, 8), (24, 16), (1, 24))
    ]
    for _ in range(steps):
        for w in weights:
            w.requires_grad_()
        a = torch.tanh(torch.tanh(x @ weights[0].T) @ weights[1].T)
        loss = (a @ weights[2].T - y).square().mean()
        grads = torch.autograd.grad(loss, weights)
        weights = [(w - 0.1 * g).detach() for w, g in zip(weights, grads, strict=True)]
    return weights[1]


def _start(shape: tuple[int, int], noise: float, generator: torch.Generator) -> Tensor:
    z = torch.randn(shape, generator=generator)
    return z / shape[1] ** 0.5 if noise == math.inf else 0.2 * (1 + noise * z)


def spectrum(shape: tuple[int, int], sigma: list[float], seed: int) -> Tensor:
    r"""Build a matrix with given singular values and random singular vectors.

    Args:
        shape: ``(out, in)``.
        sigma: The non-zero singular values.
        seed: Seed of the vectors.

    Returns:
        The matrix, float64.
    """
    g = torch.Generator().manual_seed(seed)
    u, v = (
        torch.linalg.qr(torch.randn(d, len(sigma), generator=g, dtype=torch.float64))[0]
        for d in shape
    )
    return u * torch.tensor(sigma, dtype=torch.float64) @ v.T


def noisy(matrix: Tensor, size: float, seed: int) -> Tensor:
    """Add normal noise of a size relative to the largest entry.

    Args:
        matrix: Any matrix.
        size: Standard deviation of the noise over the largest magnitude.
        seed: Seed of the noise.

    Returns:
        A new matrix.
    """
    g = torch.Generator().manual_seed(seed)
    noise = torch.randn(matrix.shape, generator=g, dtype=matrix.dtype)
    return matrix + size * noise * matrix.abs().max()


def dense_hessian(model: nn.Module, loss: Callable[[nn.Module], Tensor]) -> Tensor:
    """Build the whole Hessian of a small model's loss, one row a parameter.

    Args:
        model: Any module.
        loss: A scalar function of the model.

    Returns:
        The matrix, ``[p, p]``, symmetric to the last bit.
    """
    parameters = list(model.parameters())
    flat = torch.cat([
        g.flatten()
        for g in torch.autograd.grad(loss(model), parameters, create_graph=True)
    ])
    rows = [
        torch.autograd.grad(g, parameters, retain_graph=True, materialize_grads=True)
        for g in flat
    ]
    H = torch.stack([torch.cat([g.flatten() for g in row]) for row in rows])
    return (H + H.T) / 2
