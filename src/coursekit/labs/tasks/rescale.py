r"""Exercise: write the same function with other weights.

A ReLU passes a positive factor on, so a factor $\alpha$ in the first layer can be taken
back in the second. Every output stays, the curvature does not:

$$ \max(0, \alpha z) = \alpha \max(0, z) \quad (\alpha > 0) \tag{1} $$
$$ W^1 \leftarrow \alpha W^1, \quad b^1 \leftarrow \alpha b^1 \tag{2} $$
$$ W^2 \leftarrow W^2/\alpha, \quad b^2 \text{ as it is} \tag{3} $$

All other parameters stay as they are.

References:
    Dinh, Pascanu, Bengio, Bengio 2017, arXiv 1703.04933.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from coursekit.labs.agreement import agree
from coursekit.labs.caller import Recipe
from coursekit.labs.exercise import Case, Exercise, Hint
from coursekit.labs.mutants.rescale import MUTANTS
from coursekit.labs.reading import read_state

__all__ = ["RESCALE", "rescale"]

State = dict[str, Tensor]


@torch.no_grad()
def rescale(model: nn.Module, alpha: float) -> nn.Module:
    """Scale the first layer up and the second one down, in place.

    Args:
        model: A ReLU MLP of two linear maps or more.
        alpha: Factor, above 0.

    Returns:
        The model.
    """
    first, second = [m for m in model.modules() if isinstance(m, nn.Linear)][:2]
    first.weight.mul_(alpha)  # (2)
    if first.bias is not None:
        first.bias.mul_(alpha)  # (2)
    second.weight.div_(alpha)  # (3)
    return model


def _cases(rng: np.random.Generator, visible: bool) -> list[Case]:
    def case(part: str, hidden: int, low: float, high: float) -> Case:
        widths = [int(d) for d in rng.integers(3, 12, size=hidden + 2)]
        alpha, seed = round(float(rng.uniform(low, high)), 2), int(rng.integers(2**31))
        bias = part == "biases"
        model = Recipe(
            "coursekit.models:MLP",
            (widths, "relu"),
            {"bias": bias},
            seed=seed,
            dtype="float64",
        )
        says = f"rescale(MLP({widths}, 'relu', bias={bias}), {alpha})"
        return Case(part, (model, alpha), says, "(2)" if bias else "(3)")

    cases = [case("weights", 1, 2, 5)]
    if visible:
        return cases
    return [
        *cases,
        case("weights", 3, 0.1, 0.5),
        case("biases", 1, 3, 9),
        case("biases", 3, 0.1, 0.5),
        case("biases", 2, 10, 40),
    ]


def _read(case: Case, answer: Any) -> State:
    return read_state(answer, like=case.args[0].build().state_dict())


def _compare(case: Case, got: State, expected: State) -> str | None:
    wrong = [k for k in expected if not agree(got[k], expected[k])]
    if not wrong:
        return None
    name, start = wrong[0], case.args[0].build().state_dict()
    same = agree(_outputs(case, start), _outputs(case, got), rtol=1e-9)
    given, asked = (_factor(s[name], start[name]) for s in (got, expected))
    told = f"was multiplied by {given}" if given else "is no multiple of what it was"
    return (
        f"The outputs {'are the same' if same else 'changed'}; `{name}` {told}, "
        f"expected is a factor of {asked}."
    )


@torch.no_grad()
def _outputs(case: Case, state: State) -> Tensor:
    model = case.args[0].build()
    model.load_state_dict(state)
    width = next(iter(state.values())).shape[1]
    x = torch.randn(32, width, generator=torch.Generator().manual_seed(2)).double()
    return model(x)


def _factor(now: Tensor, then: Tensor) -> str:
    at = then.abs().argmax()
    ratio = float(now.flatten()[at] / then.flatten()[at])
    return f"{ratio:.4g}" if agree(now, ratio * then) else ""


RESCALE = Exercise(
    name="rescale",
    signature="rescale(model, alpha)",
    title="The same function with other weights",
    minutes=10,
    difficulty=2,
    parts={"weights": 1, "biases": 2},
    equations={
        "(1)": "max(0, αz) = α max(0, z) for α > 0",
        "(2)": "W¹ ← αW¹, b¹ ← αb¹",
        "(3)": "W² ← W²/α, b² as it is",
    },
    cases=_cases,
    reference=rescale,
    read=_read,
    compare=_compare,
    mutants=MUTANTS,
    may_change=(0,),
    hints=(
        Hint(
            "Which layers are the first and the second?",
            "`[m for m in model if isinstance(m, nn.Linear)]` lists the linear maps "
            "in order.",
            helps=("last_layer",),
        ),
        Hint(
            "RuntimeError: a leaf Variable that requires grad",
            "Write into parameters inside `with torch.no_grad():`.",
            helps=("does_nothing",),
        ),
        Hint(
            "AttributeError: 'NoneType' object has no attribute 'mul_'",
            "A layer made with `bias=False` has `bias` None.",
        ),
        Hint(
            "The visible check passes, the part *biases* does not",
            "What reaches the ReLU is z = Wx + b. All of it has to be multiplied.",
            helps=("forgets_first_bias", "divides_second_bias", "divides_first_bias"),
        ),
    ),
)
