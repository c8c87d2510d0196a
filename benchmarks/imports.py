"""Measure what `import coursekit` costs above a bare Python start."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

REPEATS = 15
LOADED = (
    "import coursekit, sys; print([m for m in ('torch', 'numpy') if m in sys.modules])"
)


def seconds(program: str) -> float:
    """Time one fresh interpreter."""
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", program], check=True, capture_output=True)
    return time.perf_counter() - start


def main() -> None:
    """Alternate the two programs, so that a busy moment hits both."""
    pairs = [(seconds("pass"), seconds("import coursekit")) for _ in range(REPEATS)]
    bare = statistics.median(pair[0] for pair in pairs)
    extra = statistics.median(pair[1] - pair[0] for pair in pairs)
    print(
        f"bare Python {bare * 1000:.0f} ms; import coursekit adds {extra * 1000:.1f} ms"
    )
    print(f"ratio {(bare + extra) / bare:.2f}; expected: less than 50 ms more")
    loaded = subprocess.run(
        [sys.executable, "-c", LOADED], check=True, capture_output=True, text=True
    )
    print(f"heavy modules loaded by it: {loaded.stdout.strip()} (expected: [])")


if __name__ == "__main__":
    main()
