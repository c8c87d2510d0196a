r"""Train one small ReLU net of a depth, with the seeds of weights and batches apart.

The two seeds are separate arguments so that a comparison can pair them, or fail to:
runs with one ``batch_seed`` see the same examples in the same order at every depth.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import torch
from torch.nn.functional import cross_entropy

from coursekit import init
from coursekit.data import digits
from coursekit.models import MLP

__all__ = ["Trial", "train_depth"]

EXAMPLES, WIDTH, STEPS, BATCH_SIZE, RATE = 256, 16, 25, 32, 0.05


class Trial(NamedTuple):
    """Hold what a finished run reached.

    Attributes:
        train_loss: Mean cross-entropy on all training examples, in nats.
        test_loss: The same on the test examples.
        train_accuracy: Share of training examples that are right.
        test_accuracy: Share of test examples that are right.
        last_batch_loss: Loss of the last batch, before its update.
    """

    train_loss: float
    test_loss: float
    train_accuracy: float
    test_accuracy: float
    last_batch_loss: float


@cache
def train_depth(depth: int, *, init_seed: int, batch_seed: int) -> Trial:
    """Train a plain net on 256 digits for 25 updates of SGD, in float64.

    Args:
        depth: Linear maps, 2 or more.
        init_seed: Seed of the weights, He's.
        batch_seed: Seed of the order of the examples.

    Returns:
        What it reached; remembered, so that a second call costs nothing.

    Example:
        >>> a = train_depth(2, init_seed=0, batch_seed=0)
        >>> a == train_depth(2, init_seed=0, batch_seed=0)
        True
        >>> a.train_loss == train_depth(2, init_seed=0, batch_seed=1).train_loss
        False
    """
    data = digits()
    x, y = data.x_train[:EXAMPLES].double(), data.y_train[:EXAMPLES]
    x_test, y_test = data.x_test.double(), data.y_test
    net = MLP([x.shape[1], *[WIDTH] * (depth - 1), 10], "relu").double()
    init.initialize(net, "he_normal", seed=init_seed)
    rule = torch.optim.SGD(net.parameters(), lr=RATE)
    order = torch.Generator().manual_seed(batch_seed)
    loss = torch.zeros(())
    for step in range(STEPS):
        if step * BATCH_SIZE % EXAMPLES == 0:
            batches = torch.randperm(EXAMPLES, generator=order).split(BATCH_SIZE)
        batch = batches[step % len(batches)]
        loss = cross_entropy(net(x[batch]), y[batch])
        rule.zero_grad()
        loss.backward()
        rule.step()
    with torch.no_grad():
        o, o_test = net(x), net(x_test)
    return Trial(
        float(cross_entropy(o, y)),
        float(cross_entropy(o_test, y_test)),
        float((o.argmax(1) == y).double().mean()),
        float((o_test.argmax(1) == y_test).double().mean()),
        float(loss.detach()),
    )
