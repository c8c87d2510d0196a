"""Train the cases by JAX: vmap over models, scan over updates, one jit.

A program of its own, because JAX starts threads that a fork would break. It reads
one request a line, as JSON, and answers with seconds: of the first call, which
compiles, and of the second.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp

ACTIVATIONS = {"relu": jax.nn.relu, "tanh": jnp.tanh, "sigmoid": jax.nn.sigmoid}
EXAMPLES, CLASSES, TOKENS, LENGTH, WIDTH, HEADS = 1400, 10, 32, 32, 48, 2
Params = Any
Net = tuple[Callable[[Any], Params], Callable[[Params, Any], Any]]


def dense(key: Any, n_in: int, n_out: int) -> Params:
    """Draw a linear map as torch does."""
    w = jax.random.uniform(key, (n_in, n_out), minval=-1.0, maxval=1.0)
    return {"w": w / n_in**0.5, "b": jnp.zeros(n_out)}


def linear(p: Params, x: Any) -> Any:
    """Apply a linear map."""
    return x @ p["w"] + p["b"]


def scale(x: Any, axis: int) -> Any:
    """Normalize along an axis; gain and bias are ones and zeros of the next map."""
    d = x - x.mean(axis, keepdims=True)
    return d * jax.lax.rsqrt(jnp.square(d).mean(axis, keepdims=True) + 1e-5)


def normed(p: Params, x: Any, norm: str | None) -> Any:
    """Apply batch or layer norm with gain and bias, or none."""
    if norm is None:
        return x
    return scale(x, {"batch": 0, "layer": -1}[norm]) * p["gain"] + p["bias"]


def mlp(
    widths: list[int],
    activation: str = "relu",
    norm: str | None = None,
    residual: bool = False,
) -> Net:
    """Make a multilayer perceptron; residual adds each pair of layers to its input."""
    act = ACTIVATIONS[activation]

    def init(key: Any) -> Params:
        keys = jax.random.split(key, len(widths))
        layers = []
        for k, n_in, n_out in zip(keys, widths, widths[1:], strict=False):
            layers.append(dense(k, n_in, n_out))
            layers[-1] |= {"gain": jnp.ones(n_out), "bias": jnp.zeros(n_out)}
        return layers

    def apply(params: Params, x: Any) -> Any:
        first, *hidden, last = params
        x = (
            act(normed(first, linear(first, x), norm))
            if not residual
            else linear(first, x)
        )
        if residual:
            for p, q in zip(hidden[::2], hidden[1::2], strict=True):
                x = x + linear(q, act(normed(p, linear(p, x), norm)))
        else:
            for p in hidden:
                x = act(normed(p, linear(p, x), norm))
        return linear(last, x)

    return init, apply


def conv() -> Net:
    """Make the 1-D convnet of 16 and 32 channels."""

    def init(key: Any) -> Params:
        a, b, c = jax.random.split(key, 3)
        return {
            "a": jax.random.normal(a, (16, 1, 5)) * 0.3,
            "b": jax.random.normal(b, (32, 16, 5)) * 0.1,
            "ba": jnp.zeros((16, 1)),
            "bb": jnp.zeros((32, 1)),
            "head": dense(c, 320, CLASSES),
        }

    def layer(x: Any, w: Any, b: Any) -> Any:
        z = jax.lax.conv_general_dilated(x, w, (1,), "SAME") + b
        z = jax.nn.relu(z)
        return z.reshape(*z.shape[:-1], -1, 2).max(-1)

    def apply(p: Params, x: Any) -> Any:
        x = layer(x[:, None, :], p["a"], p["ba"])
        x = layer(x, p["b"], p["bb"])
        return linear(p["head"], x.reshape(len(x), -1))

    return init, apply


def transformer() -> Net:
    """Make the small Transformer, Post-LN, two blocks."""
    d = WIDTH

    def block(key: Any) -> Params:
        k = jax.random.split(key, 6)
        names = ("q", "k", "v", "o")
        p = {n: dense(k[i], d, d) for i, n in enumerate(names)}
        p |= {"f1": dense(k[4], d, 2 * d), "f2": dense(k[5], 2 * d, d)}
        return p | {
            n: {"gain": jnp.ones(d), "bias": jnp.zeros(d)} for n in ("n1", "n2")
        }

    def init(key: Any) -> Params:
        k = jax.random.split(key, 5)
        return {
            "tokens": jax.random.normal(k[0], (TOKENS, d)),
            "positions": jax.random.normal(k[1], (LENGTH, d)),
            "blocks": [block(k[2]), block(k[3])],
            "head": dense(k[4], d, TOKENS),
        }

    def attend(p: Params, x: Any) -> Any:
        b, t, _ = x.shape
        q, k, v = (
            linear(p[n], x).reshape(b, t, HEADS, -1).swapaxes(1, 2) for n in "qkv"
        )
        s = q @ k.swapaxes(-1, -2) / (d / HEADS) ** 0.5
        a = jax.nn.softmax(jnp.where(jnp.tril(jnp.ones((t, t), bool)), s, -jnp.inf))
        return linear(p["o"], (a @ v).swapaxes(1, 2).reshape(b, t, d))

    def apply(params: Params, x: Any) -> Any:
        x = params["tokens"][x] + params["positions"]
        for p in params["blocks"]:
            x = normed(p["n1"], x + attend(p, x), "layer")
            ffn = linear(p["f2"], jax.nn.relu(linear(p["f1"], x)))
            x = normed(p["n2"], x + ffn, "layer")
        return linear(params["head"], x)

    return init, apply


NETS = {"mlp": mlp, "conv": conv, "transformer": transformer}


def trained(
    net: Net, batch: int, count: int, updates: int, text: bool, size: int
) -> Any:
    """Compile a function that trains all models from a key and rates."""
    init, apply = net
    if text:
        x = jax.random.randint(jax.random.key(0), (EXAMPLES, LENGTH), 0, TOKENS)
        y = jax.random.randint(jax.random.key(1), (EXAMPLES, LENGTH), 0, TOKENS)
    else:
        x = jax.random.normal(jax.random.key(0), (EXAMPLES, size))
        y = jax.random.randint(jax.random.key(1), (EXAMPLES,), 0, CLASSES)

    def loss(theta: Params, rows: Any) -> Any:
        log_p = jax.nn.log_softmax(apply(theta, x[rows]))
        return -jnp.take_along_axis(log_p, y[rows][..., None], -1).mean()

    def step(lr: Any, carry: Any, key: Any) -> Any:
        theta, m, v, t = carry
        rows = jax.random.randint(key, (batch,), 0, EXAMPLES)
        value, g = jax.value_and_grad(loss)(theta, rows)
        m = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, m, g)
        v = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, v, g)
        a, b = 1 - 0.9**t, 1 - 0.999**t
        theta = jax.tree.map(
            lambda p, m, v: p - lr * (m / a) / (jnp.sqrt(v / b) + 1e-8), theta, m, v
        )
        return (theta, m, v, t + 1), value

    def one(key: Any, lr: Any) -> Any:
        theta = init(key)
        zeros = jax.tree.map(jnp.zeros_like, theta)
        keys = jax.random.split(key, updates)
        return jax.lax.scan(partial(step, lr), (theta, zeros, zeros, 1.0), keys)

    function = jax.jit(jax.vmap(one))
    keys = jax.random.split(jax.random.key(2), count)
    rates = jnp.linspace(1e-3, 4e-3, count)
    return lambda: jax.block_until_ready(function(keys, rates))


def answer(request: dict[str, Any]) -> list[float]:
    """Time the first call and the second."""
    words = dict(request["net"])
    kind = words.pop("kind")
    size = words["widths"][0] if kind == "mlp" else 40
    times = []
    start = time.perf_counter()
    call = trained(
        NETS[kind](**words),
        request["batch"],
        request["count"],
        request["updates"],
        kind == "transformer",
        size,
    )
    for _ in range(1 if request.get("once") else 2):
        call()
        times.append(time.perf_counter() - start)
        start = time.perf_counter()
    return times


if __name__ == "__main__":
    for line in sys.stdin:
        print(json.dumps(answer(json.loads(line))), flush=True)
