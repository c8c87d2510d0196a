r"""Serve parameters from one process to workers in the others.

Rank 0 holds a ``ParameterServer``; all other ranks are workers, number k at
rank k + 1. A worker sends one vector, its gradient, and gets one back, the
parameters, with a last entry that says whether to go on. Whether it gets them
at once or when its round is over is the server's matter, so a worker does not
know if it works synchronously. The server takes messages from whoever is first.
"""

from collections.abc import Callable
from itertools import count

import torch
import torch.distributed as dist
from torch import Tensor

from ..._validate import check_count
from ..parameter_server import ParameterServer
from ..shards import Gradients
from .all_reduce import pack, unpack

__all__ = ["serve", "work"]

STOP, GO_ON = 0.0, 1.0


def serve(server: ParameterServer, updates: int) -> ParameterServer:
    r"""Answer workers until so many updates are made, then send all home.

    Args:
        server: The state; its ``workers`` must be one less than the processes.
        updates: How many, ≥ 0.

    Returns:
        The server: its ``params`` are the result, its ``log`` the story.

    Raises:
        ValueError: If the number of workers is not that of the other processes.

    References:
        Li et al. (2014), Scaling distributed machine learning with the
        parameter server, OSDI.
    """
    others = dist.get_world_size() - 1
    if server.workers != others:
        raise ValueError(
            f"server: expected workers={others}, one for each other process, got "
            f"{server.workers}"
        )
    end = server.version + check_count("updates", updates, least=0)
    waiting, at_work = set(range(others)), set[int]()
    message = torch.zeros_like(pack(server.params))
    while server.version < end:
        for k in sorted(filter(server.may_pull, waiting)):
            _answer(server, k, GO_ON)
            waiting.remove(k)
            at_work.add(k)
        k = dist.recv(message) - 1
        server.push(k, unpack(message.clone(), server.params))
        at_work.remove(k)
        waiting.add(k)
    for _ in range(len(at_work)):  # what was still under way comes too late
        waiting.add(dist.recv(message) - 1)
    for k in sorted(waiting):
        _answer(server, k, STOP)
    return server


def work(
    gradient: Callable[[dict[str, Tensor], int], Gradients],
    like: dict[str, Tensor],
) -> dict[str, Tensor]:
    r"""Compute gradients for the server at rank 0 until it says stop.

    Args:
        gradient: ``gradient(params, k)`` returns the k-th gradient by name,
            k = 0, 1, …
        like: Tensors with the names, shapes and types of the parameters.

    Returns:
        The last parameters that the server sent.

    Raises:
        ValueError: If the gradient has other names than the parameters.
    """
    template = pack(like)
    message = torch.cat([template, template.new_zeros(1)])
    for k in count():
        dist.recv(message, 0)
        params = unpack(message[:-1].clone(), like)
        if message[-1] == STOP:
            break
        grads = gradient(params, k)
        if set(grads) != set(like):
            raise ValueError(f"gradient: expected {sorted(like)}, got {sorted(grads)}")
        dist.send(pack({name: grads[name].detach() for name in like}), 0)
    return params


def _answer(server: ParameterServer, worker: int, flag: float) -> None:
    params = server.pull(worker) if flag == GO_ON else server.params
    vector = pack(params)
    dist.send(torch.cat([vector, vector.new_tensor([flag])]), worker + 1)
