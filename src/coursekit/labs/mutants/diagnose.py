r"""Wrong ways to read three losses."""

from __future__ import annotations

import math
from collections.abc import Callable

from coursekit.labs.exercise import Mutant

__all__ = ["MUTANTS"]

DONE, GAP, OPT, BIAS = "done", "overfitting or mismatch", "optimization", "bias"
UNKNOWN = "bias or optimization"


def _tree(
    low: Callable[..., bool] = lambda train, test, tol: train <= tol,
    gap: Callable[..., bool] = lambda train, test, tol: test > train + tol,
    worse: Callable[..., bool] = lambda train, test, ref, tol: train > ref + tol,
    unknown: str = UNKNOWN,
    diverged: bool = True,
    refuses: bool = True,
) -> Callable[..., str]:
    """Walk the tree with one question changed.

    Returns:
        The wrong answer.
    """

    def mutant(train, test, ref_train, tol):
        known = [x for x in (train, test, ref_train) if x is not None]
        if refuses and any(math.isnan(x) for x in known):
            raise ValueError("NaN")
        if low(train, test, tol):
            return GAP if gap(train, test, tol) else DONE
        if diverged and train == math.inf:
            return OPT
        if ref_train is None:
            return unknown
        return OPT if worse(train, test, ref_train, tol) else BIAS

    return mutant


def _swapped(train, test, ref_train, tol):
    said = _tree()(train, test, ref_train, tol)
    return {OPT: BIAS, BIAS: OPT}.get(said, said)


def _gap_first(train, test, ref_train, tol):
    said = _tree()(train, test, ref_train, tol)
    return GAP if test > train + tol else said


def _no_gap_is_bias(train, test, ref_train, tol):
    said = _tree()(train, test, ref_train, tol)
    return BIAS if said == OPT and abs(test - train) <= 2 * tol else said


MUTANTS = (
    Mutant(
        "test_loss_for_optimization",
        _tree(worse=lambda train, test, ref, tol: test > ref + tol),
        "This behaves like comparing the test loss with the reference. Whether the "
        "optimizer failed is asked on the training loss, which is all it works on.",
        "(5)",
    ),
    Mutant(
        "gap_first",
        _gap_first,
        "This calls every gap between test and training loss overfitting. As long as "
        "the training loss is high there is nothing to overfit with: ask first "
        "whether it is low.",
        "(2)",
    ),
    Mutant(
        "swapped",
        _swapped,
        "Bias and optimization are exchanged. If the reference does better although "
        "the model could imitate it, the better function is there and was not found: "
        "optimization.",
        "(5)",
    ),
    Mutant(
        "ignores_the_reference",
        _tree(worse=lambda *a: False),
        "This calls every high training loss bias, whatever the reference reached. A "
        "high training loss alone tells neither.",
        "(5)",
    ),
    Mutant(
        "always_optimization",
        _tree(worse=lambda *a: True),
        "This calls every high training loss a failure of optimization. If the "
        "reference does no better, nothing shows that.",
        "(6)",
    ),
    Mutant(
        "any_difference",
        _tree(worse=lambda train, test, ref, tol: train > ref),
        "This calls any difference from the reference a failure, however small. "
        "Differences up to the tolerance do not count.",
        "(5)",
    ),
    Mutant(
        "difference_either_way",
        _tree(worse=lambda train, test, ref, tol: abs(train - ref) > tol),
        "This counts a reference that does worse as proof that the model failed. Only "
        "a reference that does better proves it.",
        "(6)",
    ),
    Mutant(
        "reference_worse",
        _tree(worse=lambda train, test, ref, tol: ref > train + tol),
        "The comparison with the reference is the wrong way round: this says "
        "optimization where the reference does worse.",
        "(5)",
    ),
    Mutant(
        "relative_tolerance",
        _tree(worse=lambda train, test, ref, tol: train > ref * (1 + tol)),
        "This takes the tolerance as a share of the reference's loss. Line (5) adds "
        "it: L > L_r + τ.",
        "(5)",
    ),
    Mutant(
        "low_test_for_no_gap",
        _tree(gap=lambda train, test, tol: test > tol),
        "This asks whether the test loss is below the tolerance. Asked is its "
        "distance from the training loss: L′ > L + τ.",
        "(2)",
    ),
    Mutant(
        "doubled_tolerance",
        _tree(gap=lambda train, test, tol: test > train + 2 * tol),
        "The gap is compared with twice the tolerance; line (2) has τ.",
        "(2)",
    ),
    Mutant(
        "strict",
        _tree(
            low=lambda train, test, tol: train < tol,
            gap=lambda train, test, tol: test >= train + tol,
            worse=lambda train, test, ref, tol: train >= ref + tol,
        ),
        "Where two sides are equal this takes the other branch. Equal to the "
        "tolerance still counts as within it: ≤, not <.",
        "(1)",
    ),
    Mutant(
        "strict_at_the_top",
        _tree(low=lambda train, test, tol: train < tol),
        "A training loss equal to the tolerance is called high here. Line (1) has "
        "L ≤ τ.",
        "(1)",
    ),
    Mutant(
        "no_reference_is_bias",
        _tree(unknown=BIAS),
        "Without a reference this says bias. One model alone cannot tell bias from "
        "optimization.",
        "(4)",
    ),
    Mutant(
        "no_reference_is_optimization",
        _tree(unknown=OPT),
        "Without a reference this says optimization. One model alone cannot tell "
        "bias from optimization.",
        "(4)",
    ),
    Mutant(
        "no_gap_is_bias",
        _no_gap_is_bias,
        "This says bias wherever training and test loss are alike. They are alike in "
        "a net that the optimizer left unfinished, too.",
        "(5)",
    ),
    Mutant(
        "divergence_is_unknown",
        _tree(diverged=False),
        "A training loss of infinity needs no reference: every class of models has "
        "members of finite loss, so the optimizer failed.",
        "(3)",
    ),
    Mutant(
        "nan_falls_through",
        _tree(refuses=False),
        "A NaN runs down the tree to some leaf here: every comparison with it is "
        "false. Look for it first and raise a `ValueError`.",
        "(7)",
    ),
)
