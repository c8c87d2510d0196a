r"""Rebuild values from a frame, believing nothing in it.

This is what stands between the coordinator and a process that may be hostile: sizes are
checked before anything is allocated, every node of the tree is rebuilt by its tag, and
whatever does not fit is a `WireError`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from coursekit.labs.grading.values import (
    DTYPES,
    MAX_DEPTH,
    MAX_INT,
    Sizes,
    WireError,
    utf8,
)

__all__ = ["Decoder", "Outward"]

Outward = Callable[[str, Any, Callable[[Any], Any]], Any]
MAX_DIMS = 8


class Decoder:
    """Rebuild a message from a header and a body that nobody vouches for.

    Args:
        special: Called with the tag and the content of a node that is no plain
            value, and with what decodes a node inside it; without it such a node
            is an error.
        sizes: Caps; only ``elements`` matters here.

    Example:
        >>> from coursekit.labs.grading.values import encode
        >>> Decoder().message(*encode({"value": [True, torch.ones(2)]}))
        {'value': [True, tensor([1., 1.])]}
    """

    def __init__(
        self,
        special: Outward | None = None,
        sizes: Sizes | None = None,
    ):
        self.special = special
        self.sizes = sizes or Sizes()
        self.tensors: list[Tensor | None] = []

    def message(self, header: bytes, body: bytes) -> dict[str, Any]:
        """Decode one frame.

        Args:
            header: JSON.
            body: Bytes of the tensors.

        Returns:
            Field names and values.

        Raises:
            WireError: If anything in it is not as `encode` writes it.
        """
        try:
            content = json.loads(header)
        except (ValueError, RecursionError):
            raise WireError("the header is no JSON") from None
        if not isinstance(content, dict) or content.keys() != {"fields", "tensors"}:
            raise WireError("the header has other fields")
        fields, table = content["fields"], content["tensors"]
        if not isinstance(fields, dict) or not isinstance(table, list):
            raise WireError("the header's fields have other types")
        self.tensors = [*self._tensors(table, memoryview(body))]
        return {utf8(key): self.value(node) for key, node in fields.items()}

    def value(self, node: Any, depth: int = 0) -> Any:
        """Rebuild one node of the tree.

        Args:
            node: What JSON gave.
            depth: Containers entered so far.

        Returns:
            A plain value, or what ``special`` makes of the node.

        Raises:
            WireError: If the node is malformed.
        """
        if depth > MAX_DEPTH:
            raise WireError("containers are nested too deep")
        if node is None or isinstance(node, (bool, float)):
            return node
        if isinstance(node, int):
            if abs(node) >= MAX_INT:
                raise WireError("an integer has more than 63 bits")
            return node
        if isinstance(node, str):
            return utf8(node)
        if not isinstance(node, dict) or len(node) != 1:
            raise WireError("a node has no single tag")
        ((tag, content),) = node.items()
        return self._tagged(tag, content, depth)

    def _tagged(self, tag: str, content: Any, depth: int) -> Any:
        if tag == "tensor":
            return self._take(content)
        if tag not in ("list", "tuple", "dict", "complex"):
            if self.special is None:
                raise WireError("a node has an unknown tag")
            return self.special(tag, content, self.value)
        if not isinstance(content, list):
            raise WireError("the content of a container is no list")
        if tag == "dict":
            return dict(self._pair(pair, depth) for pair in content)
        values = [self.value(v, depth + 1) for v in content]
        if tag == "complex":
            if [type(v) for v in values] != [float, float]:
                raise WireError("a complex number is not two floats")
            return complex(*values)
        return values if tag == "list" else tuple(values)

    def _take(self, index: Any) -> Tensor:
        """Take a tensor, once: told of often, a small frame would be a huge value.

        Returns:
            The tensor.

        Raises:
            WireError: If it is not there, or taken already.
        """
        if type(index) is int and 0 <= index < len(self.tensors):
            tensor, self.tensors[index] = self.tensors[index], None
            if tensor is not None:
                return tensor
        raise WireError("a tensor is not in the table, or told of twice")

    def _pair(self, pair: Any, depth: int) -> tuple[str, Any]:
        if not isinstance(pair, list) or len(pair) != 2:
            raise WireError("an entry of a dict is no pair")
        if not isinstance(pair[0], str):
            raise WireError("the key of a dict is no text")
        return utf8(pair[0]), self.value(pair[1], depth + 1)

    def _tensors(self, table: list[Any], body: memoryview) -> list[Tensor]:
        tensors, start = [], 0
        for entry in table:
            dtype, shape = self._shape(entry)
            stop = start + math.prod(shape) * dtype.itemsize
            if stop > len(body):
                raise WireError("a tensor is longer than the body")
            tensors.append(_tensor(bytearray(body[start:stop]), dtype, shape))
            start = stop
        if start != len(body):
            raise WireError("the body is longer than its tensors")
        return tensors

    def _shape(self, entry: Any) -> tuple[torch.dtype, list[int]]:
        if not isinstance(entry, list) or len(entry) != 2:
            raise WireError("an entry of the tensor table is no pair")
        name, shape = entry
        if not isinstance(name, str) or name not in DTYPES:
            raise WireError("a tensor has an unknown dtype")
        if not isinstance(shape, list) or len(shape) > MAX_DIMS:
            raise WireError(f"a tensor has more than {MAX_DIMS} axes")
        if any(type(d) is not int or d < 0 for d in shape):
            raise WireError("a tensor has a size that is no count")
        if math.prod(max(d, 1) for d in shape) > self.sizes.elements:
            raise WireError(f"a tensor has more than {self.sizes.elements} entries")
        return DTYPES[name], shape


def _tensor(data: bytearray, dtype: torch.dtype, shape: list[int]) -> Tensor:
    if not data:
        return torch.empty(shape, dtype=dtype, device="cpu")
    if dtype == torch.bool:  # a byte other than 0 and 1 is no bool that torch expects
        return (torch.frombuffer(data, dtype=torch.uint8) != 0).reshape(shape)
    return torch.frombuffer(data, dtype=dtype).reshape(shape)
