"""Hold what is measured on the way to torch, the dense Hessian and other paths."""

import importlib
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from coursekit import curvature, models
from coursekit.sweep import grid, measure, plain_loop
from coursekit.sweep import sharpness as lanczos
from coursekit.sweep.measure import PROBES, make_probes
from coursekit.sweep.sharpness import top_eigenvalues

DRAW = torch.Generator().manual_seed(0)
X = torch.randn(70, 6, generator=DRAW, dtype=torch.double)
Y = torch.randint(4, (70,), generator=DRAW)
DATA = (X[:50], Y[:50], X[50:], Y[50:])
SETTINGS = grid(lr=[0.05, 0.1], seed=range(2), n_train=[40])
EVERYTHING = list(PROBES)
PATHS = ("stacked", "mixed", "vmap", "loop")


def mlp(**words: Any) -> models.MLP:
    return models.MLP([6, 7, 5, 4], **words)


def normed() -> models.MLP:
    return mlp(norm=nn.BatchNorm1d, bias=False)


def dropped() -> nn.Module:
    parts = (nn.Linear(6, 8), nn.ReLU(), nn.Dropout(0.4), nn.Linear(8, 4))
    return nn.Sequential(*parts)


@pytest.mark.parametrize("make", [mlp, normed])
def test_probes_are_those_of_the_plain_model(
    make: Callable[..., nn.Module], core: Callable[..., Any]
) -> None:
    runs = core(make, DATA, SETTINGS, steps=7, probes=EVERYTHING, moments=[7])
    for row, setting in enumerate(SETTINGS):
        model = plain_loop(make, DATA, setting, 7, dtype=torch.double).model
        check_probes(model, setting, runs.probes[row])


def check_probes(model: nn.Module, setting: Any, probes: dict[str, Tensor]) -> None:
    from coursekit.sweep.feed import subset

    rows = subset(50, setting["n_train"], setting["seed"])
    x, y = DATA[0][rows], DATA[1][rows]
    model.eval()
    with torch.no_grad():
        for side, a, b in (("train", x, y), ("test", *DATA[2:])):
            z = model(a)
            near(probes[f"{side}_loss"], cross_entropy(z, b))
            near(probes[f"{side}_acc"], (z.argmax(1) == b).double().mean())
    model.train()
    model.zero_grad()
    cross_entropy(model(x), y).backward()
    norms = [p.grad.norm() for p in model.parameters() if p.grad is not None]
    near(probes["grad_norm"], torch.stack(norms))
    seen: list[Tensor] = []
    for layer in model.modules():
        if isinstance(layer, nn.ReLU):
            layer.register_forward_hook(lambda layer, args, a: seen.append(a.detach()))
    model(x)
    near(probes["activation_std"], torch.stack([a.std() for a in seen]))
    near(probes["dead"], torch.stack([(a <= 0).all(0).double().mean() for a in seen]))
    f, theta = curvature.flat_loss(model, x, y, cross_entropy)
    near(probes["sharpness"], torch.tensor(curvature.lambda_max(f, theta)), 1e-6)


def near(ours: Tensor, theirs: Tensor, rtol: float = 1e-12) -> None:
    torch.testing.assert_close(
        ours.squeeze(0).double(), theirs.detach().double(), rtol=rtol, atol=1e-12
    )


@pytest.mark.parametrize("make", [mlp, normed, dropped])
def test_probes_are_equal_on_all_paths_and_leave_no_trace(
    make: Callable[..., nn.Module], core: Callable[..., Any]
) -> None:
    how = {"steps": 8, "probes": EVERYTHING, "moments": [0, 3, 8]}
    first = core(make, DATA, SETTINGS, path="stacked", **how)
    bare = core(make, DATA, SETTINGS, path="stacked", steps=8)
    for path in PATHS:
        if path == "vmap" and make is dropped:
            continue  # never taken: vmap draws no masks
        other = core(make, DATA, SETTINGS, path=path, **how)
        for row in range(len(SETTINGS)):
            for name, value in first.probes[row].items():
                theirs = other.probes[row][name]
                rtol = 1e-6 if name == "sharpness" else 1e-11
                torch.testing.assert_close(value, theirs, rtol=rtol, atol=1e-11)
            for name, value in bare.tensors[row].items():
                torch.testing.assert_close(value, other.tensors[row][name])
    for row in range(len(SETTINGS)):
        assert torch.equal(bare.losses[row], first.losses[row])


def test_large_sets_are_measured_in_parts(
    core: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = core(mlp, DATA, SETTINGS, steps=2, probes=EVERYTHING, moments=[2])
    monkeypatch.setattr("coursekit.sweep.measure.AT_ONCE", 1)  # 16 at once
    parts = core(mlp, DATA, SETTINGS, steps=2, probes=EVERYTHING, moments=[2])
    for a, b in zip(whole.probes, parts.probes, strict=True):
        for name, value in a.items():
            torch.testing.assert_close(value, b[name], rtol=1e-12, atol=1e-12)


def test_a_number_an_example_is_judged_by_its_sign(core: Callable[..., Any]) -> None:
    class Sign(nn.Linear):
        def forward(self, x: Tensor) -> Tensor:
            return super().forward(x)[..., 0]

    clicks = (X[:50, 0] > 0).double()
    runs = core(
        partial(Sign, 6, 1),
        (X[:50], clicks),
        [{"lr": 0.5, "batch_size": "full"}],
        steps=60,
        loss=nn.functional.binary_cross_entropy_with_logits,
        probes=["train_acc"],
        moments=[60],
    )
    assert runs.probes[0]["train_acc"].item() > 0.9


def test_a_probe_of_ones_own_sees_the_block(core: Callable[..., Any]) -> None:
    def first_weight(net: Any, feed: Any, data: Any) -> Tensor:
        return net.thetas[0].flatten(1)[:, 0]

    runs = core(mlp, DATA, SETTINGS, steps=2, probes={"w": first_weight}, moments=[2])
    for row in range(4):
        assert runs.probes[row]["w"][0] == runs.tensors[row]["linear1.weight"][0, 0]


def test_wrong_probes_are_refused_in_words(core: Callable[..., Any]) -> None:
    with pytest.raises(ValueError, match=r"expected train_loss, .* got 'los'"):
        make_probes(["los"])
    with pytest.raises(ValueError, match="expected test data"):
        core(mlp, DATA[:2], SETTINGS, steps=1, probes=["test_acc"], moments=[1])
    linear = partial(nn.Linear, 6, 4)
    with pytest.raises(ValueError, match=r"use nn.ReLU\(\) instead of the function"):
        core(linear, DATA, SETTINGS, steps=1, probes=["dead"], moments=[1])


def matrices() -> dict[str, Tensor]:
    """Symmetric matrices with hard spectra, [models, p, p] each."""
    draw = torch.Generator().manual_seed(0)
    q, _ = torch.linalg.qr(torch.randn(3, 60, 60, generator=draw, dtype=torch.double))
    spread = torch.linspace(-1, 1, 60, dtype=torch.double).expand(3, 60)
    negative = -torch.linspace(1, 40, 60, dtype=torch.double).expand(3, 60)
    few = torch.zeros(3, 60, dtype=torch.double)
    few[:, 0], few[1, 1], few[2] = -3, 2, -2  # the last is -2 in all directions
    return {
        name: q @ torch.diag_embed(values) @ q.mT
        for name, values in (("spread", spread), ("negative", negative), ("few", few))
    }


def check_eigenvalues(top: Callable[..., Tensor]) -> None:
    for A in matrices().values():
        for size in (1, 2, 30, 60):
            part = A[:, :size, :size]
            start = torch.ones(size, dtype=torch.double).expand(3, size)
            found = top(lambda v, M=part: (M @ v[..., None])[..., 0], start, tol=1e-9)
            exact = torch.linalg.eigvalsh(part)[:, -1]
            torch.testing.assert_close(found, exact, rtol=1e-7, atol=1e-9)


def test_the_largest_eigenvalue_is_the_dense_one() -> None:
    check_eigenvalues(top_eigenvalues)


def test_one_broken_matrix_breaks_no_other() -> None:
    A = matrices()["spread"].clone()
    A[1, 3, 3] = torch.nan
    start = torch.ones(3, 60, dtype=torch.double)
    found = top_eigenvalues(lambda v: (A @ v[..., None])[..., 0], start, tol=1e-9)
    assert found.isnan().tolist() == [False, True, False]
    torch.testing.assert_close(found[0], torch.tensor(1.0, dtype=torch.double))


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("_lanczos", "(basis[j] * w).sum(1)", "(basis[0] * w).sum(1)"),
        ("_lanczos", "w = w - torch", "w = w + torch"),
        ("_lanczos", "alpha = torch.where(there, alpha, alpha[:, :1])", "pass"),
        ("_lanczos", "T = T + off + off.mT", "T = T + off"),
        ("_lanczos", "T = T + off + off.mT", "pass"),
        (
            "top_eigenvalues",
            "values[:, -1], vectors[:, :, -1]",
            "values[:, 0], vectors[:, :, 0]",
        ),
        ("top_eigenvalues", "range(RESTARTS)", "range(1)"),
        ("top_eigenvalues", "s[:, -1].abs() <= tol", "s[:, -1].abs() <= 1e8 * tol"),
    ],
)
def test_the_checks_kill_the_mutant(
    name: str,
    old: str,
    new: str,
    mutate: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    wrong = mutate(getattr(lanczos, name), old, new)
    if name == "_lanczos":
        monkeypatch.setattr(lanczos, name, wrong)
        wrong = top_eigenvalues
    with pytest.raises((AssertionError, RuntimeError)):
        check_eigenvalues(wrong)


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("signals.grad_norm", "norm(dim=1)", "norm(1, dim=1)"),
        ("signals.activation_std", "flatten(1).std(1)", "flatten(1).var(1)"),
        ("signals.dead", "amax(1) <= 0", "amin(1) <= 0"),
        ("measure.accuracy", "argmax(-1)", "argmin(-1)"),
        ("sharpness.sharpness", "feed.pool[:, :FIXED]", "feed.pool[:, :9]"),
    ],
)
def test_the_checks_kill_the_mutant_of_a_probe(
    name: str, old: str, new: str, core: Callable[..., Any], mutate: Callable[..., Any]
) -> None:
    module, attribute = name.split(".")
    place = importlib.import_module(f"coursekit.sweep.{module}")
    wrong = mutate(getattr(place, attribute), old, new)
    if attribute == "accuracy":
        wrong = measure._mean(measure._train, wrong)
    word = {"accuracy": "train_acc"}.get(attribute, attribute)
    setting = SETTINGS[0]
    probes = {**PROBES, word: wrong}
    runs = core(mlp, DATA, [setting], steps=3, probes=probes, moments=[3])
    model = plain_loop(mlp, DATA, setting, 3, dtype=torch.double).model
    with pytest.raises(AssertionError):
        check_probes(model, setting, runs.probes[0])
