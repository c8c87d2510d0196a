r"""Exercise: write a shallow net into a deeper one that computes the same.

A plain ReLU net of $m$ linear maps computes

$$ a^l = \max(0,\, W^l a^{l-1} + b^l),\; l < m, \qquad o = W^m a^{m-1} + b^m \tag{1} $$

and contains every net of fewer maps. What has passed a ReLU passes it again unchanged,

$$ v \ge 0 \;\Rightarrow\; \max(0, I v) = v \tag{2} $$

and what has a sign can be carried as a pair of numbers without one:

$$ v = \max(0, v) - \max(0, -v) \tag{3} $$

The last map keeps its place at the end: it has no ReLU behind it.

$$ W^m = W^n_{\text{shallow}} R, \quad b^m = b^n_{\text{shallow}} \tag{4} $$

with $R = I$ after (2) and $R = (I, -I)$ after (3).

References:
    He, Zhang, Ren, Sun 2016, arXiv 1512.03385, section 1.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from coursekit import models
from coursekit.labs.agreement import agree
from coursekit.labs.caller import Recipe
from coursekit.labs.chain import Chain, read_chain
from coursekit.labs.exercise import Case, Exercise, Hint
from coursekit.labs.mutants.embed_shallow import MUTANTS
from coursekit.labs.reading import describe

__all__ = ["EMBED_SHALLOW", "embed_shallow"]


def embed_shallow(shallow: models.MLP, depth: int) -> nn.Module:
    """Embed an MLP in the narrowest deep one that can hold it.

    Args:
        shallow: A ReLU MLP.
        depth: Linear maps of the deep net.

    Returns:
        The deep net.
    """
    maps = [m for m in shallow.modules() if isinstance(m, nn.Linear)]
    widths = [maps[0].in_features, *(m.out_features for m in maps)]
    added = [widths[-2] if len(maps) > 1 else 2 * widths[0]] * (depth - len(maps))
    deep = models.MLP([*widths[:-1], *added, widths[-1]], "relu")
    return models.embed_shallow(shallow, deep.to(maps[0].weight.dtype))


def _case(part: str, widths: list[int], depth: int, seed: int) -> Case:
    model = Recipe("coursekit.models:MLP", (widths, "relu"), seed=seed)
    x = torch.randn(32, widths[0], generator=torch.Generator().manual_seed(seed))
    says = f"embed_shallow(MLP({widths}), {depth})"
    line = "(3)" if part == "linear model" else "(2)"
    return Case(part, (model, depth), says, line, {"x": x.double()})


def _cases(rng: np.random.Generator, visible: bool) -> list[Case]:
    def case(part: str, hidden: int, depth: int) -> Case:
        sizes = rng.choice(range(4, 15), hidden + 2, replace=False)
        seed = int(rng.integers(2**31))
        return _case(part, [int(d) for d in sizes], depth, seed)

    if visible:
        return [case("hidden layers", 1, 8)]
    return [
        case("hidden layers", 2, 8),
        case("hidden layers", 3, 56),
        case("hidden layers", 2, 3),
        case("linear model", 0, 7),
        case("linear model", 0, 2),
        case("linear model", 0, 56),
    ]


def _read(case: Case, answer: Any) -> dict[str, Tensor]:
    depth = case.args[1]
    return read_chain(answer, depth, case.facts["x"], describe(answer))


def _compare(case: Case, got: Chain, expected: Chain) -> str | None:
    if agree(got["output"], expected["output"]):
        return None
    k, right = got["output"].shape[1], expected["output"].shape[1]
    if k != right:
        return f"The returned net gives {k} logits, expected {right} as `shallow`."
    off = float((got["output"] - expected["output"]).abs().max())
    size = float(expected["output"].abs().max())
    return (
        f"For 32 random inputs the logits differ by up to {off:.2g}, where those of "
        f"the shallow net reach {size:.2g}; expected the same logits for every input."
    )


EMBED_SHALLOW = Exercise(
    name="embed_shallow",
    signature="embed_shallow(shallow, depth)",
    title="A shallow net inside a deep one",
    minutes=22,
    difficulty=3,
    parts={"hidden layers": 3, "linear model": 3},
    equations={
        "(1)": "aˡ = max(0, Wˡ aˡ⁻¹ + bˡ) for l < m, o = Wᵐ aᵐ⁻¹ + bᵐ",
        "(2)": "v ≥ 0 ⇒ max(0, I v) = v",
        "(3)": "v = max(0, v) − max(0, −v)",
        "(4)": "Wᵐ = Wⁿ R and bᵐ = bⁿ, those of the shallow net's last map",
    },
    cases=_cases,
    reference=embed_shallow,
    read=_read,
    compare=_compare,
    mutants=MUTANTS,
    likeness=1e-5,
    hints=(
        Hint(
            "How do I make a net and fill it?",
            "`MLP([d_in, h, …, d_out])` makes one; so does `nn.Sequential`. Inside "
            "`with torch.no_grad():`, `layer.weight.copy_(...)` writes weights. "
            "`nn.init.eye_` and `nn.init.zeros_` write the identity and zeros.",
        ),
        Hint(
            "The logits are right but for negative ones, which are 0",
            "Identity layers behind the last map put a ReLU behind the logits. Where "
            "in the net are all values known to be at least 0?",
            helps=("identity_at_the_end",),
        ),
        Hint(
            "The visible check passes, the part *linear model* does not",
            "A shallow net of a single linear map has no hidden layer: what the added "
            "layers have to carry is the input, and it has a sign. Equation (3) needs "
            "twice the units.",
            helps=("identity_on_signed_values", "pair_added"),
        ),
        Hint(
            "The logits are off by a constant for each class",
            "A new `nn.Linear` is born with random biases. The added layers need "
            "zeros.",
            helps=("bias_in_every_layer", "no_last_bias"),
        ),
    ),
)
