"""Time sweeps of small nets against every other way to train them, in one run.

``--quick`` takes fewer sizes and repeats. JAX takes part where it can be imported::

    pip install --target rivals jax
    PYTHONPATH=rivals python benchmarks/sweep.py
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import statistics
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any

import torch
from sweep_rivals.bursts import Burst, looped, mapped, ours, twice
from sweep_rivals.calls import CALLS, STEPS, call, estimate
from sweep_rivals.cases import CASES, Case, flops

from coursekit.sweep.workers import default_workers

COUNTS = [8, 32, 128, 512]
BUDGET = 0.2
CORES = default_workers()


class Jax:
    """Ask the program beside this one; without JAX every answer is None."""

    def __init__(self) -> None:
        self.process = None
        if importlib.util.find_spec("jax") is None:
            print("JAX is not installed: its columns are left out")
            return
        program = Path(__file__).parent / "sweep_rivals" / "with_jax.py"
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


def gemm() -> float:
    """Measure products of 512 × 512 matrices on one core, in operations a second."""
    a, times = torch.randn(512, 512), []
    for _ in range(15):
        start = time.perf_counter()
        for _ in range(5):
            torch.mm(a, a)
        times.append((time.perf_counter() - start) / 5)
    return 2 * 512**3 / min(times)


def length(burst: Burst, count: int) -> int:
    """Choose a number of updates that fills the time of one repeat."""
    return max(4, min(400, round(BUDGET / max(burst(4) * count, 1e-6))))


def settled(times: list[float]) -> float:
    """Return the least of the medians of three, as other programs only add time."""
    groups = [times[i : i + 3] for i in range(0, len(times), 3)]
    return min(statistics.median(group) for group in groups)


def race(bursts: dict[str, tuple[Burst, int]], repeats: int) -> dict[str, list[float]]:
    """Alternate the rivals, so that a busy moment hits all."""
    lengths = {name: length(*pair) for name, pair in bursts.items()}
    times: dict[str, list[float]] = {name: [] for name in bursts}
    for _ in range(repeats):
        for name, (burst, _) in bursts.items():
            times[name].append(burst(lengths[name]))
    return times


def speed(case: Case, count: int, repeats: int, jax: Jax) -> tuple[str, float, float]:
    """Compare all ways to train ``count`` models with Adam."""
    bursts = {
        "loop": (looped(case), 1),
        "fused": (looped(case, fused=True), 1),
        "processes": (twice(partial(looped, case), CORES), 1),
        "vmap": (mapped(case, count), count),
        "one": (ours(case, count, 1), count),
        "all": (ours(case, count, CORES), count),
    }
    raw = race(bursts, repeats)
    times = {name: settled(values) for name, values in raw.items()}
    loop = times["loop"]
    updates = max(10, round(BUDGET / (times["one"] * count)))
    words = {"net": case.jax, "batch": case.batch, "count": count, "updates": updates}
    answers = [jax.ask(**words) for _ in range(2 if repeats > 3 else 1)]
    cells = [loop / times[name] for name in list(times)[1:]]
    text = f"{count:4}  {1e6 * loop:8.0f} " + "".join(f"{cell:9.1f}" for cell in cells)
    known = [answer for answer in answers if answer is not None]
    if known:
        again = min(answer[1] for answer in known)
        compiling = min(answer[0] - answer[1] for answer in known)
        each = again / updates / count
        whole = each + compiling / count / 500
        text += f"{loop / each:9.1f}{loop / whole:9.1f}"
    spread = statistics.median(raw["loop"]) / min(raw["loop"])
    return text, flops(case) / times["one"], spread


def throughput(counts: list[int], repeats: int, jax: Jax) -> None:
    """Print the table of Adam's updates."""
    rate = gemm()
    print(
        "\nAdam: µs an update of one model in the plain loop, and how many times faster"
    )
    print(
        f"{'K':>4}  {'loop, µs':>9}{'fused':>9}{f'{CORES} proc.':>9}{'vmap':>9}"
        f"{'ours, 1':>9}{f'ours, {CORES}':>9}{'JAX':>9}{'+ jit':>9}{'of GEMM':>9}"
    )
    for name, case in CASES.items():
        print(name)
        for count in counts:
            text, done, spread = speed(case, count, repeats, jax)
            rate = max(rate, gemm())
            print(f"{text:<76}{done / rate:9.0%}   (loop {spread:.2f}× its best)")
    print(f"GEMM: 512 × 512 matrices on one core, {rate / 1e9:.0f} GFLOP/s")


def others(repeats: int) -> None:
    """Print a line for momentum and one for a mix of five optimizers."""
    case = CASES["64-64-64-10, batch 32"]
    print("\n64-64-64-10, batch 32, K = 128, other optimizers")
    for name, words in (("sgdm", {"momentum": 0.9}), ("mix", {"momentum": 0.9})):
        bursts = {
            "loop": (looped(case, "SGD", **words), 1),
            "one": (ours(case, 128, 1, name), 128),
            "all": (ours(case, 128, CORES, name), 128),
        }
        times = {k: settled(v) for k, v in race(bursts, repeats).items()}
        ratios = "".join(f"{times['loop'] / times[k]:9.1f}" for k in ("one", "all"))
        print(f"{name:5} against a loop of SGDM {1e6 * times['loop']:6.0f} µs {ratios}")


def calls(repeats: int, jax: Jax) -> None:
    """Print the seconds of whole sweeps."""
    print(f"\nWhole sweeps of {STEPS} updates, in s from the call to the result")
    print(f"{'':54}{'loop*':>7}{'ours':>7}{'JAX':>7}   * estimated from 10 updates")
    for name, make in CALLS.items():
        planned = make()
        times, rival = [], []
        for _ in range(repeats):
            times.append(call(planned, CORES))
            parts = [
                jax.ask(
                    net=part.jax,
                    batch=part.batch,
                    count=part.count,
                    updates=STEPS,
                    once=True,
                )
                for part in planned.parts
            ]
            rival.append(sum(part[0] for part in parts if part))
        text = f"{min(rival):7.1f}" if min(rival) else ""
        print(f"{name:54}{estimate(planned):7.1f}{min(times):7.2f}{text}")


def main() -> None:
    """Read the options and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="K = 32, three repeats")
    parser.add_argument("--repeats", type=int, help="instead of 9, or 3 if quick")
    parser.add_argument("--only", default="", help="cases whose name contains this")
    options = parser.parse_args()
    torch.set_num_threads(1)
    for name in [name for name in CASES if options.only not in name]:
        del CASES[name]
    repeats = options.repeats or (3 if options.quick else 9)
    jax = Jax()
    throughput([32] if options.quick else COUNTS, repeats, jax)
    if not options.only:
        others(repeats)
        calls(2 if options.quick else 3, jax)


if __name__ == "__main__":
    main()
