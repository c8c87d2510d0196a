"""A pytest plugin that has nbval reach its kernels through files, not through ports.

Each kernel chooses free ports before it opens them, so of two that start at the same
time one may find its port taken and end.  Socket files in a folder of its own cannot
collide, and no other user of the machine reaches them.
"""

from __future__ import annotations

import atexit
import shutil
import tempfile
from typing import Any

import pytest


def kernel_manager(**settings: Any) -> Any:
    """Make a kernel manager as nbval does, but with socket files."""
    from jupyter_client.manager import KernelManager

    folder = tempfile.mkdtemp(prefix="kernel-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    files = {"connection_file": f"{folder}/kernel.json", "ip": f"{folder}/kernel"}
    return KernelManager(transport="ipc", **files, **settings)


def pytest_configure(config: pytest.Config) -> None:
    """Put it where nbval looks."""
    from nbval import kernel

    kernel.KernelManager = kernel_manager
