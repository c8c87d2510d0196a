r"""Join a group of processes, and leave it with a clear word if one is lost.

``torchrun`` tells each process its rank and where to meet in environment
variables. Two things go wrong in practice. gloo asks the host's name for an
address, which on many machines resolves to nowhere: on a single machine it is
told to use the loopback device. And a call that waits for a process that is
gone waits for half an hour by default: here it is a minute, and then an error
that says what happened.
"""

import os
import socket
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import torch.distributed as dist

from ..._validate import check_positive
from ..processes import WorkerLost, run_processes

__all__ = ["launch", "process_group"]

LOOPBACK = ("127.0.0.1", "localhost", "::1")


@contextmanager
def process_group(
    timeout: float = 60.0, backend: str = "gloo"
) -> Generator[int, None, None]:
    r"""Join the group that the environment names, for the length of a block.

    Args:
        timeout: Seconds > 0 to wait for another process in any one call.
        backend: ``"gloo"`` for the CPU, ``"nccl"`` for GPUs.

    Yields:
        The rank of this process.

    Raises:
        RuntimeError: If the process was not started by ``torchrun`` or
            ``launch``.
        WorkerLost: If another process died or did not answer in time.
        ValueError: If the timeout is not positive.

    Example:
        >>> launch(rank_times_ten, workers=2)
        [0, 10]
    """
    limit = timedelta(seconds=check_positive("timeout", timeout))
    missing = {"RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT"} - set(os.environ)
    if missing:
        raise RuntimeError(
            f"process_group: expected {sorted(missing)} in the environment; start the "
            "program by python -m torch.distributed.run --standalone "
            "--nproc-per-node 2 -m MODULE"
        )
    if _one_machine():
        os.environ.setdefault("GLOO_SOCKET_IFNAME", _loopback_device())
    rank = int(os.environ["RANK"])
    try:
        dist.init_process_group(backend, timeout=limit)
        yield rank
        # who leaves first closes its connections: nobody may still need them
        dist.barrier()
    except RuntimeError as error:
        if not _says_lost(error):
            raise
        raise WorkerLost(
            f"rank {rank}: another process died or did not answer within "
            f"{timeout:g} s; look at what the others printed first"
        ) from error
    finally:
        if dist.is_initialized():
            dist.destroy_process_group()


def launch(
    function: Callable[..., Any],
    workers: int,
    args: Sequence[Any] = (),
    *,
    timeout: float = 120.0,
) -> list[Any]:
    r"""Call ``function(*args)`` in P processes that form a group.

    Args:
        function: A function of an importable module, which calls
            ``process_group`` itself.
        workers: P ≥ 1.
        args: Its arguments, the same for all.
        timeout: Seconds > 0 that all of it may take.

    Returns:
        Results by rank.

    Raises:
        WorkerLost: If a process died, raised an error or took too long.
        ValueError: If an argument is out of its range.

    Example:
        >>> launch(rank_times_ten, workers=2)
        [0, 10]
    """
    # port 0 is one that is free, whoever else looks for one
    store = dist.TCPStore(  # pyright: ignore[reportPrivateImportUsage]
        "127.0.0.1", 0, is_master=True, wait_for_workers=False
    )

    def env(rank: int) -> dict[str, str]:
        return {
            "RANK": str(rank),
            "LOCAL_RANK": str(rank),
            "WORLD_SIZE": str(workers),
            "MASTER_ADDR": "127.0.0.1",
            "MASTER_PORT": str(store.port),
            "TORCHELASTIC_USE_AGENT_STORE": "True",  # the store is here, not at rank 0
        }

    return run_processes(
        _without_rank, workers, (function, tuple(args)), timeout=timeout, env=env
    )


def rank_times_ten() -> int:
    """Join the group and return ten times the rank, as an example.

    Returns:
        The product.
    """
    with process_group() as rank:
        return 10 * rank


def _without_rank(rank: int, function: Callable[..., Any], args: Sequence[Any]) -> Any:
    return function(*args)


def _one_machine() -> bool:
    local = os.environ.get("LOCAL_WORLD_SIZE") == os.environ["WORLD_SIZE"]
    return local or os.environ["MASTER_ADDR"] in LOOPBACK


def _loopback_device() -> str:
    names = [name for _, name in socket.if_nameindex()]
    return next((name for name in names if name.startswith("lo")), "lo")


def _says_lost(error: RuntimeError) -> bool:
    words = ("connection closed", "timed out", "timeout", "gloo", "reset by peer")
    text = str(error).lower()
    return isinstance(error, dist.DistError) or any(word in text for word in words)
