r"""Exercise: compare depths by training loss, seed by seed.

For every depth $m_k$ and every seed $s$ a net is trained whose weights and whose order
of batches both come from $s$. With $L_{ks}$ the *training* loss at the end,

$$ \bar L_k = \frac1S \sum_s L_{ks} \tag{1} $$
$$ d_{ks} = L_{ks} - L_{0s}, \qquad \bar d_k = \frac1S \sum_s d_{ks} \tag{2} $$
$$ \hat\sigma_k^2 = \frac{1}{S-1} \sum_s (d_{ks} - \bar d_k)^2 \tag{3} $$
$$ \bar d_k \pm t_{S-1,\,0.975}\; \hat\sigma_k / \sqrt S \tag{4} $$

where depth 0 is the first of the list. An interval above 0 says that the deeper net has
a *higher* training loss than the shallower one, which it contains.

References:
    Student 1908, The probable error of a mean, Biometrika 6.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from coursekit.experiments.paired_depths import train_depth
from coursekit.labs.exercise import Case, Exercise, Hint, Unusable
from coursekit.labs.mutants.compare_depths import MUTANTS
from coursekit.labs.reading import NONE, describe, read_numbers
from coursekit.stats import paired_t_interval

__all__ = ["COLUMNS", "COMPARE_DEPTHS", "compare_depths"]

COLUMNS = ("depth", "loss", "difference", "low", "high")
Table = dict[str, list[float]]
PARTS = {"training loss": ("depth", "loss"), "interval": COLUMNS[2:]}


def compare_depths(depths: Sequence[int], seeds: Sequence[int]) -> Table:
    """Compare depths with the first of them.

    Args:
        depths: Linear maps of the nets.
        seeds: Seeds, two or more.

    Returns:
        The table, by column.
    """
    loss = np.array([
        [train_depth(m, init_seed=s, batch_seed=s).train_loss for s in seeds]
        for m in depths
    ])
    table: Table = {"depth": list(depths), "loss": loss.mean(1).tolist()}  # (1)
    d = [paired_t_interval(row) for row in loss - loss[0]]  # (2)-(4)
    table["difference"] = [i.estimate for i in d]
    return table | {"low": [i.low for i in d], "high": [i.high for i in d]}


def _cases(rng: np.random.Generator, visible: bool) -> list[Case]:
    def draw(depths: list[int], seeds: int) -> list[Case]:
        chosen = [int(s) for s in rng.choice(1000, seeds, replace=False)]
        says = f"{{}} of compare_depths({depths}, {chosen})"
        lines = {"training loss": "(1)", "interval": "(4)"}
        return [Case(p, (depths, chosen), says.format(p), lines[p]) for p in PARTS]

    if visible:
        return draw([2, 5], 3)
    first = [int(d) for d in rng.choice([2, 3, 4, 5, 6], 3, replace=False)]
    return [*draw(first, 4), *draw([6, 2], 5)]


def _read(case: Case, answer: Any) -> Table:
    what = "a dict with the columns " + ", ".join(f'"{c}"' for c in COLUMNS)
    if answer is None:
        raise Unusable(NONE.format(what))
    if getattr(answer, "type_name", "") == "DataFrame":
        answer = answer.call("to_dict", "list")
    if not isinstance(answer, dict):
        raise Unusable(f"The function returned {describe(answer)}, expected {what}.")
    table: Table = {}
    for column in PARTS[case.part]:
        if column not in answer:
            raise Unusable(
                f'The table has no column "{column}"; it has '
                f"{', '.join(map(str, answer)) or 'none'}."[:200]
            )
        numbers = read_numbers(answer[column], f'column "{column}"')
        rows = len(case.args[0])
        if len(numbers) != rows:
            raise Unusable(
                f'Column "{column}" has {len(numbers)} rows, expected {rows}, one for '
                "each depth, the first included."
            )
        table[column] = [x if abs(x) > 1e-12 else 0.0 for x in numbers]
    return table


def _compare(case: Case, got: Table, expected: Table) -> str | None:
    for column, right in expected.items():
        for depth, one, other in zip(case.args[0], got[column], right, strict=True):
            # training repeats to rounding, and the nets are too small to amplify it
            if abs(one - other) > 1e-5 * max(1.0, abs(other)):
                return (
                    f'Column "{column}" has {one:.5g} at depth {depth}, expected '
                    f"{other:.5g}."
                )
    return None


COMPARE_DEPTHS = Exercise(
    name="compare_depths",
    signature="compare_depths(depths, seeds)",
    title="Compare depths on training loss, paired by seed",
    minutes=18,
    difficulty=3,
    parts={"training loss": 2, "interval": 4},
    equations={
        "(1)": "L̄ₖ = 1/S Σₛ Lₖₛ, with L the training loss at the end",
        "(2)": "dₖₛ = Lₖₛ − L₀ₛ, the deeper net minus the first one of the same seed",
        "(3)": "σ̂² = 1/(S−1) Σₛ (dₖₛ − d̄ₖ)²",
        "(4)": "d̄ₖ ± t(S−1; 0.975) · σ̂ₖ/√S",
    },
    cases=_cases,
    reference=compare_depths,
    read=_read,
    compare=_compare,
    mutants=MUTANTS,
    likeness=1e-5,
    hints=(
        Hint(
            "Which seed goes where?",
            "Both: `train_depth(depth, init_seed=s, batch_seed=s)`. Then the runs of "
            "one seed see the same batches at every depth, and luck with the batches "
            "cancels in the difference.",
            helps=(
                "other_batches_per_depth",
                "other_batches_per_row",
                "one_order_for_all",
                "one_start_for_all",
            ),
        ),
        Hint(
            "The first row of the differences",
            "The first depth is compared with itself: difference 0, interval from 0 "
            "to 0. It stays in the table.",
            helps=("neighbour",),
        ),
        Hint(
            "Where do I get t from?",
            "`scipy.stats.t.ppf(0.975, S - 1)`, or the whole interval from "
            "`coursekit.stats.paired_t_interval(differences)`.",
            helps=("normal_quantile", "one_sided", "no_quantile"),
        ),
        Hint(
            "May I return a pandas DataFrame?",
            "Yes, with these columns. Only its columns leave your process, so a dict "
            "of lists is as good.",
        ),
    ),
)
