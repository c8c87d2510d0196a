r"""Run a rule as it is written, in few passes over memory and without copies.

.. math::

    \Delta_t, s_t &= \mathrm{update}(g_t, s_{t-1}, \theta_{t-1}, t) \qquad (1) \\
    \theta_t &= \theta_{t-1} - \Delta_t \qquad (2)

The update is called with terms (``term``) in the place of tensors, on one piece of the
vector after another, short enough to stay in the cache; :math:`s_t` and
:math:`\theta_t` take the place of what was there. Where the rule asks for a norm,
there is a round over the pieces before (``sums``).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ..rule import Rule, State
from ..weight_decay import l2_gradient
from .batch import Batch
from .sums import Sums
from .term import Term, plain
from .threads import one_thread
from .vector import PIECE, Vector

__all__ = ["run"]


def run(rule: Rule, vectors: Sequence[Vector], batch: Batch) -> None:
    r"""Update vectors in place.

    Args:
        rule: The rule.
        vectors: Loaded vectors that the rule sees as one; of a rule whose scope is a
            tensor, each member of one vector is seen alone.
        batch: The numbers of the update; its tensors are in the vectors.

    Example:
        >>> from coursekit.optim import sgd
        >>> theta = torch.tensor([3.0, 4.0])
        >>> batch = Batch([theta], [2 * theta], [{}], 1, {"lr": 0.25})
        >>> vector = Vector(batch.thetas)
        >>> vector.load(batch.gs, batch.states, ())
        >>> run(sgd, [vector], batch)
        >>> theta
        tensor([1.5000, 2.0000])
    """
    pieces = [(vector, here) for vector in vectors for here in _slices(rule, vector)]
    rounds = len(pieces) > 1 and rule.scope != "element"
    sizes = vectors[0].sizes if rule.scope == "tensor" else ()
    step = _Step(rule, batch, Sums(sizes, rounds=rounds))
    with one_thread():
        if rounds:
            for piece in pieces:
                step.look(*piece)
            step.sums.close()
        for piece in pieces:
            step.take(*piece)
    for vector in vectors:
        vector.store()


def _slices(rule: Rule, vector: Vector) -> list[slice]:
    p = vector.theta.numel()
    if p <= PIECE or not rule.pieces:
        return [slice(0, p)]
    return [slice(start, start + PIECE) for start in range(0, p, PIECE)]


@dataclass
class _Step:
    rule: Rule
    batch: Batch
    sums: Sums

    def look(self, vector: Vector, here: slice) -> tuple[Any, State, set[int]]:
        sums, batch = self.sums.begin(), self.batch
        g = Term(-1.0 if batch.maximize else 1.0, vector.g[here], sums=sums)
        theta = Term(1.0, vector.theta[here], sums=sums)
        past: dict[str, Any] = {
            name: Term(1.0, x[here], sums=sums) for name, x in vector.state.items()
        }
        given = {id(term.x) for term in (g, theta, *past.values())}
        past |= vector.scalars
        if batch.weight_decay:
            g = l2_gradient(g, theta, batch.weight_decay)  # pyright: ignore
        delta, state = self.rule.update(g, past, theta, batch.t, **batch.hyper)  # (1)
        return delta, state, given

    def take(self, vector: Vector, here: slice) -> None:
        delta, state, given = self.look(vector, here)
        scalars = {name: state.pop(name) for name in self.rule.scalars}
        new = {name: _settled(value, given) for name, value in state.items()}
        _subtract(vector.theta[here], delta)  # (2)
        for name, value in new.items():
            if name not in vector.state:
                vector.room(name)
            _write(vector.state[name][here], value)
        for state in vector.states:
            state |= scalars


def _settled(value: Any, given: set[int]) -> Any:
    # What waits for a tensor that is about to be overwritten must not wait longer.
    if isinstance(value, Term) and (value.op or id(value.x) not in given):
        value.bare()
        return value
    value = plain(value)
    return value.clone() if isinstance(value, Tensor) else value


def _subtract(theta: Tensor, delta: Any) -> None:
    if not isinstance(delta, Term):
        theta.sub_(delta)
    elif delta.y is None:
        theta.sub_(delta.x, alpha=delta.c)
    else:
        add = theta.addcmul_ if delta.op == "*" else theta.addcdiv_
        add(delta.x, delta.y, value=-delta.c)


def _write(place: Tensor, value: Any) -> None:
    if isinstance(value, Term) and value.c != 1:
        torch.mul(value.x, value.c, out=place)
    elif isinstance(value := plain(value), Tensor):
        place.copy_(value)
    else:
        place.fill_(value)
