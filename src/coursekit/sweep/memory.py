r"""Know how much memory there is, and when it was not enough.

A block that runs out of memory is cut in half and tried again, because a model
alone takes less than many side by side. What no cutting can help gets an error
that says what to lower.
"""

from __future__ import annotations

import os
from pathlib import Path

import torch

__all__ = ["available", "check_memory", "is_out_of_memory", "too_large"]

# limit, usage, statistics, and the entry of what the kernel would give back
CGROUPS = (
    ("memory.max", "memory.current", "memory.stat", "inactive_file"),
    (
        *("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes"),
        *("memory/memory.stat", "total_inactive_file"),
    ),
)
# what the allocators of torch, NumPy and the C++ library say
WORDS = ("can't allocate memory", "out of memory", "bad_alloc", "Cannot allocate")
LESS = "batch_size, the width or the depth of the model"


def is_out_of_memory(error: BaseException) -> bool:
    """Tell whether an exception says that memory ran out.

    Args:
        error: What was raised.

    Returns:
        True for ``MemoryError`` and for what torch raises in its place.

    Example:
        >>> is_out_of_memory(RuntimeError("[alloc] can't allocate memory: 8 bytes"))
        True
        >>> is_out_of_memory(RuntimeError("shapes cannot be multiplied"))
        False
    """
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and any(w in str(error) for w in WORDS)


def available(device: torch.device, root: Path = Path("/")) -> int | None:
    """Count the bytes that could be taken now.

    Args:
        device: Where.
        root: Where the kernel's files are.

    Returns:
        The least that system, container and process leave; None if nobody says.
    """
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    known = (_system(root), *_containers(root), _process(root))
    return min((n for n in known if n is not None), default=None)


def _system(root: Path) -> int | None:
    try:
        for line in (root / "proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return None


def _containers(root: Path) -> list[int]:
    found, place = [], root / "sys/fs/cgroup"
    for limit, usage, statistics, entry in CGROUPS:
        try:
            room = int((place / limit).read_text()) - int((place / usage).read_text())
        except (OSError, ValueError):  # no such file, or the limit is "max"
            continue
        try:
            lines = (place / statistics).read_text().splitlines()
            room += sum(int(x.split()[1]) for x in lines if x.split()[0] == entry)
        except OSError:
            pass
        found.append(max(0, room))
    return found


def _process(root: Path) -> int | None:
    try:
        import resource

        limit, _ = resource.getrlimit(resource.RLIMIT_AS)
        pages = int((root / "proc/self/statm").read_text().split()[0])
    except (ImportError, OSError, ValueError):
        return None
    if limit == resource.RLIM_INFINITY:
        return None
    return max(0, limit - pages * os.sysconf("SC_PAGE_SIZE"))


def check_memory(
    memory: int | None, one: int, workers: int, device: torch.device
) -> None:
    """Refuse to begin what cannot be held.

    Args:
        memory: Bytes that a block may take; None if the user did not say.
        one: Bytes of the largest model in training.
        workers: Blocks at a time.
        device: Where.

    Raises:
        MemoryError: If it is more than there is.
    """
    there = available(device)
    if there is None:
        return
    if memory is not None and memory * workers > there:
        raise MemoryError(
            f"memory: {workers} x {size(memory)} asked for, {size(there)} there; lower "
            f"{'memory= or workers=' if workers > 1 else 'memory='}"
        )
    if one > there:
        raise MemoryError(too_large(one, there))


def too_large(one: int, there: int) -> str:
    """Write the error about a model that is too large.

    Args:
        one: Bytes that it takes.
        there: Bytes that there are.

    Returns:
        The message.
    """
    return (
        f"memory: one model in training takes about {size(one)}, and {size(there)} "
        f"are there; lower {LESS}"
    )


def size(n: int) -> str:
    """Write a number of bytes.

    Args:
        n: The number.

    Returns:
        A text such as ``"1.5 GB"``.

    Example:
        >>> size(3 * 2**29), size(512)
        ('1.5 GB', '512 B')
    """
    for power, unit in ((40, "TB"), (30, "GB"), (20, "MB"), (10, "KB")):
        if n >= 2**power:
            return f"{n / 2**power:.1f} {unit}"
    return f"{n} B"
