"""The click model against its equations, what a norm erases, and mutants."""

import math
from functools import partial

import numpy as np
import pytest
import torch
from torch import nn

from coursekit import models, norm
from coursekit.device import generator
from coursekit.init import initialize

EXACT = {"rtol": 1e-12, "atol": 1e-12}
SIZES = [5, 3, 4]


def random(*shape, seed=0):
    return torch.randn(*shape, generator=generator(seed), dtype=torch.float64)


def records(n=6, numbers=2, seed=0):
    draw = generator(seed)
    columns = [torch.randint(size, (n,), generator=draw) for size in SIZES]
    return torch.stack(columns, -1), random(n, numbers, seed=seed + 1)


def make(n_numerical=2, **options):
    model = models.CTRNet(SIZES, n_numerical, 4, (7, 6), **options).double()
    with torch.no_grad():
        for i, p in enumerate(model.parameters()):
            p.copy_(random(*p.shape, seed=100 * i) / 2)
    return model


def close(ours, theirs, **tolerance):
    torch.testing.assert_close(ours, theirs, **(EXACT | tolerance))


def check_ctr_is_its_equations():
    c, x = records()
    for bias in (False, True):
        model = make(num_bias=bias)
        rows = []
        for r in range(len(c)):
            e = [model.tables[j].weight[c[r, j]] for j in range(3)]
            for j in range(2):
                b = model.numbers.bias[j] if bias else 0
                e.append(x[r, j] * model.numbers.weight[j] + b)
            rows.append(model.mlp(torch.cat(e)))
        close(model(c, x), torch.cat(rows))
        assert model(c, x).shape == (6,)


def check_numerical_embedding_is_its_equation():
    for bias in (False, True):
        layer = models.NumericalEmbedding(3, 4, bias=bias).double()
        x = random(2, 5, 3)
        e = np.einsum("rsj,jd->rsjd", x.numpy(), layer.weight.detach().numpy())
        e = e + (layer.bias.detach().numpy() if bias else 0)
        close(layer(x), torch.from_numpy(e))
        assert all(p.std() > 0.3 for p in layer.parameters())


def check_norms_stand_where_they_are_asked_for():
    c, x = records()
    model = make(emb_norm=norm.BatchNorm, num_norm=norm.LayerNorm)
    e = torch.stack([table(c[:, j]) for j, table in enumerate(model.tables)], 1)
    n = model.numbers(x)
    got = model.embed(c, x)
    for j in range(3):
        layer = model.emb_norms[j]
        expected = nn.functional.batch_norm(
            e[:, j], None, None, layer.weight, layer.bias, True
        )
        close(got[:, j], expected)
    for j in range(2):
        layer = model.num_norms[j]
        expected = nn.functional.layer_norm(n[:, j], (4,), layer.weight, layer.bias)
        close(got[:, 3 + j], expected)
    plain = make()
    tables = [table(c[:, j]) for j, table in enumerate(plain.tables)]
    bare = torch.cat([torch.stack(tables, 1), plain.numbers(x)], 1)
    close(plain.embed(c, x), bare)
    assert not any(isinstance(m, norm.BatchNorm) for m in plain.modules())


def check_the_norm_of_the_mlp_stands_before_its_activations():
    model = make(mlp_norm=norm.VarianceOnlyLayerNorm)
    names = [name for name, _ in model.mlp.named_children()]
    assert names == [
        *("linear1", "norm1", "act1", "linear2", "norm2", "act2", "linear3")
    ]
    assert model.mlp.norm1.normalized_shape == (7,)


def check_fields_have_norms_of_their_own_unless_shared():
    own = make(emb_norm=norm.LayerNorm, num_norm=norm.LayerNorm)
    assert len({id(layer) for layer in (*own.emb_norms, *own.num_norms)}) == 5
    shared = make(emb_norm=norm.LayerNorm, num_norm=norm.LayerNorm, shared_norm=True)
    assert (len(shared.emb_norms), len(shared.num_norms)) == (1, 1)
    saved = models.count_params(own) - models.count_params(shared)
    assert saved == (2 + 1) * 2 * 4
    c, x = records()
    e = torch.stack([table(c[:, j]) for j, table in enumerate(shared.tables)], 1)
    layer = shared.emb_norms[0]
    close(shared.embed(c, x)[:, :3], layer(e))


def check_a_norm_erases_numbers_that_are_embedded_without_a_bias():
    c, x = records(8)
    layer = partial(norm.LayerNorm, eps=0.0)
    erased = make(num_norm=layer)
    close(erased(c, x), erased(c, x.sign()), rtol=1e-9)
    w = erased.numbers.weight
    centred = w - w.mean(-1, keepdim=True)
    unit = centred / centred.square().mean(-1, keepdim=True).sqrt()
    signed = x.sign()[..., None] * unit
    affine = torch.stack([n.weight for n in erased.num_norms])
    shift = torch.stack([n.bias for n in erased.num_norms])
    close(erased.embed(c, x)[:, 3:], signed * affine + shift, rtol=1e-9)
    kept = make(num_norm=layer, num_bias=True)
    assert (kept(c, x) - kept(c, x.sign())).abs().min() > 1e-4


def check_variance_only_norm_changes_no_sign():
    c, x = records()
    model = make(mlp_norm=norm.VarianceOnlyLayerNorm)
    z = model.mlp.linear1(model.embed(c, x).flatten(1))
    assert torch.equal(model.mlp.norm1(z) > 0, z > 0)


def check_defaults_of_the_model():
    model = models.CTRNet([100, 7], 3)
    assert model.tables[0].weight.shape == (100, 10)
    assert [m.out_features for m in model.mlp if isinstance(m, nn.Linear)] == [
        64,
        64,
        1,
    ]
    assert model.numbers.bias is None
    assert isinstance(model.mlp.act1, nn.ReLU)
    assert models.count_params(model) == 1070 + 30 + (51 * 64 + 65 * 64 + 65)
    assert models.CTRNet([4], widths=()).mlp.linear1.in_features == 10
    c, _ = records()
    close(make(0)(c), make(0)(c, torch.zeros(6, 0, dtype=torch.float64)))
    only = models.CTRNet([], 2)
    assert only(torch.zeros(5, 0).long(), torch.zeros(5, 2)).shape == (5,)


def check_embeddings_are_drawn_from_one_generator():
    model = models.initialize_embeddings(make(num_bias=True), 0.3, seed=4)
    draw = generator(4)
    numbers = [model.numbers.weight, model.numbers.bias]
    for p in [*(table.weight for table in model.tables), *numbers]:
        expected = 0.3 * torch.randn(p.shape, generator=draw, dtype=p.dtype)
        assert torch.equal(p, expected)
    before = {name: p.clone() for name, p in model.named_parameters()}
    initialize(model, "he_normal", seed=0)
    for name, p in model.named_parameters():
        assert torch.equal(p, before[name]) != name.startswith("mlp.")
    padded = models.initialize_embeddings(nn.Embedding(4, 3, padding_idx=1), seed=0)
    assert (padded.weight == 0).all(-1).tolist() == [False, True, False, False]
    again = models.initialize_embeddings(nn.Embedding(4, 3), generator=generator(0))
    assert torch.equal(again.weight[2:], padded.weight[2:])


CHECKS = [check for name, check in list(globals().items()) if name[:6] == "check_"]


@pytest.mark.parametrize("check", CHECKS)
def test_ctr(check):
    check()


@pytest.mark.parametrize("place", ["emb_norm", "num_norm", "mlp_norm"])
@pytest.mark.parametrize(
    "layer",
    [
        *(norm.BatchNorm, norm.LayerNorm, norm.SimpleLayerNorm),
        *(norm.VarianceOnlyLayerNorm, norm.RMSNorm, partial(norm.GroupNorm, 1)),
    ],
)
def test_every_norm_fits_every_place(place, layer):
    c, x = records()
    assert bool(make(**{place: layer})(c, x).isfinite().all())


def test_a_category_out_of_range_is_refused():
    c, x = records()
    for wrong in (-1, 3):
        c[0, 1] = wrong
        with pytest.raises(IndexError):
            make()(c, x)


def test_gradients_are_right():
    c, x = records(3)
    model = make(num_norm=norm.LayerNorm, num_bias=True, activation="tanh")
    assert torch.autograd.gradcheck(lambda x: model(c, x), x.requires_grad_())


C, N = records()
M = make()
BAD = [
    (lambda: M(C), ValueError, r"\[N, 3\] and \[N, 2\], got \(6, 3\) and None"),
    (lambda: M(C, N[:3]), ValueError, r"and \(3, 2\)"),
    (lambda: M(C[:, :2], N), ValueError, r"got \(6, 2\)"),
    (lambda: M(C, N[:, :1]), ValueError, r"and \(6, 1\)"),
    (lambda: make(0)(C, N), ValueError, r"\[N, 0\]"),
    (lambda: models.CTRNet([]), ValueError, "expected a field, got none"),
    (lambda: models.CTRNet([3, 0]), ValueError, r"n_categories\[1\]: expected"),
    (lambda: models.CTRNet([3], -1), ValueError, "n_numerical: expected"),
    (lambda: models.CTRNet([3], dim=0), ValueError, "dim: expected"),
    (lambda: models.CTRNet([3], widths=(0,)), ValueError, r"widths\[1\]: expected"),
    (lambda: models.NumericalEmbedding(2, 0), ValueError, "dim: expected"),
    (lambda: models.NumericalEmbedding(2, 3)(N[:, :1]), ValueError, r"\[\*, 2\], got"),
    (
        lambda: models.initialize_embeddings(nn.Linear(2, 2), seed=0),
        ValueError,
        "with embeddings, got Linear",
    ),
    (lambda: models.initialize_embeddings(M), ValueError, "exactly one of them"),
    (
        lambda: models.initialize_embeddings(M, seed=0, generator=generator(0)),
        ValueError,
        "exactly one of them",
    ),
    (
        lambda: models.initialize_embeddings(M, -1.0, seed=0),
        ValueError,
        "std: expected",
    ),
    (
        lambda: models.initialize_embeddings(M, math.inf, seed=0),
        ValueError,
        "std: expected",
    ),
]


@pytest.mark.parametrize(("call", "kind", "message"), BAD)
def test_bad_input_is_refused_in_words(call, kind, message):
    with pytest.raises(kind, match=message):
        call()


MUTANTS = [
    ("numerical_embedding", "NumericalEmbedding", "* self.weight + b", "* self.weight"),
    (
        "numerical_embedding",
        "NumericalEmbedding",
        "* self.weight + b",
        "+ self.weight + b",
    ),
    (
        "numerical_embedding",
        "NumericalEmbedding",
        "x.unsqueeze(-1)",
        "x.sign().unsqueeze(-1)",
    ),
    (
        "numerical_embedding",
        "NumericalEmbedding",
        "nn.Parameter(torch.randn(shape)) if bias",
        "nn.Parameter(torch.zeros(shape)) if bias",
    ),
    (
        "numerical_embedding",
        "NumericalEmbedding",
        "bias: bool = False",
        "bias: bool = True",
    ),
    (
        "ctr",
        "CTRNet",
        "table(column) for table",
        "table(column).detach() * 2 for table",
    ),
    ("ctr", "CTRNet", "(*found, *scaled)", "(*scaled, *found)"),
    ("ctr", "CTRNet", "[norm(e) for norm, e in pairs]", "[e for norm, e in pairs]"),
    ("ctr", "CTRNet", "_norms(emb_norm, len(sizes)", "_norms(num_norm, len(sizes)"),
    ("ctr", "CTRNet", "_norms(num_norm, n_numerical", "_norms(None, n_numerical"),
    ("ctr", "CTRNet", "norm=mlp_norm)", "norm=emb_norm)"),
    ("ctr", "CTRNet", "bias=num_bias)", "bias=True)"),
    ("ctr", "CTRNet", "num_bias: bool = False", "num_bias: bool = True"),
    ("ctr", "CTRNet", "dim: int = 10", "dim: int = 8"),
    ("ctr", "CTRNet", "= (64, 64)", "= (64,)"),
    ("ctr", "CTRNet", '= "relu"', '= "tanh"'),
    ("ctr", "CTRNet", "shared_norm: bool = False", "shared_norm: bool = True"),
    ("ctr", "CTRNet", ".squeeze(-1)  # (4)", "  # (4)"),
    ("ctr", "CTRNet", "e.flatten(-2)", "e.mT.flatten(-2)"),
    ("ctr", "_norms", "if shared else", "if not shared else"),
    ("embeddings", "initialize_embeddings", "s * torch.randn", "torch.randn"),
    ("embeddings", "initialize_embeddings", "s * torch.randn", "s * s * torch.randn"),
    (
        "embeddings",
        "initialize_embeddings",
        "torch.randn(p.shape",
        "torch.rand(p.shape",
    ),
    ("embeddings", "initialize_embeddings", "layer.padding_idx is not None", "False"),
]


@pytest.mark.parametrize(("page", "name", "old", "new"), MUTANTS)
def test_the_checks_kill_the_mutant(survives, page, name, old, new):
    assert not survives(page, name, old, new, CHECKS)
