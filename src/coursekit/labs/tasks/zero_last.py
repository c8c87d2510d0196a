r"""Exercise: start a residual network as the identity, with a gradient to leave it.

A residual block adds a branch to its input.  With the last linear map of the branch at
zero the block starts as the identity, however deep the network is, and yet learns,
because the gradient of that last map depends on the map before it:

$$ a^{l+1} = a^l + s \, (W_2 \phi(W_1 a^l + b_1) + b_2) \tag{1} $$
$$ W_2 = 0, \quad b_2 = 0 \quad\Rightarrow\quad a^{l+1} = a^l \tag{2} $$
$$ \partial L/\partial W_2 = s \, \frac{\partial L}{\partial a^{l+1}}
   \phi(W_1 a^l + b_1)^\top \ne 0 \tag{3} $$

References:
    Zhang, Dauphin, Ma 2019 (Fixup), arXiv 1901.09321.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from coursekit.init import zero_last
from coursekit.labs.caller import Recipe
from coursekit.labs.exercise import Case, Exercise, Hint
from coursekit.labs.mutants.zero_last import MUTANTS
from coursekit.labs.reading import read_state
from coursekit.models import ResidualMLP

__all__ = ["ZERO_LAST"]

State = dict[str, Tensor]


def _case(part: str, sizes: tuple, activation: str, scale: float, seed: int) -> Case:
    model = Recipe(
        "coursekit.models:ResidualMLP",
        (*sizes, activation),
        {"branch_scale": scale},
        seed=seed,
        dtype="float64",
    )
    says = f"{part} of ResidualMLP{(*sizes, activation)}"
    return Case(part, (model,), says, "(2)" if part == "identity" else "(3)")


def _cases(rng: np.random.Generator, visible: bool) -> list[Case]:
    kinds = [("relu", 1.0)]
    if not visible:
        kinds += [("tanh", 0.5), ("gelu", 1.0)]
    cases = []
    for activation, scale in kinds:
        d_in, width, d_out = (int(d) for d in rng.integers((3, 8, 3), (9, 20, 9)))
        sizes = (d_in, width, int(rng.integers(3, 7)), d_out)
        seed = int(rng.integers(2**31))
        for part in ("identity", "gradient"):
            cases.append(_case(part, sizes, activation, scale, seed))
    return cases


def _read(case: Case, answer: Any) -> State:
    return read_state(answer, like=case.args[0].build().state_dict())


def _compare(case: Case, got: State, expected: State) -> str | None:
    model = case.args[0].build()
    before = {k: v.clone() for k, v in model.state_dict().items()}
    model.load_state_dict(got)
    if said := _not_identity(model):
        return said
    if case.part == "identity":
        return None
    if said := _no_gradient(model):
        return said
    changed = [k for k in got if not torch.equal(got[k], expected[k])]
    if not changed:
        return None
    held = [k for k in changed if not torch.equal(got[k], before[k])]
    return (
        f"The network starts as the identity, but `{(held or changed)[0]}` changed "
        "too. Leave every parameter outside the last layer of a branch as it was."
    )


def _not_identity(model: ResidualMLP) -> str:
    """Find the first block that changes its input.

    Returns:
        A sentence, or an empty string.
    """
    blocks = list(model.blocks)
    width, generator = model.head.in_features, torch.Generator().manual_seed(1)
    a = torch.randn(16, width, generator=generator).double()
    for i, block in enumerate(blocks):
        with torch.no_grad():
            change = float((block(a) - a).abs().max())
        if change != 0:  # NaN is a change too
            return (
                f"Block {i} of {len(blocks)} (`model.blocks[{i}]`) still changes its "
                f"input, by up to {change:.2g}; expected exactly 0."
            )
    return ""


def _no_gradient(model: ResidualMLP) -> str:
    """Find the first branch whose last layer has no gradient.

    Returns:
        A sentence, or an empty string.
    """
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(32, model.stem.in_features, generator=generator).double()
    y = torch.randint(model.head.out_features, (32,), generator=generator)
    loss = cross_entropy(model(x), y)
    for i, block in enumerate(model.blocks):
        weight: Any = block.get_submodule("branch.linear2").weight
        if not torch.autograd.grad(loss, weight, retain_graph=True)[0].any():
            return (
                "Every block is the identity, but the gradient of the last layer is 0 "
                f"in block {i}: gradient descent can never leave this start."
            )
    return ""


ZERO_LAST = Exercise(
    name="zero_last",
    signature="zero_last(res_model)",
    title="Start a residual net as the identity",
    minutes=15,
    difficulty=2,
    parts={"identity": 2, "gradient": 2},
    equations={
        "(1)": "aˡ⁺¹ = aˡ + s (W₂ φ(W₁ aˡ + b₁) + b₂)",
        "(2)": "W₂ = 0 and b₂ = 0, hence aˡ⁺¹ = aˡ",
        "(3)": "∂L/∂W₂ = s · ∂L/∂aˡ⁺¹ · φ(W₁ aˡ + b₁)ᵀ ≠ 0",
    },
    cases=_cases,
    reference=zero_last,
    read=_read,
    compare=_compare,
    may_change=(0,),
    mutants=MUTANTS,
    hints=(
        Hint(
            "Where is the last layer of a branch?",
            "`print(res_model)` shows the names. Each of `res_model.blocks` has a "
            "`branch`, whose last linear layer is `branch.linear2`.",
            helps=("zeroes_head", "zeroes_first"),
        ),
        Hint(
            "RuntimeError: a leaf Variable that requires grad is being used in an "
            "in-place operation",
            "Autograd records changes of parameters unless told otherwise: put "
            "`with torch.no_grad():` around them, or use `torch.nn.init.zeros_`.",
        ),
        Hint(
            "The blocks are identities, but the gradient is zero",
            "The gradient of the last layer is a product with what the layer before "
            "sends it. What does that layer send if it is zero as well?",
            helps=("zeroes_all",),
        ),
        Hint(
            "A block still adds a constant",
            "A linear layer has a weight and a bias.",
            helps=("forgets_bias",),
        ),
    ),
)
