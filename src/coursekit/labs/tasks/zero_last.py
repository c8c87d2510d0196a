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

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from coursekit.init import zero_last
from coursekit.labs.caller import Recipe
from coursekit.labs.exercise import Case, Exercise, Hint, Mutant
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
        if change > 0:
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
    for i, branch in enumerate(_branches(model)):
        weight = _maps(branch)[-1].weight
        if not torch.autograd.grad(loss, weight, retain_graph=True)[0].any():
            return (
                "Every block is the identity, but the gradient of the last layer is 0 "
                f"in block {i}: gradient descent can never leave this start."
            )
    return ""


def _branches(model: ResidualMLP) -> list[Any]:
    return [block.branch for block in model.blocks]


def _maps(module: nn.Module) -> list[nn.Linear]:
    return [m for m in module.modules() if isinstance(m, nn.Linear)]


def _scaling(
    pick: Callable[[ResidualMLP], list[Any]], factor: float = 0.0
) -> Callable[..., Any]:
    @torch.no_grad()
    def mutant(res_model):
        for parameter in pick(res_model):
            parameter.mul_(factor)
        return res_model

    return mutant


def _both(maps: list[nn.Linear]) -> list[Any]:
    return [p for m in maps for p in (m.weight, m.bias)]


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
    mutants=(
        Mutant(
            "zeroes_all",
            _scaling(lambda m: [p for b in _branches(m) for p in b.parameters()]),
            "This behaves like setting every layer of the branch to zero. The blocks "
            "are identities, but φ(0) leaves the last layer without a gradient too: "
            "nothing in the branch ever moves. Zero the last layer only.",
            "(3)",
        ),
        Mutant(
            "zeroes_everything",
            _scaling(lambda m: list(m.parameters())),
            "This behaves like setting the whole model to zero. The branches are to "
            "vanish at the start, not the stem and the head.",
            "(2)",
        ),
        Mutant(
            "zeroes_first",
            _scaling(lambda m: [p for b in _branches(m) for p in _both(_maps(b)[:1])]),
            "This behaves like zeroing the first layer of each branch. The last "
            "layer's bias still comes through, and the last layer gets no gradient "
            "wherever φ(0) = 0. Zero the last layer.",
            "(2)",
        ),
        Mutant(
            "forgets_bias",
            _scaling(lambda m: [_maps(b)[-1].weight for b in _branches(m)]),
            "This behaves like zeroing the weight of the last layer and not its bias: "
            "each block still adds b₂.",
            "(2)",
        ),
        Mutant(
            "only_last_block",
            _scaling(lambda m: _both(_maps(_branches(m)[-1])[-1:])),
            "This behaves like zeroing the last block only. Every block doubles the "
            "variance, so every branch needs its last layer at zero.",
            "(2)",
        ),
        Mutant(
            "zeroes_head",
            _scaling(lambda m: _both([m.head])),
            "This behaves like zeroing the last layer of the network. Asked is the "
            "last layer of each residual branch.",
            "(2)",
        ),
        Mutant(
            "zeroes_head_too",
            _scaling(lambda m: _both([m.head, *(_maps(b)[-1] for b in _branches(m))])),
            "This behaves like zeroing the head as well. The trunk is the identity, "
            "but with the head at zero no gradient reaches any block.",
            "(3)",
        ),
        Mutant(
            "does_nothing",
            lambda res_model: res_model,
            "The model came back unchanged. `layer.weight = ...` on a copy, or "
            "`weight = weight * 0`, binds a name and leaves the parameter as it was: "
            "use an in-place operation such as `zero_()`.",
            "(2)",
        ),
    ),
    hints=(
        Hint(
            "Where is the last layer of a branch?",
            "`print(res_model)` shows the names. Each of `res_model.blocks` has a "
            "`branch`, whose last linear layer is `branch.linear2`.",
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
        ),
        Hint(
            "A block still adds a constant",
            "A linear layer has a weight and a bias.",
        ),
    ),
)
