r"""Exercise: walk down the decision tree from three losses.

With the training loss $L$, the test loss $L'$, the training loss $L_r$ of a reference
that the model could imitate (a shallower net, say) and a tolerance $\tau$:

$$ L \le \tau,\; L' \le L + \tau: \text{ done} \tag{1} $$
$$ L \le \tau,\; L' > L + \tau: \text{ overfitting or mismatch} \tag{2} $$
$$ L = \infty: \text{ optimization} \tag{3} $$
$$ L > \tau,\; L_r \text{ not measured}: \text{ bias or optimization} \tag{4} $$
$$ L > \tau,\; L > L_r + \tau: \text{ optimization} \tag{5} $$
$$ L > \tau,\; L \le L_r + \tau: \text{ bias} \tag{6} $$
$$ \text{a loss is NaN: no diagnosis} \tag{7} $$

The test loss plays no part before the training loss is low.

References:
    He, Zhang, Ren, Sun 2016, arXiv 1512.03385, section 1.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from coursekit import diagnosis
from coursekit.labs.exercise import Case, Exercise, Hint, Unusable
from coursekit.labs.mutants.diagnose import MUTANTS
from coursekit.labs.reading import NONE, describe

__all__ = ["DIAGNOSE", "LEAVES", "diagnose"]

LEAVES = ("done", "overfitting or mismatch", "optimization", "bias")
LEAVES += ("bias or optimization",)
REFUSE = "a NaN is no loss; the comparison with it is false whichever way it is put."


def diagnose(train: float, test: float, ref_train: float | None, tol: float) -> str:
    """Name the leaf of the tree.

    Args:
        train: Training loss.
        test: Test loss.
        ref_train: Training loss of the reference; ``None`` if not measured.
        tol: Tolerance.

    Returns:
        One of `LEAVES`.
    """
    return str(diagnosis.diagnose(train, test, ref_train, tol=tol))


def _case(
    part: str, line: str, train: float, test: float, ref: float | None, tol: float
) -> Case:
    says = f"diagnose({train:g}, {test:g}, {ref if ref is None else f'{ref:g}'}, {tol})"
    nan = any(x is not None and math.isnan(x) for x in (train, test, ref))
    return Case(part, (train, test, ref, tol), says, line, raises=REFUSE * nan)


def _cases(rng: np.random.Generator, visible: bool) -> list[Case]:
    def at(low: float, high: float) -> float:
        return round(float(rng.uniform(low, high)), 3)

    tau = at(0.08, 0.12)
    tree: list[tuple[str, float, float, float | None]] = [
        ("(1)", at(0.01, 0.03), at(0.05, 0.08), at(0.2, 0.4)),
        ("(2)", at(0.03, 0.06), at(0.7, 0.9), at(0.01, 0.04)),
        ("(5)", at(1.1, 1.4), at(1.5, 1.8), at(0.3, 0.5)),
        ("(6)", at(1.1, 1.2), at(1.9, 2.2), at(1.13, 1.19)),
    ]
    cases = [_case("tree", *leaf, tau) for leaf in tree]
    if visible:
        return cases
    low, high, tie = at(0.02, 0.05), at(0.8, 1.0), float(rng.choice([0.125, 0.25]))
    cases += [
        _case("tree", "(2)", low, round(low + 1.5 * tau, 3), 0.5, tau),
        _case("tree", "(1)", round(0.9 * tau, 3), round(1.6 * tau, 3), 0.5, tau),
        _case("tree", "(5)", high, round(high - 0.38, 3), round(high - 0.4, 3), tau),
        _case("tree", "(5)", high, round(high + 0.05, 3), round(high - 0.4, 3), tau),
        _case("tree", "(6)", round(3 * tau, 3), high, round(2.4 * tau, 3), tau),
        _case("tree", "(6)", round(0.9 + 0.6 * tau, 4), 1.0, 0.9, tau),
        _case("tree", "(6)", 0.9, 2.0, 0.9 + at(0.3, 0.6), tau),
        _case("tree", "(6)", 0.9, 0.95, 0.9 + at(0.3, 0.6), tau),
    ]
    cases += [_case("tree", "(4)", high, t, None, tau) for t in (high, 2 * high)]
    cases += [
        _case("ties", "(1)", tie, 2 * tie, 4.0, tie),
        _case("ties", "(6)", 3 * tie, 8 * tie, 2 * tie, tie),
        _case("ties", "(2)", tie, 2.25 * tie, 4.0, tie),
    ]
    inf, nan = math.inf, math.nan
    ends: list[tuple[str, float, float, float | None]] = [
        ("(3)", inf, inf, None),
        ("(3)", inf, inf, 0.5),
        ("(2)", low, inf, 0.5),
        ("(7)", nan, high, 0.5),
        ("(7)", low, nan, 0.5),
        ("(7)", high, high, nan),
    ]
    return cases + [_case("not finite", *end, tau) for end in ends]


def _read(case: Case, answer: Any) -> str:
    expected = f"one of the strings {', '.join(repr(leaf) for leaf in LEAVES)}"
    if answer is None:
        raise Unusable(NONE.format(expected))
    if not isinstance(answer, str):
        hint = ""
        if getattr(answer, "type_name", "") == "Diagnosis":
            hint = " `str(...)` makes a string of it."
        raise Unusable(
            f"The function returned {describe(answer)}, expected {expected}.{hint}"
        )
    word = " ".join(answer.lower().split())
    if word not in LEAVES:
        raise Unusable(f"The function returned {answer[:60]!r}, expected {expected}.")
    return word


def _compare(case: Case, got: str, expected: str) -> str | None:
    if got == expected:
        return None
    train, test, ref, tol = case.args
    told = "no reference" if ref is None else f"a reference of {ref:g}"
    return (
        f"It says {got!r}, expected {expected!r}: training loss {train:g}, test loss "
        f"{test:g}, {told}, tolerance {tol:g}."
    )


DIAGNOSE = Exercise(
    name="diagnose",
    signature="diagnose(train, test, ref_train, tol)",
    title="The decision tree",
    minutes=12,
    difficulty=2,
    parts={"tree": 3, "ties": 1, "not finite": 1},
    equations={
        "(1)": "L ≤ τ and L′ ≤ L + τ: done",
        "(2)": "L ≤ τ and L′ > L + τ: overfitting or mismatch",
        "(3)": "L = ∞: optimization",
        "(4)": "L > τ, no reference measured: bias or optimization",
        "(5)": "L > τ and L > L_r + τ: optimization",
        "(6)": "L > τ and L ≤ L_r + τ: bias",
        "(7)": "a loss is NaN: ValueError",
    },
    cases=_cases,
    reference=diagnose,
    read=_read,
    compare=_compare,
    mutants=MUTANTS,
    hints=(
        Hint(
            "Which question comes first?",
            "Is the training loss low? Only on that branch does the test loss matter; "
            "on the other one you need the reference.",
            helps=("gap_first", "test_loss_for_optimization"),
        ),
        Hint(
            "The reference does worse than my model, and the check expects bias",
            "A reference that does worse proves nothing against the model. Only one "
            "that does *better* shows that the model's class holds something better.",
            helps=("difference_either_way", "reference_worse", "swapped"),
        ),
        Hint(
            "TypeError: '>' not supported between 'float' and 'NoneType'",
            "`ref_train` is `None` where no reference was trained. Ask for that before "
            "you compare.",
        ),
        Hint(
            "What am I to do with NaN?",
            "`x < y`, `x > y` and `x == x` are all false for a NaN. `math.isnan` "
            "finds it; then `raise ValueError(...)` with a sentence of your own. This "
            "holds for each of the three losses. A diverged run has the loss "
            "`math.inf`, and that is a finding.",
            helps=("nan_falls_through",),
        ),
    ),
)
