"""How much `import coursekit` adds to a bare interpreter, beside what torch adds.

Run `python benchmarks/imports.py`. Each time is the median of several fresh
interpreters, taken in turn so that a busy machine slows all alike.
"""

import statistics
import subprocess
import sys
import time

STATEMENTS = {
    "bare interpreter": "pass",
    "import coursekit": "import coursekit",
    "coursekit.notation": "import coursekit; coursekit.notation",
    "import numpy": "import numpy",
    "coursekit.init": "import coursekit; coursekit.init",
}
RUNS = 9
PROMISE_MS = 50


def milliseconds(statement: str) -> float:
    """Wall time of one fresh interpreter that runs the statement."""
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", statement], check=True)
    return 1000 * (time.perf_counter() - start)


def main() -> None:
    """Print a table of medians and what each adds to a bare interpreter."""
    times = {name: [] for name in STATEMENTS}
    for _ in range(RUNS):
        for name, statement in STATEMENTS.items():
            times[name].append(milliseconds(statement))
    bare = statistics.median(times["bare interpreter"])
    print(f"{'':22}{'median ms':>10}{'over bare':>11}")
    for name, values in times.items():
        median = statistics.median(values)
        print(f"{name:22}{median:10.1f}{median - bare:11.1f}")
    added = statistics.median(times["import coursekit"]) - bare
    print(f"promise: < {PROMISE_MS} ms over bare; measured {added:.1f} ms")


if __name__ == "__main__":
    main()
