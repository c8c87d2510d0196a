"""What all models share: stacking, initialization, types, devices, clean inputs."""

import copy
from functools import partial

import pytest
import torch
from torch import nn
from torch.func import functional_call, grad, stack_module_state, vmap

from coursekit import models, norm
from coursekit.device import generator
from coursekit.init import initialize, scale_branches, zero_last
from coursekit.layers import linear_maps

EXACT = {"rtol": 1e-12, "atol": 1e-12}
SEQUENCE = torch.randint(9, (3, 6), generator=generator(0))
RECORDS = torch.randint(4, (5, 3), generator=generator(1))


def random(*shape, seed=0):
    return torch.randn(*shape, generator=generator(seed), dtype=torch.float64)


def lm(**options):
    return models.TransformerLM(9, 8, 2, n_blocks=2, seq_len=6, **options)


def ctr(**options):
    return models.CTRNet([4, 4, 4], 2, 4, (6,), num_bias=True, **options)


class ByHand(nn.Module):
    """The perceptron whose backward pass is written by hand, as a module."""

    def __init__(self):
        super().__init__()
        self.net = models.MLP([3, 5, 4], "tanh")

    def forward(self, x):
        return models.manual_forward_mlp(self.net, x)


LENGTHS = torch.tensor([4, 1, 3])
MODELS = {
    "mlp": (lambda: models.MLP([3, 5, 4], "gelu"), (random(6, 3),)),
    "mlp layer norm": (
        lambda: models.MLP([3, 5, 4], norm=norm.LayerNorm),
        (random(6, 3),),
    ),
    "mlp maxout": (
        lambda: models.MLP([3, 5, 4], "identity", layer=models.Maxout),
        (random(6, 3),),
    ),
    "mlp by hand": (ByHand, (random(6, 3),)),
    "maxout": (lambda: models.Maxout(3, 4, 3), (random(6, 3),)),
    "residual": (lambda: models.ResidualMLP(3, 5, 2, 4), (random(6, 3),)),
    "cnn": (lambda: models.SmallCNN((3, 4)), (random(3, 64),)),
    "cnn group norm": (
        lambda: models.SmallCNN((4, 6), norm=partial(norm.GroupNorm, 2)),
        (random(3, 64),),
    ),
    "cnn 1d": (lambda: models.SmallCNN((3, 4), dims=1), (random(3, 40),)),
    "rnn": (lambda: models.RNN(3, 5), (random(3, 4, 3), LENGTHS)),
    "rnn layer norm": (
        lambda: models.RNN(3, 5, cell="layer_norm"),
        (random(3, 4, 3), LENGTHS),
    ),
    "attention": (lambda: models.MultiHeadAttention(8, 2), (random(2, 5, 8),)),
    "block post": (lambda: models.TransformerBlock(8, 2), (random(2, 5, 8),)),
    "block pre": (
        lambda: models.TransformerBlock(8, 2, "pre", norm_layer=norm.RMSNorm),
        (random(2, 5, 8),),
    ),
    "lm post": (lm, (SEQUENCE,)),
    "lm pre": (partial(lm, norm="pre"), (SEQUENCE,)),
    "lm uniform": (partial(lm, uniform=True), (SEQUENCE,)),
    "ctr": (ctr, (RECORDS, random(5, 2))),
    "ctr norms": (
        partial(
            ctr,
            emb_norm=norm.LayerNorm,
            num_norm=norm.LayerNorm,
            mlp_norm=norm.VarianceOnlyLayerNorm,
            shared_norm=True,
        ),
        (RECORDS, random(5, 2)),
    ),
}
each_model = pytest.mark.parametrize("name", MODELS)


def build(name, seed=0):
    make, inputs = MODELS[name]
    model = make().double()
    with torch.no_grad():
        for i, p in enumerate(model.parameters()):
            p.copy_(random(*p.shape, seed=seed + 100 * i) / 2)
    return model, inputs


def close(ours, theirs, **tolerance):
    torch.testing.assert_close(ours, theirs, **(EXACT | tolerance))


@each_model
def test_stacked_models_equal_the_loop_in_value_and_gradient(name):
    nets = [build(name, seed)[0] for seed in range(3)]
    inputs = MODELS[name][1]
    parameters, buffers = stack_module_state(nets)
    shape = copy.deepcopy(nets[0]).to("meta")

    def value(p, b):
        return functional_call(shape, (p, b), inputs)

    outputs = vmap(value)(parameters, buffers)
    close(outputs, torch.stack([net(*inputs) for net in nets]))
    stacked = vmap(grad(lambda p, b: value(p, b).square().sum()))(parameters, buffers)
    for k, net in enumerate(nets):
        net(*inputs).square().sum().backward()
        for key, p in net.named_parameters():
            close(stacked[key][k], p.grad, atol=1e-10, rtol=1e-10)


@each_model
def test_stacked_models_may_have_inputs_of_their_own(name):
    nets = [build(name, seed)[0] for seed in range(2)]
    inputs = MODELS[name][1]
    flipped = tuple(t.flip(0) for t in inputs)
    parameters, buffers = stack_module_state(nets)
    both = tuple(torch.stack(pair) for pair in zip(inputs, flipped, strict=True))
    got = vmap(lambda p, b, x: functional_call(nets[0], (p, b), x))(
        parameters, buffers, both
    )
    close(got, torch.stack([nets[0](*inputs), nets[1](*flipped)]))


@each_model
def test_hessian_vector_products_exist(name):
    model, inputs = build(name)
    parameters = list(model.parameters())
    loss = model(*inputs).square().mean()
    first = torch.autograd.grad(loss, parameters, create_graph=True)
    dot = sum(g.sum() for g in first)
    second = torch.autograd.grad(dot, parameters, allow_unused=True)
    assert all(h is None or bool(h.isfinite().all()) for h in second)


@each_model
def test_initialization_reaches_every_linear_map_and_nothing_else(name):
    model, inputs = build(name)
    before = {key: p.clone() for key, p in model.named_parameters()}
    initialize(model, "he_normal", seed=3, bias=0.25)
    reached = {
        id(p)
        for layer in linear_maps(model)
        for p in (layer.weight, layer.bias)
        if p is not None
    }
    for key, p in model.named_parameters():
        assert torch.equal(p, before[key]) != (id(p) in reached), key
        spared = ("norm", "tokens", "positions", "tables", "numbers")
        assert (id(p) in reached) == (not any(word in key for word in spared)), key
    again, _ = build(name)
    again.load_state_dict({**again.state_dict(), **model.state_dict()})
    assert torch.equal(again(*inputs), model(*inputs))


def test_fans_of_every_kind_of_map_are_those_of_its_equation():
    drawn = {}

    def record(shape, *, generator, dtype, device):
        drawn[tuple(shape)] = drawn.get(tuple(shape), 0) + 1
        return torch.zeros(shape, dtype=dtype)

    initialize(models.TransformerBlock(8, 2, ffn=3), record, seed=0)
    assert drawn == {(8, 8): 4, (24, 8): 1, (8, 24): 1}
    drawn.clear()
    initialize(models.RNN(3, 5), record, seed=0)
    assert drawn == {(5, 3): 1, (5, 5): 1, (1, 5): 1}
    drawn.clear()
    initialize(models.Maxout(3, 5, 4), record, seed=0)
    assert drawn == {(20, 3): 1}
    drawn.clear()
    initialize(models.SmallCNN(), record, seed=0)
    assert drawn == {(16, 1, 3, 3): 1, (32, 16, 3, 3): 1, (10, 128): 1}


def test_branches_of_residual_nets_are_found_by_the_initializers():
    model, _ = build("residual")
    a = random(4, 5)
    assert torch.equal(zero_last(model).blocks(a), a)
    model, _ = build("residual")
    before = model.blocks[0].branch.linear2.weight.clone()
    scale_branches(model)
    close(model.blocks[0].branch.linear2.weight, before / 2**0.5)


@each_model
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_types_are_kept_and_agree_to_their_resolution(name, dtype):
    model, inputs = build(name)
    expected = model(*inputs)
    low = [t.to(dtype) if t.is_floating_point() else t for t in inputs]
    got = copy.deepcopy(model).to(dtype)(*low)
    assert got.dtype == dtype
    scale = expected.abs().max().item()
    tolerance = 60 * torch.finfo(dtype).eps * scale
    close(got.double(), expected, rtol=0, atol=tolerance)


@each_model
def test_inputs_modes_and_random_numbers_are_left_alone(name):
    model, inputs = build(name)
    before = [t.clone() for t in inputs]
    state, random_state = copy.deepcopy(model.state_dict()), torch.get_rng_state()
    first = model(*inputs)
    assert all(map(torch.equal, inputs, before))
    assert torch.equal(torch.get_rng_state(), random_state)
    assert all(torch.equal(v, state[k]) for k, v in model.state_dict().items())
    assert torch.equal(model.eval()(*inputs), first)
    assert torch.equal(copy.deepcopy(model)(*inputs), first)


@each_model
def test_a_diverged_model_says_so(name):
    model, inputs = build(name)
    with torch.no_grad():
        for p in model.parameters():
            p.fill_(float("nan"))
    assert bool(model(*inputs).isnan().all())


@each_model
def test_state_dicts_have_the_names_of_the_parameters(name):
    model, inputs = build(name)
    assert set(model.state_dict()) == {key for key, _ in model.named_parameters()}
    other, _ = build(name, seed=7)
    other.load_state_dict(model.state_dict())
    assert torch.equal(other(*inputs), model(*inputs))
    assert repr(model)


@pytest.mark.gpu
@each_model
def test_the_gpu_agrees_with_the_cpu(name):
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    model, inputs = build(name)
    expected = model(*inputs)
    got = model.cuda()(*(t.cuda() for t in inputs))
    assert got.is_cuda
    close(got.cpu(), expected, rtol=1e-9, atol=1e-9)


@pytest.mark.gpu
def test_tools_work_on_the_gpu():
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    shallow, deep = models.MLP([3, 5, 4]).cuda(), models.MLP([3, 5, 5, 4]).cuda()
    x = random(6, 3).float().cuda()
    close(models.embed_shallow(shallow, deep)(x), shallow(x), rtol=1e-5, atol=1e-6)
    found = models.manual_backprop_mlp(shallow, x, torch.zeros(6).long().cuda())
    assert all(t.is_cuda for t in (found.loss, *found.weights, *found.deltas))
    cell = models.RNN(3, 5).cuda().draw_recurrent(0.5, generator(0)).cell
    assert cell.linear_hh.weight.is_cuda
    models.initialize_embeddings(ctr().cuda(), seed=0)
    assert models.slope(nn.Tanh(), x).is_cuda
