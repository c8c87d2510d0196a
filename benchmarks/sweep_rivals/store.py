"""Keep measured rows in a file, so that a long table can be made piece by piece."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

__all__ = ["Store"]


class Store:
    """Hold rows by their names; with a path, across runs.

    Args:
        path: A file with a row a line, as JSON; None to forget at the end.
    """

    def __init__(self, path: Path | None) -> None:
        self.path = path
        lines = path.read_text().splitlines() if path and path.exists() else []
        self.rows = dict(json.loads(line) for line in lines)

    def get(self, *name: Any) -> dict[str, Any] | None:
        """Look a row up; None if it has not been measured."""
        return self.rows.get("|".join(map(str, name)))

    def put(self, row: dict[str, Any], *name: Any) -> dict[str, Any]:
        """Keep a row, at once, as the next may be interrupted."""
        key = "|".join(map(str, name))
        self.rows[key] = row
        if self.path:
            with self.path.open("a") as file:
                print(json.dumps([key, row]), file=file)
        return row
