"""Labs 1 and 4: other right answers are accepted, other wrong ones are explained."""

import copy
import math
import random

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from coursekit import diagnosis, models
from coursekit.labs import LocalCaller, check, exercise
from coursekit.labs.matrices import dense_hessian

RIGHT = {
    name: exercise(name).reference
    for name in (
        "embed_shallow",
        "diagnose",
        "compare_depths",
        "minibatches",
        "grad_variance",
        "lambda_max",
        "rescale",
        "lars_step",
    )
}


class Own(nn.Module):
    def __init__(self, body):
        super().__init__()
        self.body = body

    def forward(self, x):
        return self.body(x)


class Fake(nn.Module):
    """Carry the right number of weights and compute with the shallow net alone."""

    def __init__(self, shallow, depth):
        super().__init__()
        own = sum(isinstance(m, nn.Linear) for m in shallow)
        self.spare = nn.ModuleList(nn.Linear(3, 3) for _ in range(depth - own))
        self.shallow = shallow

    def forward(self, x):
        return self.shallow(x)


def pairs_of_logits(shallow, depth):
    """Put the added layers behind the last map, which then carries a pair."""
    maps = [(m.weight, m.bias) for m in shallow if isinstance(m, nn.Linear)]
    if more := depth - len(maps):
        w, b = maps.pop()
        k, eye = len(b), torch.eye(len(b))
        maps.append((torch.cat([w, -w]), torch.cat([b, -b])))
        maps += [(torch.eye(2 * k), torch.zeros(2 * k))] * (more - 1)
        maps.append((torch.cat([eye, -eye], 1), torch.zeros(k)))
    parts = []
    for weight, bias in maps:
        linear = nn.Linear(weight.shape[1], weight.shape[0])
        linear.load_state_dict({"weight": weight, "bias": bias})
        parts += [linear, nn.ReLU()]
    return nn.Sequential(*parts[:-1])


def diagnose_by_differences(train, test, ref_train, tol):
    known = [x for x in (train, test, ref_train) if x is not None]
    if any(map(math.isnan, known)):
        raise ValueError("NaN")
    if train <= tol:
        return "Done" if test - train <= tol else "overfitting or  mismatch"
    if math.isinf(train):
        return "optimization"
    if ref_train is None:
        return "bias or optimization"
    return "optimization" if train - ref_train > tol else "bias"


def drawn_in_turn(n, B, seed, epoch):
    generator = torch.Generator().manual_seed(seed)
    for _ in range(epoch + 1):
        order = torch.randperm(n, generator=generator)
    return order.split(B)


def by_numpy(n, B, seed, epoch):
    order = np.random.default_rng([seed, epoch]).permutation(n)
    return [order[i : i + B] for i in range(0, n, B)]


def by_python(n, B, seed, epoch):
    order = list(range(n))
    random.Random(f"{seed},{epoch}").shuffle(order)
    return tuple(order[i : i + B] for i in range(0, n, B))


def sampled(model, X, y, B, reps):
    """Draw with a generator of its own, centred on the mean of the draws."""
    draw, rows = torch.Generator().manual_seed(7), []
    for _ in range(reps):
        batch = torch.randperm(len(X), generator=draw)[:B]
        model.zero_grad()
        cross_entropy(model(X[batch]), y[batch]).backward()
        rows.append(torch.cat([p.grad.flatten() for p in model.parameters()]))
    return torch.stack(rows).var(0).sum()


def power(model, loss, iters):
    """Shift by more than is needed and count on the last product."""
    H = dense_hessian(model, loss)

    def run(matrix):
        v = torch.ones(len(matrix)).double() + torch.arange(len(matrix)) / 7
        for _ in range(iters):
            v = matrix @ v
            v = v / v.norm()
        return v @ matrix @ v

    first = run(H)
    c = 1.2 * abs(first)
    return first if first > 0 else run(H + c * torch.eye(len(H)).double()) - c


def rescaled_copy(model, alpha):
    new = copy.deepcopy(model)
    first, second = [m for m in new if isinstance(m, nn.Linear)][:2]
    first.weight = nn.Parameter(first.weight * alpha)
    if first.bias is not None:
        first.bias = nn.Parameter(first.bias * alpha)
    second.weight = nn.Parameter(second.weight / alpha)
    return new


class Frame:
    """Behave as far as needed like a pandas DataFrame."""

    def __init__(self, table):
        self.table = table

    def to_dict(self, orient):
        assert orient == "list"
        return self.table


Frame.__name__ = "DataFrame"
ACCEPTED = [
    ("embed_shallow", lambda s, d: nn.Sequential(*RIGHT["embed_shallow"](s, d))),
    ("embed_shallow", lambda s, d: Own(RIGHT["embed_shallow"](s, d))),
    ("embed_shallow", lambda s, d: RIGHT["embed_shallow"](s, d).double()),
    ("embed_shallow", pairs_of_logits),
    ("diagnose", diagnose_by_differences),
    ("compare_depths", lambda d, s: Frame(RIGHT["compare_depths"](d, s))),
    (
        "compare_depths",
        lambda d, s: {
            k: torch.tensor(v) for k, v in RIGHT["compare_depths"](d, s).items()
        },
    ),
    ("minibatches", drawn_in_turn),
    ("minibatches", by_numpy),
    ("minibatches", by_python),
    ("grad_variance", sampled),
    ("lambda_max", power),
    ("lambda_max", lambda *a: np.float32(RIGHT["lambda_max"](*a))),
    ("rescale", rescaled_copy),
    ("lars_step", lambda *a: RIGHT["lars_step"](*a).tolist()),
]


@pytest.mark.parametrize(("name", "answer"), ACCEPTED)
def test_other_right_answers_are_accepted(name, answer):
    for seed in range(3):
        rng = np.random.default_rng([5, seed])
        result = exercise(name).examine(LocalCaller(answer), rng, visible=False)
        assert result.points == exercise(name).points, result
    assert check(name, answer).passed


def rotation(n, B, seed, epoch):
    return torch.arange(n).roll(7 * seed + epoch).split(B)


def overflowing(model, loss, iters):
    H = dense_hessian(model, loss)
    v = torch.linalg.matrix_power(H, iters) @ torch.ones(len(H)).double()
    return v @ H @ v / (v @ v)


REFUSED = [
    ("embed_shallow", lambda s, d: s, "has 3 weight matrices, expected 8"),
    ("embed_shallow", lambda s, d: Fake(s, d + 2), "has 10 weight matrices"),
    ("embed_shallow", Fake, "fit what comes before it"),
    ("embed_shallow", lambda s, d: d, "returned an int (8)"),
    (
        "embed_shallow",
        lambda s, d: models.MLP([s[0].in_features, *[9] * (d - 1), s[-1].out_features]),
        "same logits",
    ),
    (
        "embed_shallow",
        lambda s, d: models.MLP([s[0].in_features, *[9] * (d - 1), 99]),
        "gives 99 logits",
    ),
    ("diagnose", lambda *a: diagnosis.diagnose(*a[:3], tol=a[3]), "`str(...)`"),
    ("diagnose", lambda *a: "overfitting", "returned 'overfitting'"),
    ("compare_depths", lambda d, s: {"depth": d}, 'has no column "loss"'),
    (
        "compare_depths",
        lambda d, s: {k: v[1:] for k, v in RIGHT["compare_depths"](d, s).items()},
        "one for each depth, the first included",
    ),
    ("minibatches", rotation, "same step"),
    ("minibatches", lambda n, *a: torch.arange(n), "Cut it into batches"),
    ("minibatches", lambda n, *a: [torch.ones(n) > 0], "mask of truth values"),
    ("grad_variance", lambda *a: 0.4 * RIGHT["grad_variance"](*a), "expected value"),
    ("lambda_max", overflowing, "grows by |λ|"),
    ("lambda_max", lambda *a: 1.0001 * RIGHT["lambda_max"](*a), "That is near"),
    ("rescale", lambda m, a: RIGHT["rescale"](m, 2.0), "multiplied by 2, expected"),
    ("lars_step", lambda w, *a: w.copy_(RIGHT["lars_step"](w, *a)), "`w` in place"),
]


@pytest.mark.parametrize(("name", "answer", "said"), REFUSED)
def test_other_wrong_answers_are_explained(name, answer, said):
    rng = np.random.default_rng([9, 1])
    result = exercise(name).examine(LocalCaller(answer), rng, visible=False)
    assert result.points < exercise(name).points
    assert any(said in case.message for case in result.cases), result


def test_a_layer_that_lies_about_its_output_earns_nothing():
    """What the net says of itself is asked only to refuse, never to accept."""

    class Lie(nn.Sequential):
        def forward(self, x):
            return shown(x)

    def answer(shallow, depth):
        nonlocal shown
        shown = shallow
        return Lie(*models.MLP([shallow[0].in_features, *[9] * (depth - 1), 3]))

    shown = None
    result = check("embed_shallow", answer)
    assert not result.passed
    assert result.points == 0


def test_noise_of_honest_sampling_never_fails():
    """Six standard deviations: no seed of the draws may lose points."""
    rng = np.random.default_rng(2)
    one = exercise("grad_variance")
    case = one.cases(rng, False)[1]
    for seed in range(60):
        draw = torch.Generator().manual_seed(seed)
        value = _sampled_fast(case, draw)
        assert one.compare(case, value, one.expected(case)) is None


def _sampled_fast(case, draw):
    from coursekit.probes import per_example_grads

    recipe, x, y, B, reps = case.args
    rows = torch.cat(list(per_example_grads(recipe.build(), x, y)))
    order = torch.rand(reps, len(x), generator=draw).argsort(1)[:, :B]
    return float((rows[order].mean(1) - rows.mean(0)).square().sum(1).mean())


def test_a_case_of_several_calls_reads_them_together():
    calls = []

    def answer(n, B, seed, epoch):
        calls.append((seed, epoch))
        return RIGHT["minibatches"](n, B, seed, epoch)

    assert check("minibatches", answer).passed
    (seed, epoch), *others = calls
    assert others == [
        (seed + i, epoch + j) for i, j in ((0, 0), (0, 1), (1, 0), (1, 1))
    ]
