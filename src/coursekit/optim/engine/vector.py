r"""Lay parameters out as one vector, with their gradients and states beside them.

Twenty small tensors cost twenty calls an operation, one vector of them costs one. So
small tensors share flat buffers: gradients and parameters are copied in and out by one
call each, and the state of each parameter *is* a view of the buffer, so that it needs
no copy, and is saved and loaded in the parameter's own shape. A single long tensor
without gaps is its own vector, and nothing is copied.
"""

from collections.abc import Sequence
from operator import is_
from typing import Any

import torch
from torch import Tensor

from ..rule import Rule

__all__ = ["PIECE", "Vector", "joined", "same"]

# Elements that are worked on at once. So many stay in the cache, and are what torch
# gives one thread: to share a short operation costs more than it saves.
PIECE = 2**15


class Vector:
    r"""Hold parameters of one dtype and device as one vector.

    Args:
        members: The parameters.

    Attributes:
        g: Gradients ``[p]``.
        theta: Parameters ``[p]``.
        state: State tensors ``[p]`` by name.
        scalars: Entries of the state that are one number a vector.
        sizes: Number of elements of each member.

    Example:
        >>> members = [torch.ones(2, 2), torch.zeros(1)]
        >>> states = [{"m": torch.full_like(x, 3.0)} for x in members]
        >>> vector = Vector(members)
        >>> vector.load([x + 1 for x in members], states, ())
        >>> vector.theta, vector.state["m"]
        (tensor([1., 1., 1., 1., 0.]), tensor([3., 3., 3., 3., 3.]))
        >>> vector.state["m"].neg_()
        tensor([-3., -3., -3., -3., -3.])
        >>> states[1]["m"]
        tensor([-3.])
    """

    def __init__(self, members: Sequence[Tensor]) -> None:
        self.members = list(members)
        self.sizes = [theta.numel() for theta in members]
        self.whole = len(members) == 1 and members[0].is_contiguous()
        self.state: dict[str, Tensor] = {}
        self.scalars: dict[str, Any] = {}
        self._flat: dict[str, tuple[Tensor, list[Tensor]]] = {}
        if not self.whole:
            self.g, self._gs = self._buffer()
            self.theta, self._thetas = self._buffer()

    def _buffer(self) -> tuple[Tensor, list[Tensor]]:
        flat = self.members[0].detach().new_zeros(sum(self.sizes))
        pairs = zip(flat.split(self.sizes), self.members, strict=True)
        return flat, [part.view(theta.shape) for part, theta in pairs]

    def load(
        self, gs: list[Tensor], states: list[dict[str, Any]], scalars: Sequence[str]
    ) -> None:
        """Take in gradients, parameters and states.

        Args:
            gs: Gradients of the members.
            states: Their states; a tensor that is no view of the buffers yet is
                replaced by one that is.
            scalars: Names of what is one number a vector.
        """
        self.states = states
        if self.whole:
            self.theta = self.members[0].detach().view(-1)
            self.g = gs[0].reshape(-1)
        else:
            torch._foreach_copy_(self._gs, gs)  # pyright: ignore[reportPrivateImportUsage]
            torch._foreach_copy_(self._thetas, self.members)  # pyright: ignore[reportPrivateImportUsage]
        self.scalars = {name: states[0][name] for name in scalars if name in states[0]}
        self.state = {}
        for name in states[0].keys() - {"step", *scalars}:
            self._adopt(name)

    def _adopt(self, name: str) -> None:
        own = [state[name] for state in self.states]
        if self.whole:
            self.states[0][name] = own[0].contiguous()
            self.state[name] = self.states[0][name].view(-1)
            return
        flat, views = self._flat.get(name) or self._buffer()
        # The state may have been loaded, or another vector's, since the last time.
        if any(a is not b for a, b in zip(own, views, strict=True)):
            torch._foreach_copy_(views, own)  # pyright: ignore[reportPrivateImportUsage]
            for state, view in zip(self.states, views, strict=True):
                state[name] = view
        self._flat[name], self.state[name] = (flat, views), flat

    def room(self, name: str) -> Tensor:
        """Make a new entry of the state, of zeros.

        Args:
            name: Its name.

        Returns:
            A vector ``[p]``.
        """
        for state, theta in zip(self.states, self.members, strict=True):
            state[name] = torch.zeros_like(theta, memory_format=torch.contiguous_format)
        self._adopt(name)
        return self.state[name]

    def store(self) -> None:
        """Put the parameters back."""
        if not self.whole:
            torch._foreach_copy_(self.members, self._thetas)  # pyright: ignore[reportPrivateImportUsage]


def joined(members: Sequence[Tensor], rule: Rule) -> list[Vector]:
    r"""Make vectors of parameters: short neighbours joined, long ones alone.

    Args:
        members: Parameters of one dtype and device.
        rule: The rule that will update them.

    Returns:
        The vectors, in the order of the parameters.

    Example:
        >>> from coursekit.optim import adam
        >>> vectors = joined([torch.ones(n) for n in (3, 4, 10**6, 5)], adam)
        >>> [vector.sizes for vector in vectors]
        [[3, 4], [1000000], [5]]
    """
    groups: list[list[Tensor]] = []
    room = 0
    for theta in members:
        room -= theta.numel()
        if not groups or (room < 0 and rule.pieces):
            groups.append([])
            room = PIECE - theta.numel()
        groups[-1].append(theta)
    return [Vector(group) for group in groups]


def same(members: Sequence[Tensor], vectors: Sequence[Vector]) -> bool:
    """Say whether vectors are made of these parameters.

    Args:
        members: Parameters.
        vectors: What ``joined`` returned earlier.

    Returns:
        Whether they can be used again.
    """
    own = [theta for vector in vectors for theta in vector.members]
    return len(own) == len(members) and all(map(is_, own, members))
