"""Freezing for fine-tuning, counting parameters, and their mutants."""

import copy
import io
import pickle

import pytest
import torch
from torch import nn

from coursekit import models, norm
from coursekit.device import generator
from coursekit.init import initialize


def random(*shape, seed=0):
    return torch.randn(*shape, generator=generator(seed))


def free_names(model):
    return [name for name, p in model.named_parameters() if p.requires_grad]


def net(make=norm.BatchNorm):
    return initialize(models.MLP([4, 6, 5, 3], norm=make), "he_normal", seed=0)


def train(model, free, steps=3):
    optimizer = torch.optim.SGD(free, lr=0.1)
    for step in range(steps):
        optimizer.zero_grad()
        model(3 + random(8, 4, seed=step)).square().mean().backward()
        optimizer.step()


def check_everything_in_front_is_frozen_and_the_rest_is_returned():
    model = net()
    free = models.freeze_until(model, "linear3")
    assert free_names(model) == ["linear3.weight", "linear3.bias"]
    assert [id(p) for p in free] == [id(p) for p in model.linear3.parameters()]
    model = net()
    models.freeze_until(model, "norm2")
    assert free_names(model) == [
        *("norm2.weight", "norm2.bias", "linear3.weight", "linear3.bias")
    ]


def check_positions_count_the_children_and_may_come_from_the_end():
    for until, first in (
        (-1, "linear3"),
        (6, "linear3"),
        (3, "linear2"),
        (-7, "linear1"),
    ):
        model = net()
        models.freeze_until(model, until)
        assert free_names(model)[0] == f"{first}.weight"
    whole = net()
    assert len(models.freeze_until(whole, 0)) == len(list(whole.parameters()))


def check_a_part_of_a_part_may_be_named():
    model = models.ResidualMLP(4, 5, 3, 2)
    models.freeze_until(model, "blocks.1")
    assert {name.split(".branch")[0] for name in free_names(model)} == {
        *("blocks.1", "blocks.2", "head.weight", "head.bias")
    }
    model = models.TransformerLM(9, 4, n_blocks=2)
    models.freeze_until(model, "blocks.1.ffn")
    assert not any(name.startswith("blocks.1.att") for name in free_names(model))
    assert free_names(model)[0] == "blocks.1.ffn.linear1.weight"


class Holder(nn.Module):
    """A container with a parameter of its own beside its parts."""

    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(()))
        self.parts = net()


def check_parameters_of_a_container_stay_trainable():
    model = nn.Sequential(nn.Linear(2, 2), Holder())
    models.freeze_until(model, "1.parts.linear3")
    assert free_names(model) == [
        *("1.scale", "1.parts.linear3.weight", "1.parts.linear3.bias")
    ]


def check_frozen_norms_stay_in_evaluation_mode():
    for make in (norm.BatchNorm, nn.BatchNorm1d, norm.LpBatchNorm):
        model = net(make)
        free = models.freeze_until(model, "linear2")
        assert not model.norm1.training
        for _ in range(2):
            assert model.train() is model
            assert not model.norm1.training
            assert model.norm1.train() is model.norm1
            assert model.norm2.training
            assert model.linear1.training
        before = {key: v.clone() for key, v in model.state_dict().items()}
        train(model, free)
        for key, value in model.state_dict().items():
            part = key.split(".")[0]
            kept = part in ("linear1", "norm1")
            if key == "linear2.bias":  # the norm behind it takes a bias out
                continue
            assert torch.equal(value, before[key]) == kept, key
        assert not model.eval().norm2.training


def check_copies_and_pickles_stay_frozen_on_their_own():
    model = net()
    free = models.freeze_until(model, "linear2")
    copies = [copy.deepcopy(model), pickle.loads(pickle.dumps(model))]
    buffer = io.BytesIO()
    torch.save(model, buffer)
    buffer.seek(0)
    copies.append(torch.load(buffer, weights_only=False))
    free.undo()
    for other in copies:
        other.train()
        assert not other.norm1.training
        assert other.norm1.train() is other.norm1
        assert other.norm2.training
    assert model.train().norm1.training


def check_undo_restores_what_was_there():
    model = net()
    model.linear1.bias.requires_grad_(False)
    model.norm1.eval()
    before = free_names(model)
    free = models.freeze_until(model, -1)
    assert not model.norm2.training
    for _ in range(2):
        free.undo()
        assert free_names(model) == before
        assert (model.norm1.training, model.norm2.training) == (False, True)
    assert model.train().norm1.training
    assert "train" not in vars(model.norm1)


def check_freezing_twice_undoes_only_its_own():
    model = net()
    first = models.freeze_until(model, "linear2")
    second = models.freeze_until(model, "linear3")
    second.undo()
    assert free_names(model)[0] == "linear2.weight"
    assert not model.train().norm1.training
    assert model.norm2.training
    first.undo()
    assert len(free_names(model)) == len(list(model.parameters()))
    assert model.train().norm1.training


def check_parameters_are_counted_once():
    model = models.MLP([4, 6, 3])
    assert models.count_params(model) == 4 * 6 + 6 + 6 * 3 + 3
    tied = models.TransformerLM(9, 4, n_blocks=1)
    alone = models.count_params(tied)
    tied.head.weight = tied.tokens.weight
    assert models.count_params(tied) == alone - 9 * 4
    shared = nn.Linear(3, 3)
    assert models.count_params(nn.Sequential(shared, nn.ReLU(), shared)) == 12
    assert models.count_params(nn.BatchNorm1d(5)) == 10
    assert models.count_params(nn.ReLU()) == 0
    model = net()
    models.freeze_until(model, "linear3")
    assert models.count_params(model, trainable=True) == 5 * 3 + 3
    assert models.count_params(model, True) < models.count_params(model)


def check_the_table_adds_up():
    model = models.TransformerLM(9, 4, n_blocks=2)
    model.head.weight = model.tokens.weight
    rows = models.params_table(model)
    assert sum(row.params for row in rows) == models.count_params(model)
    assert rows[0] == ("tokens", "Embedding", {"weight": (9, 4)}, 36)
    assert rows[-1] == ("head", "Linear", {"weight": (9, 4), "bias": (9,)}, 9)
    assert [row.module for row in rows][:3] == [
        "tokens",
        "positions",
        "blocks.0.attention.query",
    ]
    model.tokens.weight.requires_grad_(False)
    assert models.params_table(model, trainable=True)[0].params == 0
    assert models.params_table(model)[0].params == 36
    assert models.params_table(nn.ReLU()) == ()
    assert models.params_table(nn.Linear(2, 1))[0].module == ""


CHECKS = [check for name, check in list(globals().items()) if name[:6] == "check_"]


@pytest.mark.parametrize("check", CHECKS)
def test_freeze_and_count(check):
    check()


def test_frozen_layers_have_no_gradient_and_their_features_stay_equal():
    model = net()
    x = random(5, 4)
    free = models.freeze_until(model, "linear3")
    features = model.train()[:-1](x)
    train(model, free)
    assert torch.equal(model[:-1](x), features)
    assert all(p.grad is None for p in model[:-1].parameters())


def tied_model():
    model = models.TransformerLM(9, 4, n_blocks=1)
    model.head.weight = model.tokens.weight
    return model


def twice():
    shared = nn.Linear(3, 3)
    return nn.Sequential(shared, nn.ReLU(), nn.Linear(3, 3), shared)


def frozen_head():
    model = net()
    model.linear3.requires_grad_(False)
    return model


BAD = [
    (
        net,
        "linear9",
        ValueError,
        "name of a part, got 'linear9'; they are linear1, norm1",
    ),
    (net, "", ValueError, "name of a part, got ''"),
    (net, 7, ValueError, "a position below 7, got 7"),
    (net, -8, ValueError, "until: expected an integer >= -7"),
    (net, 2.0, TypeError, "until: expected an integer, got 2.0; a name or position"),
    (net, None, TypeError, "until"),
    (tied_model, "head", ValueError, "got 1, and 1 shared; a tied weight"),
    (twice, "2", ValueError, "and 2 shared"),
    (frozen_head, "linear3", ValueError, "got 0, and 0 shared"),
    (net, "act2", None, None),
]


@pytest.mark.parametrize(("make", "until", "kind", "message"), BAD)
def test_what_cannot_be_frozen_is_refused_and_changes_nothing(
    make, until, kind, message
):
    model = make()
    before = free_names(model)
    if kind is None:
        assert len(models.freeze_until(model, until)) == 2
        return
    with pytest.raises(kind, match=message):
        models.freeze_until(model, until)
    assert free_names(model) == before
    assert all(module.training for module in model.modules())


def test_a_lazy_layer_has_no_count_yet():
    with pytest.raises(ValueError, match=r"got 0.weight without; a lazy layer"):
        models.count_params(nn.Sequential(nn.LazyLinear(3)))


MUTANTS = [
    ("freeze", "freeze_until", "requires_grad_(False)", "requires_grad_(True)"),
    ("freeze", "freeze_until", "for module in front:", "for module in rest:"),
    ("freeze", "freeze_until", "_remembers(module) and", "not _remembers(module) and"),
    ("freeze", "freeze_until", "module.train = _StaysInEval(module)", "pass"),
    ("freeze", "freeze_until", "module.eval()", "pass"),
    ("freeze", "freeze_until", 'and "train" not in vars(module)', ""),
    (
        "freeze",
        "freeze_until",
        "p.requires_grad and id(p) not in held",
        "id(p) not in held or True",
    ),
    (
        "freeze",
        "freeze_until",
        "if p.requires_grad and id(p) in held]\n    for",
        "if id(p) in held]\n    for",
    ),
    ("freeze", "FreeParameters", "norm.train(training)", "norm.train(True)"),
    ("freeze", "FreeParameters", "del norm.train", "pass"),
    ("freeze", "FreeParameters", "p.requires_grad_(True)", "pass"),
    (
        "freeze",
        "_StaysInEval",
        "return self.module",
        "return self.module.__class__.train(self.module, mode)",
    ),
    ("freeze", "_StaysInEval", "return self.module", "return None"),
    ("freeze", "_split", "reached or name == first", "name == first"),
    ("freeze", "_split", 'first.startswith(f"{name}.")', "False"),
    ("freeze", "_name", "children[index]", "children[index - 1]"),
    ("freeze", "_remembers", "is not None", "is None"),
    ("count", "params_table", "} - seen", "}"),
    ("count", "params_table", "p.requires_grad or not trainable", "True"),
    ("count", "params_table", "p.requires_grad or not trainable", "p.requires_grad"),
    ("count", "params_table", "recurse=False", "recurse=True"),
    ("count", "params_table", "p.numel() for p in new", "p.shape[0] for p in new"),
    ("count", "params_table", "trainable: bool = False", "trainable: bool = True"),
    ("count", "count_params", "params_table(model, trainable)", "params_table(model)"),
    ("count", "count_params", "trainable: bool = False", "trainable: bool = True"),
]


@pytest.mark.parametrize(("page", "name", "old", "new"), MUTANTS)
def test_the_checks_kill_the_mutant(survives, page, name, old, new):
    assert not survives(page, name, old, new, CHECKS)
