r"""Read a plain ReLU net by its weights, and compute what it computes.

The weights come by value; what they compute is worked out here.  The net's own output
is asked for, too, but only to refuse a net that is no chain of maps and ReLUs.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from coursekit.labs.agreement import agree
from coursekit.labs.caller import StudentError
from coursekit.labs.exercise import Unusable
from coursekit.labs.reading import NONE

__all__ = ["Chain", "read_chain"]

Chain = dict[str, Tensor]
Maps = list[tuple[Tensor, Tensor]]


def read_chain(answer: Any, depth: int, x: Tensor, called: str) -> Chain:
    """Read the linear maps of a returned net and run them.

    Args:
        answer: A `Handle` on a module.
        depth: Linear maps that it has to have.
        x: Inputs.
        called: The answer in words.

    Returns:
        ``"output"``, the logits for ``x`` of the chain of these maps.

    Raises:
        Unusable: If it is no such chain.
    """
    expected = f"a net of {depth} linear maps with a ReLU between each two"
    if answer is None:
        raise Unusable(NONE.format(expected))
    if not hasattr(answer, "state"):
        raise Unusable(f"The function returned {called}, expected {expected}.")
    maps = _maps(answer.state())
    if len(maps) != depth:
        raise Unusable(
            f"The returned net has {len(maps)} weight matrices, expected {depth}: "
            "`depth` counts the linear maps of the deep net, the last included."
        )
    _check_sizes(maps, x)
    output = _run(maps, x)
    _check_own(answer, maps[0][0].dtype, x, output)
    return {"output": output}


def _maps(state: dict[str, Tensor]) -> Maps:
    """Pair every weight with its bias, in the order of the net.

    Returns:
        Weights and biases.

    Raises:
        Unusable: If something is not finite.
    """
    maps = []
    for name, weight in state.items():
        if not bool(torch.isfinite(weight).all()):
            raise Unusable(f"The returned net has NaN or infinity in `{name}`.")
        if weight.dim() == 2:
            none = torch.zeros(len(weight), dtype=weight.dtype)
            prefix = name.removesuffix("weight")
            maps.append((weight, state.get(f"{prefix}bias", none)))
    return maps


def _check_sizes(maps: Maps, x: Tensor) -> None:
    """Refuse maps that do not fit each other.

    Raises:
        Unusable: If one does not fit what comes before it.
    """
    d = x.shape[1]
    for l, (weight, bias) in enumerate(maps, 1):
        if weight.shape[1] != d or bias.shape != weight.shape[:1]:
            raise Unusable(
                f"Linear map {l} of the returned net has a weight of shape "
                f"{tuple(weight.shape)}, expected (…, {d}) to fit what comes before "
                "it. Are its parts in the order in which they are run?"
            )
        d = len(weight)


def _run(maps: Maps, x: Tensor) -> Tensor:
    a = x
    for l, (weight, bias) in enumerate(maps, 1):
        a = a @ weight.double().T + bias.double()
        a = a.relu() if l < len(maps) else a
    return a


def _check_own(answer: Any, dtype: torch.dtype, x: Tensor, output: Tensor) -> None:
    """Refuse a net that computes something else than the chain of its maps.

    Raises:
        StudentError: If the process ended under it.
        Unusable: If it does, or cannot be run.
    """
    try:
        own = answer.call("forward", x.to(dtype))
    except StudentError as error:
        if error.kind != "raised":
            raise
        raise Unusable(
            f"The returned net does not run on inputs of shape {tuple(x.shape)}: "
            f"{error.type_name}: {error.message}"
        ) from None
    fits = isinstance(own, Tensor) and own.shape == output.shape
    if not (fits and agree(own.double(), output, 1e-3)):
        raise Unusable(
            "The returned net computes something else than its linear maps with a "
            "ReLU between each two. Is there a ReLU after every map but the last, and "
            "nothing else?"
        )
