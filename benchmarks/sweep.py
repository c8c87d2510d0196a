"""Time sweeps of small nets against every other way to train them, in one run.

``--quick`` takes fewer sizes and repeats; ``--case`` and ``--k`` take a part. With
``--store FILE`` each row is kept as soon as it is measured, and not measured again:
an interrupted table goes on where it was. JAX takes part where it can be imported::

    pip install --target rivals jax
    PYTHONPATH=rivals python benchmarks/sweep.py --store rows.jsonl
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch
from sweep_rivals.ask_jax import Jax
from sweep_rivals.bursts import Burst, looped, mapped, ours, twice
from sweep_rivals.calls import CALLS, STEPS, Call, call, estimate
from sweep_rivals.cases import CASES, Case, flops
from sweep_rivals.store import Store

from coursekit.sweep.workers import default_workers

COUNTS = [8, 32, 128, 512]
BUDGET = 0.2
CORES = default_workers()
COLUMNS = ["fused", "processes", "vmap", "one", "all", "jax", "jit"]
Row = dict[str, Any]


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


def speed(case: Case, count: int, repeats: int, jax: Jax) -> Row:
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
    row = {name: settled(values) for name, values in raw.items()}
    updates = max(10, round(BUDGET / (row["one"] * count)))
    words = {"net": case.jax, "batch": case.batch, "count": count, "updates": updates}
    answers = [jax.ask(**words) for _ in range(2 if repeats > 3 else 1)]
    known = [answer for answer in answers if answer is not None]
    if known:
        row["jax"] = min(answer[1] for answer in known) / updates / count
        compiling = min(answer[0] - answer[1] for answer in known)
        row["jit"] = row["jax"] + compiling / count / 500
    row["spread"] = statistics.median(raw["loop"]) / min(raw["loop"])
    return {**row, "done": flops(case) / row["one"], "gemm": gemm()}


def throughput(names: list[str], counts: list[int], store: Store, measure: Any) -> None:
    """Print the table of Adam's updates."""
    print("\nAdam: µs an update of one model in the plain loop, and how many times")
    print(f"faster; the share of {gemm() / 1e9:.0f} GFLOP/s, a product's on one core")
    heads = ["fused", f"{CORES} proc.", "vmap", "ours, 1", f"ours, {CORES}", "JAX"]
    heads = [*heads, "+ jit", "of GEMM"]
    print(f"{'K':>4}  {'loop, µs':>9}" + "".join(f"{head:>9}" for head in heads))
    for name in names:
        print(name)
        for count in counts:
            row = store.get(name, count)
            if row is None:
                row = store.put(measure(CASES[name], count), name, count)
            faster = [row["loop"] / row[c] if c in row else None for c in COLUMNS]
            cells = [" " * 9 if x is None else f"{x:9.1f}" for x in faster]
            print(
                f"{count:4}  {1e6 * row['loop']:8.0f} {''.join(cells)}"
                f"{row['done'] / row['gemm']:9.0%}"
                f"   (loop {row['spread']:.2f}× its best)",
                flush=True,
            )


def others(repeats: int) -> Row:
    """Compare momentum, and a mix of five optimizers, with a loop of SGDM."""
    case, row = CASES["64-64-64-10, batch 32"], {}
    for name in ("sgdm", "mix"):
        bursts = {
            "loop": (looped(case, "SGD", momentum=0.9), 1),
            "one": (ours(case, 128, 1, name), 128),
            "all": (ours(case, 128, CORES, name), 128),
        }
        times = {k: settled(v) for k, v in race(bursts, repeats).items()}
        row[name] = [times["loop"], *(times["loop"] / times[k] for k in ("one", "all"))]
    return row


def whole(make: Callable[[], Call], repeats: int, jax: Jax) -> Row:
    """Time a whole sweep, ours and that of JAX with its compiler."""
    planned, times, rival = make(), [], []
    for _ in range(repeats):
        times.append(call(planned, CORES))
        words = {"updates": STEPS, "once": True}
        parts = [
            jax.ask(net=part.jax, batch=part.batch, count=part.count, **words)
            for part in planned.parts
        ]
        rival.append(sum(part[0] for part in parts if part))
    return {"loop": estimate(planned), "ours": min(times), "jax": min(rival)}


def calls(repeats: int, store: Store, jax: Jax) -> None:
    """Print momentum, the mix, and the seconds of whole sweeps."""
    row = store.get("others") or store.put(others(repeats), "others")
    print("\n64-64-64-10, batch 32, K = 128, other optimizers")
    for name, (loop, one, every) in row.items():
        text = f"{name:5} against a loop of SGDM, {1e6 * loop:.0f} µs"
        print(f"{text}{one:9.1f}{every:9.1f}")
    print(f"\nWhole sweeps of {STEPS} updates, in s from the call to the result")
    print(f"{'':54}{'loop*':>7}{'ours':>7}{'JAX':>7}   * estimated from 10 updates")
    for name, make in CALLS.items():
        row = store.get(name) or store.put(whole(make, repeats, jax), name)
        text = f"{row['jax']:7.1f}" if row["jax"] else ""
        print(f"{name:54}{row['loop']:7.1f}{row['ours']:7.2f}{text}", flush=True)


def main() -> None:
    """Read the options and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="K = 32, three repeats")
    parser.add_argument("--repeats", type=int, help="instead of 9, or 3 if quick")
    parser.add_argument("--case", default="", help="cases whose name contains this")
    parser.add_argument("--k", type=int, nargs="*", help="instead of 8, 32, 128, 512")
    parser.add_argument("--store", type=Path, help="file that keeps what is measured")
    options = parser.parse_args()
    torch.set_num_threads(1)
    repeats = options.repeats or (3 if options.quick else 9)
    jax, store = Jax(), Store(options.store)
    measure = partial(speed, repeats=repeats, jax=jax)
    names = [name for name in CASES if options.case in name]
    throughput(names, options.k or ([32] if options.quick else COUNTS), store, measure)
    if not options.case and not options.k:
        calls(min(repeats, 3), store, jax)


if __name__ == "__main__":
    main()
