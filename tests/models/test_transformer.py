"""Attention, block and language model against torch, the theory, and mutants."""

import math
from functools import partial

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from coursekit import models, norm
from coursekit.device import generator
from coursekit.init import initialize

EXACT = {"rtol": 1e-12, "atol": 1e-12}


def random(*shape, seed=0):
    return torch.randn(*shape, generator=generator(seed), dtype=torch.float64)


def fill(model, seed=0):
    """Give every parameter new values: biases, gains and tables included."""
    model = model.double()
    with torch.no_grad():
        for i, p in enumerate(model.parameters()):
            p.copy_(random(*p.shape, seed=seed + 100 * i) / 2)
    return model


def close(ours, theirs, **tolerance):
    torch.testing.assert_close(ours, theirs, **(EXACT | tolerance))


# ---- attention


def check_attention_is_torchs_and_its_equations():
    q, k, v = random(2, 3, 5, 4), random(2, 3, 6, 4, seed=1), random(2, 3, 6, 7, seed=2)
    allowed = random(5, 6, seed=3) > -0.5
    allowed[:, 0] = True
    for mask in (None, allowed):
        y, A = models.attention(q, k, v, mask)
        close(y, F.scaled_dot_product_attention(q, k, v, attn_mask=mask))
        S = np.einsum("...id,...jd->...ij", q.numpy(), k.numpy()) / 2.0
        if mask is not None:
            S = np.where(mask.numpy(), S, -np.inf)
        weights = np.exp(S) / np.exp(S).sum(-1, keepdims=True)
        close(A, torch.from_numpy(weights))
        close(A.sum(-1), torch.ones(2, 3, 5).double())


def check_heads_are_torchs():
    x = random(3, 5, 8)
    for heads, causal, bias in ((1, False, True), (4, True, True), (2, True, False)):
        ours = fill(models.MultiHeadAttention(8, heads, causal=causal, bias=bias))
        theirs = nn.MultiheadAttention(8, heads, bias=bias, batch_first=True).double()
        theirs.load_state_dict(models.to_torch_state(ours))
        later = torch.ones(5, 5).triu(1).bool() if causal else None
        close(ours(x), theirs(x, x, x, attn_mask=later, need_weights=False)[0])
        close(ours(x[0]), ours(x)[0])
        again = models.MultiHeadAttention(8, heads, causal=causal, bias=bias).double()
        models.from_torch_state(again, theirs.state_dict())
        close(again(x), ours(x))


def check_uniform_attention_is_that_of_zero_queries_and_keys():
    x = random(2, 5, 6)
    for causal in (False, True):
        theory = fill(models.MultiHeadAttention(6, 1, causal=causal, uniform=True))
        full = models.MultiHeadAttention(6, 1, causal=causal).double()
        full.load_state_dict(theory.state_dict(), strict=False)
        with torch.no_grad():
            for linear in (full.query, full.key):
                linear.weight.zero_(), linear.bias.zero_()
        close(theory(x), full(x))
        count = torch.arange(1, 6).double()[:, None] if causal else 5.0
        value = theory.value(x)
        mean = (value.cumsum(-2) if causal else value.sum(-2, keepdim=True)) / count
        close(theory(x), theory.out(mean).expand_as(x))
        assert models.count_params(theory) == 2 * (36 + 6)
    assert models.count_params(models.MultiHeadAttention(6)) == 4 * (36 + 6)
    assert models.MultiHeadAttention(6).heads == 1


def check_entries_of_a_far_score_do_not_overflow():
    y, A = models.attention(*(1e4 * random(1, 3, 2, seed=s) for s in range(3)))
    assert bool(y.isfinite().all())
    assert bool(A.isfinite().all())


# ---- block


def twins(place, activation="relu", bias=True, ffn=2, heads=2, width=8, causal=False):
    """A block of ours and of torch's with the same weights."""
    layer = partial(norm.LayerNorm, bias=bias)
    ours = models.TransformerBlock(
        *(width, heads, place),
        ffn=ffn,
        activation=activation,
        norm_layer=layer,
        causal=causal,
        bias=bias,
    )
    ours = fill(ours)
    theirs = nn.TransformerEncoderLayer(
        *(width, heads, round(ffn * width), 0.0, activation),
        batch_first=True,
        norm_first=place == "pre",
        bias=bias,
    ).double()
    theirs.load_state_dict(models.to_torch_state(ours))
    return ours, theirs


def check_block_is_torchs():
    x = random(3, 5, 8)
    later = torch.ones(5, 5).triu(1).bool()
    for place in ("post", "pre"):
        for options in (
            *({}, {"activation": "gelu"}, {"bias": False}, {"ffn": 0.5}),
            *({"heads": 8, "ffn": 4}, {"causal": True}),
        ):
            ours, theirs = twins(place, **options)
            mask = later if options.get("causal") else None
            close(ours(x), theirs(x, src_mask=mask))
            again = twins(place, **options)[0]
            fill(again, seed=7)
            close(models.from_torch_state(again, theirs.state_dict())(x), ours(x))


def check_block_is_its_equations():
    x = random(2, 5, 6)
    for place in ("post", "pre"):
        block = fill(models.TransformerBlock(6, 3, place))
        att, N1, N2 = block.attention, block.norm1, block.norm2
        one, two = block.ffn.linear1, block.ffn.linear2

        def ffn(u, one=one, two=two):
            hidden = (u @ one.weight.T + one.bias).relu()
            return hidden @ two.weight.T + two.bias

        if place == "post":
            u = N1(x + att(x))
            y = N2(u + ffn(u))
        else:
            u = x + att(N1(x))
            y = u + ffn(N2(u))
        close(block(x), y)


def check_defaults_of_the_block():
    block = models.TransformerBlock(6)
    assert block.norm == "post"
    assert block.ffn.linear1.out_features == 12
    assert isinstance(block.ffn.act1, nn.ReLU)
    assert isinstance(block.norm1, norm.LayerNorm)
    assert (block.attention.causal, block.attention.uniform) == (False, False)
    assert models.TransformerBlock(6, norm="pre").norm == "pre"
    theory = models.TransformerBlock(6, uniform=True, ffn=1)
    assert models.count_params(theory) == 4 * (36 + 6) + 2 * 12
    free = models.TransformerBlock(6, norm_layer=norm.RMSNorm)
    assert isinstance(free.norm2, norm.RMSNorm)


def check_parts_are_listed_in_the_order_of_the_forward_pass():
    for place in ("post", "pre"):
        block, seen = models.TransformerBlock(6, norm=place), []
        for part in block.children():
            part.register_forward_hook(lambda part, *_, seen=seen: seen.append(part))
        block(torch.zeros(1, 2, 6))
        assert all(a is b for a, b in zip(seen, block.children(), strict=True))


def check_a_post_ln_token_leaves_with_squared_norm_d():
    block = models.TransformerBlock(64, 4, "post").double()
    square = block(random(2, 5, 64)).square().sum(-1)
    close(square, torch.full((2, 5), 64.0).double(), rtol=1e-4)


# ---- language model


def check_language_model_is_its_equations():
    s = torch.randint(11, (3, 5), generator=generator(1))
    for place in ("post", "pre"):
        model = fill(models.TransformerLM(11, 6, 2, n_blocks=3, seq_len=9, norm=place))
        x = model.tokens.weight[s] + model.positions.weight[:5]
        for block in model.blocks:
            assert block.norm == place
            x = block(x)
        x = model.norm(x) if place == "pre" else x
        close(model(s), x @ model.head.weight.T + model.head.bias)
        close(model(s[0]), model(s)[0])
    bag = fill(models.TransformerLM(11, 6, positions=False))
    assert bag.positions is None
    close(bag.embed(s), bag.tokens.weight[s])


def check_the_last_norm_is_there_in_pre_ln_only():
    pre = models.TransformerLM(11, 6, norm="pre", norm_layer=norm.RMSNorm)
    assert isinstance(pre.norm, norm.RMSNorm)
    assert isinstance(pre.blocks[0].norm1, norm.RMSNorm)
    post = models.TransformerLM(11, 6)
    assert not list(post.norm.parameters())
    assert post.blocks[0].norm == "post"
    assert (len(post.blocks), post.seq_len) == (2, 64)
    assert post.positions.weight.shape == (64, 6)


def check_a_causal_model_does_not_see_the_future():
    s = torch.randint(11, (2, 8), generator=generator(2))
    for causal in (True, False):
        model = fill(models.TransformerLM(11, 6, 3, seq_len=8, causal=causal))
        for t in range(1, 8):
            changed = s.clone()
            changed[:, t] = (s[:, t] + 1) % 11
            same = (model(changed) - model(s)).abs().amax((0, 2)) < 1e-12
            assert same.tolist() == [causal and i < t for i in range(8)]
    default = models.TransformerLM(11, 6)
    assert all(block.attention.causal for block in default.blocks)


def check_arguments_of_the_blocks_are_passed_on():
    model = models.TransformerLM(11, 6, 3, uniform=True, ffn=1, activation="gelu")
    for block in model.blocks:
        assert block.attention.uniform
        assert block.attention.heads == 3
        assert block.ffn.linear1.out_features == 6
        assert isinstance(block.ffn.act1, nn.GELU)


# ---- what the theory says of the start


def start(place, n_blocks, seed, width=64, theory=False):
    """A model at initialization, and texts without structure."""
    options = {"uniform": True, "ffn": 1} if theory else {"ffn": 2}
    heads = 1 if theory else 4
    model = models.TransformerLM(
        20, width, heads, n_blocks, 16, place, causal=False, **options
    )
    initialize(model.double(), "xavier_normal", seed=seed)
    models.initialize_embeddings(model, seed=seed + 1)
    return model, torch.randint(20, (8, 16), generator=generator(seed))


def check_last_gradient_falls_with_depth_in_pre_ln_only():
    depths = [2, 4, 8, 16]
    slopes = {}
    for place in ("pre", "post"):
        norms = np.zeros((3, 4))
        for seed in range(3):
            for i, n_blocks in enumerate(depths):
                model, s = start(place, n_blocks, seed)
                loss = F.cross_entropy(model(s)[:, -1], s[:, 0])
                weight = model.blocks[-1].ffn.linear2.weight
                norms[seed, i] = torch.autograd.grad(loss, weight)[0].norm()
        slopes[place] = np.polyfit(np.log(depths), np.log(norms.mean(0)), 1)[0]
    assert -0.55 < slopes["pre"] < -0.3
    assert -0.2 < slopes["post"] < 0.2


def check_hidden_norm_grows_linearly_in_pre_ln_and_not_in_post_ln():
    for place in ("pre", "post"):
        squares = []
        for seed in range(4):
            model, s = start(place, 8, seed, theory=True)
            x = model.embed(s) / math.sqrt(2)  # two tables of deviation 1
            row = []
            for block in model.blocks:
                x = block(x)
                row.append(x.square().mean().item())
            squares.append(row)
        mean = np.mean(squares, 0)
        if place == "post":
            assert np.allclose(mean, 1, rtol=1e-4)
        else:  # lemma 2: between 1 + l/2 and 1 + 3l/2, in units of d
            l = np.arange(1, 9)
            assert (mean > 0.95 * (1 + l / 2)).all()
            assert (mean < 1.05 * (1 + 3 * l / 2)).all()


CHECKS = [check for name, check in list(globals().items()) if name[:6] == "check_"]


@pytest.mark.parametrize("check", CHECKS)
def test_transformer(check):
    check()


def test_gradients_are_right():
    for place in ("post", "pre"):
        block = fill(
            models.TransformerBlock(4, 2, place, causal=True, activation="tanh")
        )
        assert torch.autograd.gradcheck(block, random(1, 3, 4).requires_grad_())


def test_three_maps_get_the_fan_out_that_one_joined_map_gets_wrong():
    ours = initialize(models.MultiHeadAttention(64), "xavier_uniform", seed=0)
    theirs = nn.MultiheadAttention(64, 1)
    ratio = ours.query.weight.var() / theirs.in_proj_weight.var()
    assert ratio.item() == pytest.approx(2, rel=0.1)


X = torch.zeros(2, 5, 8)
BAD = [
    (
        lambda: models.MultiHeadAttention(8, 3),
        ValueError,
        "a divisor of the width 8, g",
    ),
    (lambda: models.MultiHeadAttention(8, 0), ValueError, "heads: expected"),
    (lambda: models.MultiHeadAttention(0), ValueError, "width: expected"),
    (lambda: models.MultiHeadAttention(6)(X), ValueError, r"\[\*, T, 6\], got \(2, 5"),
    (lambda: models.MultiHeadAttention(8)(X[0, 0]), ValueError, r"got \(8,\)"),
    (lambda: models.attention(X, X[..., :3], X), ValueError, "queries, d"),
    (lambda: models.attention(X, X, X[:, :3]), ValueError, "queries, d"),
    (
        lambda: models.TransformerBlock(8, norm="mid"),
        ValueError,
        "one of 'post', 'pre'",
    ),
    (lambda: models.TransformerBlock(8, ffn=0), ValueError, "ffn: expected a finite"),
    (lambda: models.TransformerBlock(8, ffn=0.01), ValueError, r"widths\[1\]"),
    (lambda: models.TransformerBlock(0), ValueError, "width: expected"),
    (lambda: models.TransformerLM(0, 8), ValueError, "n_tokens: expected"),
    (lambda: models.TransformerLM(5, 0), ValueError, "width: expected"),
    (lambda: models.TransformerLM(5, 8, n_blocks=0), ValueError, "n_blocks: expected"),
    (lambda: models.TransformerLM(5, 8, seq_len=0), ValueError, "seq_len: expected"),
    (
        lambda: models.TransformerLM(5, 8, seq_len=4)(torch.zeros(1, 5).long()),
        ValueError,
        "T from 1 to seq_len=4, got",
    ),
    (
        lambda: models.TransformerLM(5, 8)(torch.zeros(1, 0).long()),
        ValueError,
        "T from 1",
    ),
    (lambda: models.TransformerLM(5, 8)(torch.tensor(1)), ValueError, r"got \(\)"),
    (
        lambda: models.to_torch_state(models.TransformerBlock(8, uniform=True)),
        TypeError,
        "without uniform attention",
    ),
    (lambda: models.to_torch_state(nn.Linear(2, 2)), TypeError, "got Linear"),
]


@pytest.mark.parametrize(("call", "kind", "message"), BAD)
def test_bad_input_is_refused_in_words(call, kind, message):
    with pytest.raises(kind, match=message):
        call()


def test_a_query_that_may_read_nothing_says_so():
    y, _ = models.attention(X, X, X, torch.zeros(5, 5, dtype=torch.bool))
    assert bool(y.isnan().all())


MUTANTS = [
    ("attention", "attention", "math.sqrt(q.shape[-1])", "math.sqrt(k.shape[-2])"),
    ("attention", "attention", "/ math.sqrt(q.shape[-1])", "/ q.shape[-1]"),
    ("attention", "attention", "/ math.sqrt(q.shape[-1])", ""),
    ("attention", "attention", "masked_fill(~allowed", "masked_fill(allowed"),
    ("attention", "attention", "-math.inf)", "0.0)"),
    ("attention", "attention", "S.softmax(-1)", "S.softmax(-2)"),
    (
        "attention",
        "attention",
        "S.softmax(-1)",
        "S.exp() / S.exp().sum(-1, keepdim=True)",
    ),
    ("attention", "MultiHeadAttention", ".tril()", ".triu()"),
    ("attention", "MultiHeadAttention", ".tril()", ".tril(-1)"),
    ("attention", "MultiHeadAttention", ".tril()", ".tril(1)"),
    (
        "attention",
        "MultiHeadAttention",
        "self._split(self.key(x))",
        "self._split(self.query(x))",
    ),
    ("attention", "MultiHeadAttention", "self._split(self.value(x))", "self._split(x)"),
    ("attention", "MultiHeadAttention", "(self.heads, -1)", "(-1, self.heads)"),
    (
        "attention",
        "MultiHeadAttention",
        "y.transpose(-3, -2).flatten(-2)",
        "y.flatten(-3).reshape(x.shape)",
    ),
    (
        "attention",
        "MultiHeadAttention",
        "self.value = nn.Linear(d, d, bias=bias)",
        "self.value = nn.Linear(d, d)",
    ),
    (
        "attention",
        "MultiHeadAttention",
        "self.out = nn.Linear(d, d, bias=bias)",
        "self.out = nn.Linear(d, d)",
    ),
    ("attention", "MultiHeadAttention", "heads: int = 1", "heads: int = 2"),
    ("attention", "MultiHeadAttention", "causal: bool = False", "causal: bool = True"),
    (
        "attention",
        "MultiHeadAttention",
        "self.query = Zero() if uniform",
        "self.query = Zero() if False",
    ),
    (
        "transformer_block",
        "TransformerBlock",
        "self.norm1(x + self.attention(x))",
        "x + self.norm1(self.attention(x))",
    ),
    (
        "transformer_block",
        "TransformerBlock",
        "self.norm1(x + self.attention(x))",
        "self.norm1(self.attention(x))",
    ),
    (
        "transformer_block",
        "TransformerBlock",
        "self.norm2(u + self.ffn(u))",
        "self.norm1(u + self.ffn(u))",
    ),
    (
        "transformer_block",
        "TransformerBlock",
        "self.norm2(u + self.ffn(u))",
        "self.norm2(x + self.ffn(u))",
    ),
    (
        "transformer_block",
        "TransformerBlock",
        "self.norm2(u + self.ffn(u))",
        "u + self.ffn(u)",
    ),
    (
        "transformer_block",
        "TransformerBlock",
        "x + self.attention(self.norm1(x))",
        "self.norm1(x) + self.attention(self.norm1(x))",
    ),
    (
        "transformer_block",
        "TransformerBlock",
        "x + self.attention(self.norm1(x))",
        "x + self.attention(x)",
    ),
    (
        "transformer_block",
        "TransformerBlock",
        "u + self.ffn(self.norm2(u))",
        "u + self.ffn(self.norm1(u))",
    ),
    (
        "transformer_block",
        "TransformerBlock",
        "u + self.ffn(self.norm2(u))",
        "x + self.ffn(self.norm2(u))",
    ),
    (
        "transformer_block",
        "TransformerBlock",
        "u + self.ffn(self.norm2(u))",
        "u + self.ffn(u)",
    ),
    ("transformer_block", "TransformerBlock", "ffn: float = 2", "ffn: float = 4"),
    (
        "transformer_block",
        "TransformerBlock",
        'norm: str = "post"',
        'norm: str = "pre"',
    ),
    ("transformer_block", "TransformerBlock", '= "relu"', '= "gelu"'),
    ("transformer_block", "TransformerBlock", "= LayerNorm,", "= nn.Identity,"),
    (
        "transformer_block",
        "TransformerBlock",
        "causal: bool = False",
        "causal: bool = True",
    ),
    ("transformer_block", "TransformerBlock", "activation, bias=bias", "activation"),
    ("transformer_lm", "TransformerLM", 'if norm == "pre" else nn.Identity()', ""),
    ("transformer_lm", "TransformerLM", 'if norm == "pre"', 'if norm == "post"'),
    ("transformer_lm", "TransformerLM", "f = self.norm(x)", "f = x"),
    ("transformer_block", "TransformerBlock", "ORDER[norm]", 'ORDER["pre"]'),
    (
        "transformer_lm",
        "TransformerLM",
        "+ self.positions(torch.arange(T,",
        "- self.positions(torch.arange(T,",
    ),
    ("transformer_lm", "TransformerLM", "torch.arange(T,", "torch.arange(1, T + 1,"),
    ("transformer_lm", "TransformerLM", "causal: bool = True", "causal: bool = False"),
    ("transformer_lm", "TransformerLM", "causal=causal", "causal=True"),
    ("transformer_lm", "TransformerLM", "n_blocks: int = 2", "n_blocks: int = 1"),
    ("transformer_lm", "TransformerLM", "seq_len: int = 64", "seq_len: int = 32"),
    ("transformer_lm", "TransformerLM", 'norm: str = "post"', 'norm: str = "pre"'),
    (
        "transformer_lm",
        "TransformerLM",
        "positions: bool = True",
        "positions: bool = False",
    ),
    (
        "transformer_lm",
        "TransformerLM",
        "norm_layer=norm_layer",
        "norm_layer=LayerNorm",
    ),
    ("transformer_lm", "TransformerLM", "norm_layer(width) if", "LayerNorm(width) if"),
    ("torch_names", "_read_attention", "zip(JOINED,", "zip(JOINED[::-1],"),
    ("torch_names", "_write_attention", "for x in JOINED", "for x in JOINED[::-1]"),
    ("torch_names", "_read_block", 'startswith("norm")', 'startswith("norm1")'),
    ("embeddings", "initialize_embeddings", "std: float = 1.0", "std: float = 0.1"),
]


@pytest.mark.parametrize(("page", "name", "old", "new"), MUTANTS)
def test_the_checks_kill_the_mutant(survives, page, name, old, new):
    assert not survives(page, name, old, new, CHECKS)
