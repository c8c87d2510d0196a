r"""Follow a signal forward and its gradient backward, layer by layer.

With independent weights of variance :math:`g^2/n` and wide layers, the mean square
:math:`q^l` of the pre-activations and the mean square of
:math:`\delta^l=\partial L/\partial z^l` obey two one-dimensional recursions over a
standard normal :math:`\xi`:

.. math::

    \mathbb{E}(a^l)^2 &= \mathbb{E}\,\varphi(\sqrt{q^l}\,\xi)^2, \quad
    q^l = g^2\, \mathbb{E}(a^{l-1})^2 \qquad (1) \\
    \overline{(\delta^{l})^2} &= \chi^l\, \overline{(\delta^{l+1})^2}, \quad
    \chi^l = g^2\, \mathbb{E}\,\varphi'(\sqrt{q^{l}}\,\xi)^2 \qquad (2)

`mean_field` iterates them by quadrature; the other functions measure real nets.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from torch import Tensor

from coursekit import init, models, probes
from coursekit.data import digits
from coursekit.experiments import stacked, stacked_training

DEPTH, WIDTH, PROBE = 12, 100, 512
MOMENTS = (0, 1, 3, 10, 30, 100, 300)
BINS = np.linspace(-4, 1.5, 34)
NETS = {
    "tanh, torch’s default": ("tanh", "standard_uniform"),
    "tanh, Xavier": ("tanh", "xavier_normal"),
    "ReLU, Xavier": ("relu", "xavier_normal"),
    "ReLU, He": ("relu", "he_normal"),
    "sigmoid, Xavier": ("sigmoid", "xavier_normal"),
}


def mean_field(
    activation: str, gain: float, depth: int, q_input: float = 1.0
) -> tuple[np.ndarray, np.ndarray]:
    r"""Iterate equations (1) and (2) over `depth` hidden layers.

    Args:
        activation: Name of the activation function.
        gain: Standard deviation of the weights times :math:`\sqrt{n_{in}}`.
        depth: Number of hidden layers.
        q_input: Mean square of the inputs.

    Returns:
        Mean square of the activations, and factor of std(δ), each `[layer]`. The
        second is the theory's :math:`\sqrt{\chi^l}`.
    """
    squares, factors, mean_square = [], [], q_input
    for _ in range(depth):
        q = gain**2 * mean_square
        moments = init.second_moments(activation, std=float(np.sqrt(q)))
        mean_square = moments.forward  # (1)
        squares.append(mean_square)
        factors.append(gain * np.sqrt(moments.backward))  # (2)
    return np.array(squares), np.array(factors)


def layer_factor(std: Sequence[float] | np.ndarray) -> float:
    """Average the factor from each layer to the one before it (geometric mean).

    Args:
        std: Spread of a signal by layer, first layer first.

    Returns:
        (std[0] / std[-1]) ** (1 / (layers - 1)): what one layer does to a signal
        that travels *backward*. Its reciprocal is the forward factor.

    Example:
        >>> layer_factor([0.25, 0.5, 1.0])
        0.5
    """
    return float((std[0] / std[-1]) ** (1 / (len(std) - 1)))


def by_layer(
    activation: str, scheme: str, *, seeds: Sequence[int], depth: int = 10
) -> dict[str, np.ndarray]:
    r"""Probe freshly initialized nets on all training digits.

    Args:
        activation: Name of the activation function.
        scheme: Name of an initialization, as `coursekit.init.initialize` takes it.
        seeds: One net a seed.
        depth: Hidden layers, 100 units each.

    Returns:
        `activation` and `delta`: standard deviations `[seed, layer]`;
        `weight_gradient`: root mean squares `[seed, layer]`, the output layer last;
        `factor`: what one layer does to std(δ), `[seed]`.
    """
    x, y, *_ = digits()
    records: dict[str, list] = {
        "activation": [],
        "delta": [],
        "weight_gradient": [],
        "factor": [],
    }
    for seed in seeds:
        net = models.MLP([x.shape[1], *[WIDTH] * depth, 10], activation)
        init.initialize(net, scheme, seed=seed)
        spread = probes.forward_backward_std(net, x, y)
        gradients = probes.weight_grad_norms(net, x, y, statistic="rms")
        records["activation"].append(spread.activation)
        records["delta"].append(spread.delta)
        records["weight_gradient"].append(gradients)
        records["factor"].append(layer_factor(spread.delta))
    return {name: np.array(rows) for name, rows in records.items()}


def propagation(
    gains: Sequence[float],
    *,
    activation: str = "relu",
    seeds: Sequence[int] = range(5),
    at: Sequence[int] = MOMENTS,
    lr: float = 0.05,
) -> dict[str, np.ndarray]:
    r"""Measure std(a) and std(δ) by layer, before and during training.

    Nets of 12 hidden layers of 100 units learn the digits by plain SGD. The output
    layer has gain 1 throughout, so that every net starts from a comparable
    :math:`\delta` at the top.

    Args:
        gains: Gains of the hidden layers.
        activation: Name of the activation function.
        seeds: Seeds, shared by all gains.
        at: Updates after which to measure.
        lr: Learning rate.

    Returns:
        `activation_std` and `delta_std`, `[gain, seed, moment, layer]`, the second of
        one example's own loss; `histogram` `[gain, moment, layer, bin]`, shares of
        log10|a| in `BINS` for the first seed.
    """
    data = digits()
    x, y = data.x_train.double(), data.y_train
    pairs = [(g, s) for g in gains for s in seeds]
    model_gains, model_seeds = [g for g, _ in pairs], [s for _, s in pairs]
    widths = [x.shape[1], *[WIDTH] * DEPTH, 10]
    stack = stacked.draw_stack(
        widths, model_gains, model_seeds, activation, last_gain=1.0
    )
    run = stacked_training.train(
        stack,
        x,
        y,
        optimizer=stacked_training.sgd(lr),
        batch_size=64,
        moments=at,
        seeds=model_seeds,
    )
    records = [_measure(stack, x[:PROBE], y[:PROBE], len(seeds)) for _ in run]
    shape = (len(gains), len(seeds), len(at), DEPTH)
    return {
        "activation_std": np.stack([r[0] for r in records], 1).reshape(shape),
        "delta_std": np.stack([r[1] for r in records], 1).reshape(shape),
        "histogram": np.stack([r[2] for r in records], 1),
    }


def _measure(
    stack: stacked.StackedMLP, x: Tensor, y: Tensor, n_seeds: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    a, delta = stacked.signals(stack, x, y)
    spread_a, spread_delta = (
        np.stack([t.std((1, 2), correction=0).numpy() for t in signal], -1)
        for signal in (a, delta)
    )
    shares = [
        [log_histogram(layer[k].numpy()) for layer in a]
        for k in range(0, len(a[0]), n_seeds)
    ]
    return spread_a, spread_delta * len(x), np.array(shares)


def log_histogram(values: np.ndarray) -> np.ndarray:
    """Find the share of log10|value| in each of `BINS`.

    Args:
        values: Any shape; exact zeros and non-finite values fall in no bin.

    Returns:
        Shares of all values, `[bin]`.

    Example:
        >>> round(float(log_histogram(np.array([0.0, 1.0, 2.0, 1e-9])).sum()), 2)
        0.5
    """
    size = np.abs(values[np.isfinite(values) & (values != 0)])
    return np.histogram(np.log10(size), BINS)[0] / values.size
