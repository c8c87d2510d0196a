"""Measure the build of the book from stored outputs, and the size of its pages."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def main() -> None:
    """Build once and list the largest pages."""
    start = time.perf_counter()
    command = [sys.executable, ROOT / "tools" / "task.py", "book"]
    subprocess.run(command, check=True, cwd=ROOT, capture_output=True)
    elapsed = time.perf_counter() - start
    print(f"make book: {elapsed:.0f} s, {elapsed / 90:.2f} of the 90 s allowed")
    html = ROOT / "_build" / "html"
    sizes = sorted(((p.stat().st_size, p) for p in html.rglob("*.html")), reverse=True)
    for size, path in sizes[:3]:
        share = size / 2_500_000
        print(f"{path.relative_to(html)}: {size / 1e6:.2f} MB, {share:.2f} of 2.5 MB")


if __name__ == "__main__":
    main()
