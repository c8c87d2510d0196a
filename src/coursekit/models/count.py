r"""Count what a model learns, weights that are shared only once.

.. math::

    P = \sum_{p \,\in\, \text{distinct parameters}} |p| \qquad (1)

The number says how much memory a model takes and, roughly, how flexible it is;
models are compared fairly at equal counts. A convolution is cheap by it because
all places share its kernel: 16 kernels of 3×3 on one channel are 160 numbers
with their biases, however large the image.
"""

from typing import NamedTuple

from torch import nn
from torch.nn.parameter import UninitializedParameter

__all__ = ["ParamRow", "count_params", "params_table"]


class ParamRow(NamedTuple):
    """Hold one line of the table of parameters.

    Attributes:
        module: Name of the module in the model; empty for the model itself.
        kind: Its class.
        shapes: Shapes of its own parameters, by their names.
        params: Number of its own parameters that no earlier row has counted.
    """

    module: str
    kind: str
    shapes: dict[str, tuple[int, ...]]
    params: int


def count_params(model: nn.Module, trainable: bool = False) -> int:
    r"""Return the number of parameters, equation (1).

    Args:
        model: Any module.
        trainable: Whether only those with ``requires_grad`` count.

    Returns:
        The number of entries. Buffers, such as running averages, are none.

    Raises:
        ValueError: If a lazy layer has not seen data yet, and has no shape.

    Example:
        >>> from coursekit.models import MLP, SmallCNN
        >>> count_params(SmallCNN()), count_params(MLP([64, 64, 32, 10]))
        (6090, 6570)
    """
    return sum(row.params for row in params_table(model, trainable))  # (1)


def params_table(model: nn.Module, trainable: bool = False) -> tuple[ParamRow, ...]:
    """Tabulate the parameters module by module.

    Args:
        model: Any module.
        trainable: Whether only those with ``requires_grad`` count.

    Returns:
        A row for every module that has parameters of its own, in the order of
        ``model.named_modules()``. The numbers add up to ``count_params``.

    Raises:
        ValueError: If a lazy layer has not seen data yet, and has no shape.

    Example:
        >>> for row in params_table(nn.Sequential(nn.Linear(3, 2), nn.ReLU())):
        ...     print(row.module, row.kind, row.shapes, row.params)
        0 Linear {'weight': (2, 3), 'bias': (2,)} 8
    """
    seen: set[nn.Parameter] = set()
    rows = []
    for name, module in model.named_modules():
        own = dict(module.named_parameters(recurse=False))
        for key, p in own.items():
            if isinstance(p, UninitializedParameter):
                raise ValueError(
                    f"model: expected parameters with a shape, got {name}.{key} "
                    "without; a lazy layer gets it from its first batch"
                )
        new = {p for p in own.values() if p.requires_grad or not trainable} - seen
        seen |= new
        shapes = {key: tuple(p.shape) for key, p in own.items()}
        if own:
            params = sum(p.numel() for p in new)
            rows.append(ParamRow(name, type(module).__name__, shapes, params))
    return tuple(rows)
