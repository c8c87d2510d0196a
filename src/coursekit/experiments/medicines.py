r"""Give four sick runs the same seven medicines.

====================  ======================================================
``bias``              a linear model on two spirals
``optimization``      a plain net of 32 layers on the digits
``overfitting``       a wide net on 50 digits
``mismatch``          a net on the digits, tested on digits turned by 25°
====================  ======================================================

Three of them have a high test loss, all four have one that is too high, and each has
another cause. A medicine changes one thing and keeps the seeds. Where the test set is
drawn like the training set, data from its distribution are more data.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from coursekit._validate import check_in
from coursekit.data import shifted_digits, spirals
from coursekit.experiments import depth
from coursekit.models import MLP, ResidualMLP
from coursekit.norm import BatchNorm
from coursekit.sweep import grid, sweep

__all__ = ["MEDICINES", "PATIENTS", "SHARES", "treated"]

PATIENTS = ("bias", "optimization", "overfitting", "mismatch")
MEDICINES = ("none", "larger", "skips_bn", "steps", "data", "target", "decay")
SHARES = np.linspace(0, 1, 21)  # moments, as shares of a run
STEPS = {"bias": 400, "optimization": 180, "overfitting": 200, "mismatch": 300}
RATES = {"bias": 0.1, "optimization": 0.01, "overfitting": 0.01, "mismatch": 0.01}

Sets = tuple[Tensor, Tensor, Tensor, Tensor]


def treated(
    patient: str, medicine: str, seeds: Sequence[int] = range(5)
) -> dict[str, np.ndarray]:
    """Train one patient under one medicine.

    Args:
        patient: One of `PATIENTS`.
        medicine: ``none``; ``larger``: more units, and for the linear model hidden
            layers; ``skips_bn``: residual blocks with batch norm; ``steps``: four
            times the updates; ``data``: more examples; ``target``: examples from the
            distribution of the test set; ``decay``: an L2 penalty of 0.01.
        seeds: Seeds of weights and batches.

    Returns:
        ``train`` and ``test`` loss, `[seed, moment]`, at `SHARES` of the run.
    """
    check_in("patient", patient, PATIENTS)
    check_in("medicine", medicine, MEDICINES)
    steps = STEPS[patient] * (4 if medicine == "steps" else 1)
    words: dict[str, Any] = {"optimizer": "sgdm", "momentum": depth.MOMENTUM}
    words |= {"lr": RATES[patient], "batch_size": 50, "init": "he_normal"}
    words |= {"weight_decay": 0.01 if medicine == "decay" else 0.0}
    runs = sweep(
        partial(_net, patient, medicine),
        _data(patient, medicine),
        grid(**words, seed=list(seeds)),
        steps=steps,
        probes=["train_loss", "test_loss"],
        every=steps // 20,
        workers=1,
        dtype=torch.float64,
        progress=False,
    )
    return {n: depth.finite(runs.values(f"{n}_loss")) for n in ("train", "test")}


def _net(patient: str, medicine: str) -> nn.Module:
    larger, skips = medicine == "larger", medicine == "skips_bn"
    if patient == "bias":
        if skips:  # still a linear model: no activation
            return ResidualMLP(2, 32, 3, 2, "identity", norm=BatchNorm)
        return MLP([2, 64, 64, 2] if larger else [2, 2])
    layers = 32 if patient == "optimization" else 4
    width = {"optimization": 32, "overfitting": 128, "mismatch": 64}[patient]
    width *= 2 if larger else 1
    if skips:
        return ResidualMLP(64, width, (layers - 2) // 2, 10, norm=BatchNorm)
    return MLP([64, *[width] * (layers - 1), 10])


def _data(patient: str, medicine: str) -> Sets:
    more = medicine in ("data", "target")
    if patient == "bias":
        x, y = spirals(2000, seed=0)
        n = 1000 if more else 200
        return x[:n], y[:n], x[1000:], y[1000:]
    n = {"optimization": 700, "overfitting": 50, "mismatch": 700}[patient]
    clean = shifted_digits(amount=0)
    x, y, x_test, y_test = clean
    if patient == "mismatch":
        x_test = shifted_digits("rotate", 25.0).x_test
    if patient == "mismatch" and medicine == "target":
        turned = shifted_digits("rotate", 25.0, part="train").x_train
        return torch.cat([x[:n], turned[n:]]), y, x_test, y_test
    n = 1400 if more else n
    return x[:n], y[:n], x_test, y_test
