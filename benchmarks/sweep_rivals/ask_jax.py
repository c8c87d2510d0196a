"""Ask the program that trains by JAX, where JAX can be imported."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

__all__ = ["Jax"]


class Jax:
    """Keep ``with_jax.py`` running; without JAX every answer is None."""

    def __init__(self) -> None:
        self.process = None
        if importlib.util.find_spec("jax") is None:
            print("JAX is not installed: its columns are left out")
            return
        program = Path(__file__).parent / "with_jax.py"
        pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        env = {k: v for k, v in os.environ.items() if not k.startswith("OMP_")}
        words = [sys.executable, program]
        self.process = subprocess.Popen(words, env=env, text=True, **pipes)

    def ask(self, **request: Any) -> list[float] | None:
        """Send a request and wait for its seconds."""
        if self.process is None or not request["net"]:
            return None
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        print(json.dumps(request), file=self.process.stdin, flush=True)
        return json.loads(self.process.stdout.readline())
