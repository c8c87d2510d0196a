r"""Plain values as a JSON tree beside raw tensor bytes.

A value that crosses is a plain one: a tensor, a number, text, ``None``, or a list,
tuple or dict of these.  What is none (a `Recipe` inwards, the number of a handle
outwards) goes through ``special``, and is refused where there is none.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

__all__ = ["DTYPES", "Inward", "Sizes", "WireError", "encode", "utf8"]

Inward = Callable[[Any, Callable[[Any], Any]], Any]
DTYPES = {
    str(d).removeprefix("torch."): d
    for d in (
        *(torch.float16, torch.bfloat16, torch.float32, torch.float64),
        *(torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64),
        *(torch.bool, torch.complex64, torch.complex128),
    )
}
MAX_DEPTH = 16
MAX_INT = 2**63


class WireError(ValueError):
    """Report a frame that does not keep to the protocol."""


@dataclass(frozen=True)
class Sizes:
    """Cap what one frame may hold.

    Args:
        header: Bytes of JSON.
        body: Bytes of all tensors.
        elements: Entries of one tensor.
    """

    header: int = 2**20
    body: int = 2**23
    elements: int = 2**20


class Encoder:
    """Turn one value into a JSON tree and a list of byte strings."""

    def __init__(self, special: Inward | None = None):
        self.special = special
        self.table: list[list[Any]] = []
        self.chunks: list[bytes] = []

    def tree(self, value: Any, depth: int = 0) -> Any:
        """Encode a value; what is no plain value goes to ``special``.

        Args:
            value: The value.
            depth: Containers entered so far.

        Returns:
            A tree that JSON can write.

        Raises:
            WireError: If the value cannot be sent.
        """
        if depth > MAX_DEPTH:
            raise WireError("containers are nested too deep")
        if value is None or type(value) in (bool, str, float):
            return value
        if type(value) is int:
            if abs(value) >= MAX_INT:
                raise WireError("an integer has more than 63 bits")
            return value
        if type(value) is complex:
            return {"complex": [value.real, value.imag]}
        if isinstance(value, Tensor):
            return {"tensor": self._tensor(value)}
        if isinstance(value, (list, tuple)):
            kind = "list" if isinstance(value, list) else "tuple"
            return {kind: [self.tree(v, depth + 1) for v in value]}
        if isinstance(value, Mapping):
            pairs = [[str(k), self.tree(v, depth + 1)] for k, v in value.items()]
            return {"dict": pairs}
        if self.special is None:
            raise WireError(f"a {type(value).__name__} cannot be sent")
        return self.special(value, self.tree)

    def _tensor(self, tensor: Tensor) -> int:
        name = str(tensor.dtype).removeprefix("torch.")
        if name not in DTYPES or tensor.layout != torch.strided:
            raise WireError(f"a tensor of type {name}, {tensor.layout} cannot be sent")
        plain = tensor.detach().cpu().resolve_conj().resolve_neg()
        flat = plain.contiguous().reshape(-1)
        self.chunks.append(flat.view(torch.uint8).numpy().tobytes())
        self.table.append([name, list(tensor.shape)])
        return len(self.table) - 1


def encode(
    message: Mapping[str, Any], special: Inward | None = None
) -> tuple[bytes, bytes]:
    """Encode a message whose values are plain.

    Args:
        message: Field names and values.
        special: Makes a node of what is no plain value, given that and what
            encodes a value inside it; refused if ``None``.

    Returns:
        Header and body.

    Example:
        >>> encode({"value": (1, None)})[0]
        b'{"fields":{"value":{"tuple":[1,null]}},"tensors":[]}'
    """
    encoder = Encoder(special)
    fields = {key: encoder.tree(value) for key, value in message.items()}
    content = {"fields": fields, "tensors": encoder.table}
    header = json.dumps(content, separators=(",", ":"))
    return header.encode("utf-8", "replace"), b"".join(encoder.chunks)


def utf8(text: str) -> str:
    """Replace lone surrogates, which no file, database or page can hold.

    Returns:
        Text that UTF-8 can encode.
    """
    return text.encode("utf-8", "replace").decode("utf-8")
