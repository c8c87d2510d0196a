"""The recurrent net against NumPy and torch, laws of padding, and mutants."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence

from coursekit import models, norm
from coursekit.device import generator
from coursekit.init import initialize

EXACT = {"rtol": 1e-12, "atol": 1e-13}
LAW = settings(max_examples=25, deadline=None)
CELLS = ["tanh", "layer_norm"]
LENGTHS = torch.tensor([6, 1, 4, 6, 3])


def random(*shape, seed=0):
    return torch.randn(*shape, generator=generator(seed), dtype=torch.float64)


def make(cell="tanh", seed=0, n_out=2):
    model = models.RNN(3, 7, n_out, cell=cell).double()
    with torch.no_grad():
        for i, p in enumerate(model.parameters()):
            p.copy_(random(*p.shape, seed=seed + 100 * i) / 2)
    return model


def close(ours, theirs, **tolerance):
    torch.testing.assert_close(ours, theirs, **(EXACT | tolerance))


def by_loops(model, x, lengths):
    """One sequence at a time, only its valid steps."""
    out = []
    weights = {k: p.detach().numpy() for k, p in model.named_parameters()}
    for sequence, length in zip(x.numpy(), lengths.tolist(), strict=True):
        h = np.zeros(7)
        for x_t in sequence[:length]:
            a = weights["cell.linear_hh.weight"] @ h
            a = a + weights["cell.linear_ih.weight"] @ x_t
            if "cell.norm.weight" in weights:
                a = (a - a.mean()) / np.sqrt(a.var() + 1e-5)
                a = weights["cell.norm.weight"] * a + weights["cell.norm.bias"]
            else:
                a = a + weights["cell.linear_ih.bias"]
            h = np.tanh(a)
        out.append(weights["readout.weight"] @ h + weights["readout.bias"])
    return torch.from_numpy(np.array(out))


def check_rnn_is_its_equations():
    x = random(5, 6, 3)
    for cell in CELLS:
        model = make(cell)
        close(model(x, LENGTHS), by_loops(model, x, LENGTHS))
        full = torch.full((5,), 6)
        close(model(x), by_loops(model, x, full))
        close(model(x, full), model(x))


def check_rnn_is_torchs():
    model, theirs = make(), nn.RNN(3, 7, batch_first=True).double()
    theirs.load_state_dict(models.to_torch_state(model))
    x = random(5, 6, 3)
    states, last = theirs(x)
    close(model.states(x), states)
    close(model(x), model.readout(last[0]))
    packed = pack_padded_sequence(x, LENGTHS, batch_first=True, enforce_sorted=False)
    close(model(x, LENGTHS), model.readout(theirs(packed)[1][0]))


def check_padding_changes_nothing_whatever_it_holds():
    for cell in CELLS:
        model, x = make(cell), random(5, 6, 3)
        expected = model(x, LENGTHS)
        behind = torch.arange(6) >= LENGTHS[:, None]
        for rubbish in (0.0, 1e30, math.inf, math.nan):
            bad = torch.where(behind[..., None], rubbish, x)
            assert torch.equal(model(bad, LENGTHS), expected)
            grads = torch.autograd.grad(
                model(bad, LENGTHS).sum(), list(model.parameters())
            )
            right = torch.autograd.grad(
                model(x, LENGTHS).sum(), list(model.parameters())
            )
            assert all(map(torch.equal, grads, right))
        longer = torch.cat([x, random(5, 4, 3, seed=9)], 1)
        close(model(longer, LENGTHS), expected)


def check_states_stay_behind_the_end():
    for cell in CELLS:
        model, x = make(cell), random(5, 6, 3)
        states = model.states(x, LENGTHS)
        assert states.shape == (5, 6, 7)
        for r, length in enumerate(LENGTHS.tolist()):
            close(states[r, :length], model.states(x[r : r + 1, :length])[0])
            assert bool((states[r, length - 1 :] == states[r, length - 1]).all())


def check_lengths_out_of_range_are_cut_to_it():
    model, x = make(), random(5, 6, 3)
    close(model(x, torch.full((5,), 99)), model(x))
    for short in (0, -2):
        close(model(x, torch.full((5,), short)), model.readout(random(5, 7) * 0))


def check_the_recurrent_matrix_is_orthogonal_times_the_gain():
    eye = torch.eye(48, dtype=torch.float64)
    for cell in CELLS:
        for gain in (0.5, 1.0, 1.6):
            model = models.RNN(2, cell=cell, gain=gain, generator=generator(3)).double()
            W = model.cell.linear_hh.weight
            close(W.T @ W, gain**2 * eye, rtol=1e-5, atol=1e-5)
            again = models.RNN(2, cell=cell, gain=gain, generator=generator(3))
            assert torch.equal(again.cell.linear_hh.weight, W.float())
        model = initialize(models.RNN(2, cell=cell), "xavier_normal", seed=0).double()
        inputs = model.cell.linear_ih.weight.clone()
        assert model.draw_recurrent(2.0, generator(1)) is model
        W = model.cell.linear_hh.weight
        close(W.T @ W, 4 * eye, rtol=1e-10, atol=1e-12)
        assert torch.equal(model.cell.linear_ih.weight, inputs)
    assert not models.RNN(2, 5, gain=0.0).cell.linear_hh.weight.any()


def check_defaults_of_the_rnn():
    model = models.RNN(2)
    assert isinstance(model.cell, models.TanhRNNCell)
    assert (model.hidden_size, model.readout.out_features) == (48, 1)
    assert isinstance(models.RNN(2, cell="layer_norm").cell, norm.LayerNormRNNCell)
    relu = models.RNN(3, 4, cell=lambda i, h: norm.LayerNormRNNCell(i, h, "relu"))
    assert relu.cell.nonlinearity == "relu"
    assert models.count_params(model) == 48 * (2 + 48 + 1) + 49


CHECKS = [check for name, check in list(globals().items()) if name[:6] == "check_"]


@pytest.mark.parametrize("check", CHECKS)
def test_rnn(check):
    check()


@LAW
@given(st.integers(0, 10**6), st.sampled_from(CELLS), st.integers(1, 5))
def test_a_sequence_does_not_see_the_others_of_its_batch(seed, cell, size):
    model, x = make(cell, seed), random(5, 6, 3, seed=seed)
    order = torch.randperm(5, generator=generator(seed))
    close(model(x[order], LENGTHS[order]), model(x, LENGTHS)[order])
    close(model(x[:size], LENGTHS[:size]), model(x, LENGTHS)[:size])


@LAW
@given(st.integers(0, 10**6), st.floats(0.5, 4))
def test_the_layer_norm_cell_takes_the_scale_out_of_the_summed_inputs(seed, factor):
    model, x = make("layer_norm", seed), random(4, 6, 3, seed=seed)
    model.cell.norm.eps = 0.0
    before = model(x)
    with torch.no_grad():
        model.cell.linear_hh.weight.mul_(factor)
        model.cell.linear_ih.weight.mul_(factor)
    close(model(x), before, rtol=1e-8, atol=1e-9)


@pytest.mark.parametrize("cell", CELLS)
def test_gradients_are_right(cell):
    model = models.RNN(2, 3, cell=cell).double()
    x = random(2, 3, 2).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: model(x, torch.tensor([3, 2])), x)


def test_the_gradient_over_time_is_bounded_by_the_power_of_the_gain():
    model = models.RNN(3, 20, gain=0.5, generator=generator(0)).double()
    h, steps = random(1, 20).requires_grad_(), 12
    state = h
    for x_t in random(steps, 1, 3, seed=1):
        state = model.cell(x_t, state)
    J = torch.stack([torch.autograd.grad(u, h, retain_graph=True)[0] for u in state[0]])
    assert torch.linalg.matrix_norm(J.squeeze(), 2) <= 0.5**steps * (1 + 1e-6)


def test_the_second_bias_of_torch_is_added_to_the_first():
    theirs = nn.RNN(3, 7, batch_first=True).double()
    model = models.from_torch_state(make(), theirs.state_dict())
    x = random(5, 6, 3)
    close(model.states(x), theirs(x)[0])
    cell = nn.RNNCell(3, 7).double()
    ours = models.from_torch_state(models.TanhRNNCell(3, 7).double(), cell.state_dict())
    close(ours(x[0], random(6, 7)), cell(x[0], random(6, 7)))
    back = nn.RNNCell(3, 7).double()
    back.load_state_dict(models.to_torch_state(ours))
    close(back(x[0], random(6, 7)), cell(x[0], random(6, 7)))


X = torch.zeros(2, 4, 3)
R = models.RNN(3, 5)
BAD = [
    (lambda: R(X[0]), ValueError, r"x: expected \[N, T, 3\] .* got \(4, 3\); a single"),
    (lambda: R(X[..., :2]), ValueError, r"got \(2, 4, 2\)"),
    (lambda: R(X[:, :0]), ValueError, "with T >= 1"),
    (lambda: R(X, torch.tensor([1.0, 2.0])), TypeError, "lengths: expected integers"),
    (lambda: R(X, torch.tensor([True, False])), TypeError, "got torch.bool"),
    (
        lambda: R(X, torch.tensor([1, 2, 3])),
        ValueError,
        r"sequence, \(2,\), got \(3,\)",
    ),
    (lambda: R(X, torch.tensor(3)), ValueError, r"got \(\)"),
    (lambda: models.RNN(0), ValueError, "input_size: expected"),
    (lambda: models.RNN(2, 0), ValueError, "hidden_size: expected"),
    (lambda: models.RNN(2, 3, 0), ValueError, "n_out: expected"),
    (lambda: models.RNN(2, cell="lstm"), ValueError, "one of 'tanh', 'layer_norm'"),
    (lambda: models.RNN(2, gain=-1.0), ValueError, "gain: expected a finite"),
    (lambda: models.RNN(2, gain=math.nan), ValueError, "gain: expected"),
    (
        lambda: models.RNN(2, 4, cell=nn.RNNCell, gain=1.0),
        TypeError,
        "a linear map 'linear_hh', got RNNCell",
    ),
    (lambda: models.TanhRNNCell(0, 2), ValueError, "input_size"),
    (
        lambda: models.from_torch_state(R, nn.RNN(3, 5, num_layers=2).state_dict()),
        ValueError,
        "state: expected the names .*number of layers",
    ),
    (
        lambda: models.to_torch_state(models.RNN(3, 5, cell="layer_norm")),
        TypeError,
        "expected an RNN with the cell 'tanh', got LayerNormRNNCell",
    ),
]


@pytest.mark.parametrize(("call", "kind", "message"), BAD)
def test_bad_input_is_refused_in_words(call, kind, message):
    with pytest.raises(kind, match=message):
        call()


MUTANTS = [
    ("tanh_rnn_cell", "TanhRNNCell", "torch.tanh(", "torch.relu("),
    (
        "tanh_rnn_cell",
        "TanhRNNCell",
        "self.linear_ih(x) + self.linear_hh(h)",
        "self.linear_ih(x)",
    ),
    (
        "tanh_rnn_cell",
        "TanhRNNCell",
        "self.linear_ih(x) + self",
        "self.linear_ih(x) - self",
    ),
    ("tanh_rnn_cell", "TanhRNNCell", "hidden_size, bias=False)", "hidden_size)"),
    ("rnn", "RNN", "t < lengths", "t <= lengths"),
    ("rnn", "RNN", "t < lengths", "t + 1 < lengths"),
    ("rnn", "RNN", "torch.where(valid, new, h)", "torch.where(valid, new, 0.0)"),
    ("rnn", "RNN", "torch.where(valid, new, h)", "new"),
    ("rnn", "RNN", "torch.where(valid, now, 0.0)", "now"),
    ("rnn", "RNN", "torch.where(valid, now, 0.0)", "now * valid"),
    ("rnn", "RNN", "lengths)[..., -1, :]", "lengths)[..., 0, :]"),
    ("rnn", "RNN", "lengths)[..., -1, :]", "lengths).mean(-2)"),
    ("rnn", "RNN", "x.new_zeros(", "x.new_ones("),
    ("rnn", "RNN", "h = self.cell(now, h)", "h = self.cell(now, 0 * h)"),
    ("rnn", "RNN", "hidden_size: int = 48", "hidden_size: int = 32"),
    ("rnn", "RNN", "n_out: int = 1", "n_out: int = 2"),
    ("rnn", "RNN", '= "tanh"', '= "layer_norm"'),
    (
        "rnn",
        "RNN",
        "self.draw_recurrent(gain, generator or",
        "self.draw_recurrent(1.0, generator or",
    ),
    ("rnn", "RNN", "generator or torch.default_generator", "torch.default_generator"),
    ("rnn", "RNN", 'getattr(self.cell, "linear_hh", None)', "self.cell.linear_ih"),
    ("rnn", "RNN", "if gain is not None", "if gain"),
    ("rnn", "RNN", "orthogonal(w.shape, gain,", "orthogonal(w.shape,"),
    ("torch_names", "_write_rnn", "_l0", "_l1"),
    ("torch_names", "_write_cell", '"bias_hh": zeros', '"bias_hh": W.bias'),
]


@pytest.mark.parametrize(("page", "name", "old", "new"), MUTANTS)
def test_the_checks_kill_the_mutant(survives, page, name, old, new):
    assert not survives(page, name, old, new, CHECKS)
