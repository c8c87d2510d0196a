r"""Write the loss of a network as a function of one vector.

Everything in this part works on a scalar function f of one vector θ. For a net, θ
strings together all of its parameters, in the order of ``named_parameters``, each
read row by row:

.. math:: f(\theta) &= L\bigl(\mathrm{model}_\theta(x),\, y\bigr)

f works on a copy. The model keeps its parameters, gradients, mode and running
statistics, and may be trained on while f stays what it was.
"""

import copy
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn.functional import cross_entropy

from ._function import Function

__all__ = ["flat_loss", "load_flat", "split_flat"]

Loss = Callable[[Tensor, Tensor], Tensor]


def flat_loss(
    model: nn.Module,
    x: Tensor,
    y: Tensor,
    loss: Loss | None = None,
    *,
    dtype: torch.dtype | None = None,
) -> tuple[Function, Float[Tensor, " p"]]:
    r"""Return f and the present θ of a model.

    Args:
        model: Any module with parameters, used in the mode it is in. Batch norm in
            training mode normalizes with the batch x, so that f couples its examples.
        x: Inputs, batch first.
        y: Targets, as the loss takes them.
        loss: ``loss(model(x), y)``, a scalar; None is the mean cross-entropy.
        dtype: Type to compute in; None is the model's own. float64 doubles the
            digits of every curvature for twice the time.

    Returns:
        f, which can be differentiated twice and vmapped, and θ, ``[p]``.

    Raises:
        ValueError: If the model has no parameters or mixes their types, x is empty,
            or a layer draws random numbers: f would be another function each time.

    Example:
        >>> model = nn.Linear(2, 3)
        >>> x, y = torch.ones(4, 2), torch.zeros(4).long()
        >>> f, theta = flat_loss(model, x, y)
        >>> theta.shape, bool(f(theta) == cross_entropy(model(x), y))
        (torch.Size([9]), True)
    """
    frozen = copy.deepcopy(model).requires_grad_(False)
    _use_batch_statistics(frozen)
    if dtype is not None:
        frozen, x, y = frozen.to(dtype), _as(x, dtype), _as(y, dtype)
    if len(x) == 0:
        raise ValueError("x: expected at least one example, got none")
    measure = cross_entropy if loss is None else loss
    theta = _concatenate(frozen)

    def f(theta: Tensor) -> Tensor:
        with _double_backward():
            out = functional_call(frozen, split_flat(frozen, theta), (x,))
            return measure(out, y)

    _refuse_randomness(f, theta)
    return f, theta


def split_flat(
    model: nn.Module, theta: Float[Tensor, "*batch p"]
) -> dict[str, Float[Tensor, "..."]]:
    r"""Cut a vector into the tensors of a model, by name.

    Args:
        model: The module that θ belongs to.
        theta: Parameters, or anything else with one number for each, such as an
            eigenvector of the Hessian; ``[*, p]``.

    Returns:
        Views into θ by parameter name, ``[*, *shape]``.

    Raises:
        ValueError: If the last axis does not have one entry a parameter.

    Example:
        >>> parts = split_flat(nn.Linear(2, 1), torch.tensor([1.0, 2.0, 3.0]))
        >>> parts["weight"], parts["bias"]
        (tensor([[1., 2.]]), tensor([3.]))
    """
    shapes = {name: p.shape for name, p in model.named_parameters()}
    sizes = [shape.numel() for shape in shapes.values()]
    if theta.ndim == 0 or theta.shape[-1] != sum(sizes):
        raise ValueError(
            f"theta: expected [..., {sum(sizes)}], one entry for each parameter of the "
            f"model, got shape {tuple(theta.shape)}"
        )
    pieces = theta.split(sizes, dim=-1)
    return {
        name: piece.unflatten(-1, shape) if shape else piece.squeeze(-1)
        for (name, shape), piece in zip(shapes.items(), pieces, strict=True)
    }


def load_flat(model: nn.Module, theta: Float[Tensor, " p"]) -> None:
    r"""Write a vector into the parameters of a model, in place.

    Args:
        model: The module to change.
        theta: The new parameters, ``[p]``; cast to the model's type and device.

    Raises:
        ValueError: If θ is not a vector with one entry a parameter.

    Example:
        >>> model = nn.Linear(1, 1)
        >>> load_flat(model, torch.tensor([2.0, 3.0]))
        >>> model(torch.ones(1, 1)).item()
        5.0
    """
    if theta.ndim != 1:
        raise ValueError(f"theta: expected a vector [p], got {tuple(theta.shape)}")
    parts = split_flat(model, theta.detach())
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.copy_(parts[name])


def _concatenate(model: nn.Module) -> Tensor:
    parameters = [p.detach() for p in model.parameters()]
    types = {p.dtype for p in parameters}
    if len(types) != 1:
        names = ", ".join(sorted(str(kind) for kind in types)) or "none"
        raise ValueError(
            f"model: expected parameters of one type, got {names}; give dtype="
        )
    return torch.cat([p.flatten() for p in parameters])


def _as(tensor: Tensor, dtype: torch.dtype) -> Tensor:
    return tensor.to(dtype) if tensor.is_floating_point() else tensor


def _use_batch_statistics(model: nn.Module) -> None:
    # in training mode they are only written to, which vmap does not allow
    for module in model.modules():
        if module.training and getattr(module, "running_mean", None) is not None:
            for name in ("running_mean", "running_var", "num_batches_tracked"):
                setattr(module, name, None)


def _refuse_randomness(f: Function, theta: Tensor) -> None:
    devices = [theta.device] if theta.is_cuda else []
    with torch.random.fork_rng(devices=devices), torch.no_grad():
        first, second = f(theta), f(theta)
    rounding = 100 * torch.finfo(theta.dtype).eps
    if not torch.allclose(first, second, rtol=rounding, atol=0, equal_nan=True):
        raise ValueError(
            f"model: expected the same loss twice, got {first.tolist()} and "
            f"{second.tolist()}; a layer draws random numbers (dropout?): call "
            "model.eval() first"
        )


def _double_backward() -> AbstractContextManager[object]:
    # the fused kernels of attention can be differentiated once only
    try:
        from torch.nn.attention import SDPBackend, sdpa_kernel
    except ImportError:  # torch before 2.3
        return nullcontext()
    return sdpa_kernel(SDPBackend.MATH)
