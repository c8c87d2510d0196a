"""Generated data sets: independent transcriptions, closed forms, laws, mutants."""

import importlib
import math
import subprocess
import sys

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage, special, stats

from coursekit import data
from coursekit.device import generator
from coursekit.metrics import auc

NAMES = ("mnist1d", "ctr", "adding", "shifted", "labels", "subsets", "wilson")
PAGES = {
    name: importlib.import_module(f"coursekit.data.{name}")
    for name in (*NAMES, "gaussians", "digits")
}
LAW = settings(max_examples=30, deadline=None)
F64 = {"dtype": torch.float64}
CHECKS: dict[str, list] = {}


def of(page):
    def enter(check):
        CHECKS.setdefault(page, []).append(check)
        return check

    return enter


def close(ours, theirs, **tolerance):
    torch.testing.assert_close(
        ours, theirs, **({"rtol": 1e-9, "atol": 1e-9} | tolerance)
    )


# ---- signals in the manner of MNIST-1D

QUIET = {"corr_noise": 0, "iid_noise": 0, "scale": 0, "shear": 0, "max_translation": 1}
SIGNALS = 400


def raw(split):
    """Undo the scaling of a quiet split: a figure starts at 0 and rests at 0."""
    x = torch.cat((split.x_train, split.x_test)).double()
    return x - x[:, -1:]


@of("mnist1d")
def check_a_quiet_signal_is_its_template_stretched_and_sampled():
    split = data.mnist1d(25, 15, **QUIET, **F64)
    x, y = raw(split), torch.cat((split.y_train, split.y_test))
    curves = PAGES["mnist1d"].templates().numpy()
    places, widths = np.linspace(0, 71, 40), []
    for signal, label in zip(x.numpy(), y.tolist(), strict=True):
        best, width = math.inf, 0.0
        for w in np.linspace(12, 18, 121):
            line = np.interp(11 * np.arange(72) / w, range(12), curves[label], right=0)
            pattern = np.interp(places, range(72), line)
            size = signal @ pattern / (pattern @ pattern)
            miss = np.abs(signal - size * pattern).max() / np.abs(signal).max()
            best, width = min((best, width), (miss, w))
        assert best < 0.05
        widths.append(width)
    assert min(widths) < 13.5
    assert max(widths) > 16.5
    sizes = x.square().sum(1) / torch.tensor((curves**2).sum(1))[y]
    assert sizes.max() / sizes.min() < 2.6


@of("mnist1d")
def check_templates_differ_and_have_one_size():
    curves = PAGES["mnist1d"].templates()
    assert curves.shape == (10, 12)
    assert torch.equal(curves[:, 0], torch.zeros(10).double())
    close(curves.std(1, correction=0), torch.ones(10).double())
    assert (torch.pdist(curves) > 1.5).all()


@of("mnist1d")
def check_parts_are_scaled_by_the_training_part_and_balanced():
    split = data.mnist1d(200, 50, **F64)
    assert abs(split.x_train.mean()) < 1e-12
    assert split.x_train.std(correction=0).item() == pytest.approx(1)
    assert abs(split.x_test.mean()) > 1e-4
    assert split.y_train.bincount().tolist() == [20] * 10
    assert split.y_test.bincount().tolist() == [5] * 10
    assert split.y_train.tolist() != sorted(split.y_train.tolist())
    assert split.y_train[:10].unique().numel() < 10
    shapes = [tuple(part.shape) for part in split]
    assert shapes == [(200, 40), (200,), (50, 40), (50,)]
    assert len(data.mnist1d().y_train) == 4000
    assert len(data.mnist1d(50).y_test) == 1000


def raw_signals(**options):
    """Signals before the last scaling, for given options."""
    base = {"corr_noise": 0.5, "iid_noise": 0.04, "scale": 0.4, "shear": 1.5}
    base |= {"max_translation": 48} | options
    page, y = PAGES["mnist1d"], torch.arange(SIGNALS) % 10
    noise = [base["corr_noise"], base["iid_noise"]]
    ranges = base["scale"], base["shear"]
    return page._signals(y, generator(0), noise, ranges, base["max_translation"])


@of("mnist1d")
def check_the_tilt_is_a_line_of_the_range_asked_for():
    tilt = raw_signals(shear=1.5) - raw_signals(shear=0)
    t = torch.linspace(0, 71, 40, dtype=torch.float64) / 71 - 0.5
    slope = (tilt @ t) / (t @ t)
    close(tilt, slope[:, None] * t)
    assert 0.6 < slope.max() <= 0.75
    assert -0.75 <= slope.min() < -0.6


@of("mnist1d")
def check_sizes_spread_by_the_range_asked_for():
    quiet = {"corr_noise": 0, "iid_noise": 0, "shear": 0}
    one, other = raw_signals(scale=0.4, **quiet), raw_signals(scale=0, **quiet)
    size = (one * other).sum(1) / other.square().sum(1)
    close(one, size[:, None] * other)
    assert 1.17 < size.max() <= 1.2
    assert 0.8 <= size.min() < 0.83


@of("mnist1d")
def check_the_noise_has_the_colour_and_deviation_stated():
    still = raw_signals(corr_noise=0, iid_noise=0)
    smooth = raw_signals(corr_noise=1, iid_noise=0) - still
    h = np.exp(-(np.arange(-8, 9) ** 2) / 8)
    h /= h.sum()
    # the places between two points average them, which lowers the variance a little
    assert smooth[:, 0].std().item() == pytest.approx(np.sqrt((h**2).sum()), rel=0.1)
    assert smooth[:, 39].std().item() == pytest.approx(np.sqrt((h**2).sum()), rel=0.1)
    assert 0.36 < np.sqrt((h**2).sum()) < 0.39
    full = ndimage.gaussian_filter1d(np.eye(101)[50], 2)
    shift = [(full[: 101 - k] * full[k:]).sum() / (full**2).sum() for k in (2, 4)]
    near = torch.stack([smooth[:, j] * smooth[:, j + 1] for j in range(39)]).mean()
    variance = smooth.square().mean().item()
    assert shift[1] < near.item() / variance < 1
    assert near.item() / variance == pytest.approx(shift[0], abs=0.08)
    white = raw_signals(corr_noise=0, iid_noise=1) - still
    assert white[:, 0].std().item() == pytest.approx(1, rel=0.1)
    assert abs((white[:, 0] * white[:, 1]).mean()) < 0.15
    both = raw_signals(corr_noise=0.5, iid_noise=0.04) - still
    close(both, 0.5 * smooth + 0.04 * white)


@of("mnist1d")
def check_figures_stand_at_every_place_asked_for():
    quiet = {"corr_noise": 0, "iid_noise": 0, "shear": 0}
    for places in (1, 10, 48, 54):
        x = raw_signals(max_translation=places, **quiet)
        here = (x.abs() > 1e-9).any(0).nonzero()[:, 0] * 71 / 39
        first = torch.stack([row.abs().gt(1e-9).nonzero()[0, 0] for row in x])
        assert here.min() <= 4
        assert places - 3 <= first.max() * 71 / 39 < places + 8
        assert here.max() < places + 18


@of("mnist1d")
def check_permuting_moves_the_same_columns_in_both_parts():
    straight, moved = (data.mnist1d(80, 30, permute=p, **F64) for p in (False, True))
    assert not torch.equal(straight.x_train, moved.x_train)
    order = torch.randperm(40, generator=data_source("m1d", 0))
    columns = moved.x_train[:, order.argsort()]
    rough = columns.diff(dim=1).square().mean()
    assert rough < 0.7 * moved.x_train.diff(dim=1).square().mean()
    test = moved.x_test[:, order.argsort()]
    assert test.diff(dim=1).square().mean() == pytest.approx(rough.item(), rel=0.15)


def data_source(name, seed):
    return importlib.import_module("coursekit.data._draw").source(None, seed, name)


# ---- click logs


def small_logs(**options):
    return data.synthetic_ctr(3000, **options, **F64)


@of("ctr")
def check_shapes_and_ranges_of_logs():
    logs = data.synthetic_ctr()
    assert len(logs) == 12_000
    assert logs.categories.shape == (12_000, 6)
    assert logs.numbers.shape == (12_000, 4)
    assert logs.sizes == (500, 300, 100, 50, 20, 10)
    assert (logs.categories.amax(0) < torch.tensor(logs.sizes)).all()
    assert (logs.categories.amin(0) == 0).all()
    assert set(logs.clicks.tolist()) == {0, 1}
    assert logs.clicks.float().mean().item() == pytest.approx(0.28, abs=0.03)
    part = logs[9600:]
    assert len(part) == 2400
    assert torch.equal(part.numbers, logs.numbers[9600:])
    assert torch.equal(part.probability, logs.probability[9600:])
    chosen = logs[torch.tensor([3, 1])]
    assert torch.equal(chosen.categories, logs.categories[[3, 1]])
    assert torch.equal(chosen.clicks, logs.clicks[[3, 1]])


@of("ctr")
def check_values_follow_a_power_law():
    for a in (0.0, 1.3, 2.0):
        logs = data.synthetic_ctr(20_000, sizes=(8,), exponent=a, seed=1)
        found = logs.categories[:, 0].bincount(minlength=8).numpy()
        law = np.arange(1, 9.0) ** -a
        assert stats.chisquare(found, 20_000 * law / law.sum()).pvalue > 1e-3
    head = data.synthetic_ctr().categories[:, 0].eq(0).double().mean().item()
    law = np.arange(1, 501) ** -1.3
    assert head == pytest.approx(law[0] / law.sum(), abs=0.015)


@of("ctr")
def check_numbers_are_log_normal():
    x = data.synthetic_ctr(**F64).numbers
    assert (x > 0).all()
    for column in x.T:
        assert stats.kstest(column.log().numpy(), "norm").pvalue > 1e-3


@of("ctr")
def check_clicks_are_drawn_with_the_probability_given():
    logs = data.synthetic_ctr(**F64)
    P, y = logs.probability, logs.clicks.double()
    z = (y - P).sum() / (P * (1 - P)).sum().sqrt()
    assert abs(z) < 4
    for part in P.argsort().chunk(8):
        z = (y[part] - P[part]).sum() / (P[part] * (1 - P[part])).sum().sqrt()
        assert abs(z) < 4
    s = torch.logit(P)
    assert s.mean().item() == pytest.approx(-1.5)
    assert s.std(correction=0).item() == pytest.approx(2.0)
    other = data.synthetic_ctr(500, strength=0.7, offset=0.3, **F64).probability
    s = torch.logit(other)
    assert s.mean().item() == pytest.approx(0.3)
    assert s.std(correction=0).item() == pytest.approx(0.7)


@of("ctr")
def check_the_score_is_the_sum_of_its_three_parts():
    page, fields = PAGES["ctr"], [5, 4, 3]
    draw = generator(2)
    c = torch.stack([torch.randint(k, (50,), generator=draw) for k in fields], 1)
    zeta = torch.randn(50, 4, generator=draw, **F64)
    ours = page._score(generator(7), c, zeta, fields)
    again = generator(7)
    b = [torch.randn(k, generator=again, **F64) for k in fields]
    v = [torch.randn(k, 4, generator=again, **F64) for k in fields]
    w = torch.randn(5, 4, generator=again, **F64)
    parts = np.zeros((3, 50))
    for r in range(50):
        k = c[r].tolist()
        for f in range(3):
            parts[0, r] += b[f][k[f]]
            for g in range(f + 1, 3):
                parts[1, r] += v[f][k[f]] @ v[g][k[g]]
        parts[2, r] = w[k[0]] @ zeta[r]
    close(ours, torch.from_numpy(stats.zscore(parts, axis=1).sum(0)))


@of("ctr")
def check_the_ceiling_is_the_double_sum():
    P = torch.tensor([0.1, 0.4, 0.4, 0.9, 0.25], **F64)
    logs = data.CTRLogs(P[:, None].long(), P[:, None], P.long(), P, (1,))
    hit = miss = 0.0
    for r in P.tolist():
        for q in P.tolist():
            hit += r * (1 - q) * (1.0 if r > q else 0.5 if r == q else 0.0)
            miss += r * (1 - q)
    assert logs.bayes_auc() == pytest.approx(hit / miss, rel=1e-12)
    even = data.CTRLogs(P[:, None].long(), P[:, None], P.long(), 0 * P + 0.3, (1,))
    assert even.bayes_auc() == pytest.approx(0.5)


@of("ctr")
def check_the_ceiling_is_the_mean_auc_over_fresh_clicks():
    logs, draw = small_logs(), generator(0)
    fresh = [
        auc(
            (torch.rand(3000, generator=draw) < logs.probability).long(),
            logs.probability,
        )
        for _ in range(30)
    ]
    assert np.mean(fresh) == pytest.approx(logs.bayes_auc(), abs=0.005)
    assert auc(logs.clicks, logs.probability) == pytest.approx(
        logs.bayes_auc(), abs=0.03
    )


# ---- the adding problem


@of("adding")
def check_two_marks_one_in_each_half():
    x, y, lengths = data.adding_problem(4000, **F64)
    u, m = x.unbind(-1)
    assert x.shape == (4000, 24, 2)
    assert lengths.min() == 8
    assert lengths.max() == 24
    assert stats.chisquare(lengths.bincount()[8:]).pvalue > 1e-3
    assert torch.equal(m.sum(1), torch.full((4000,), 2.0, **F64))
    first, second = m.argmax(1), 23 - m.flip(1).argmax(1)
    assert (first < lengths // 2).all()
    assert (second >= lengths // 2).all()
    assert (second < lengths).all()
    close(y, u.gather(1, first[:, None])[:, 0] + u.gather(1, second[:, None])[:, 0])
    long = lengths == 24
    assert set(first[long].tolist()) == set(range(12))
    assert set(second[long].tolist()) == set(range(12, 24))
    odd = lengths == 9
    assert set(first[odd].tolist()) == set(range(4))
    assert set(second[odd].tolist()) == set(range(4, 9))


@of("adding")
def check_numbers_are_uniform_and_padding_is_zero():
    problem = data.adding_problem(2000, **F64)
    mask = problem.mask
    assert torch.equal(mask.sum(1), problem.lengths)
    assert (problem.x[~mask] == 0).all()
    assert stats.kstest(problem.x[..., 0][mask].numpy(), "uniform").pvalue > 1e-3
    # answering 1 costs the variance of the sum of two uniform numbers
    assert (problem.y - 1).square().mean().item() == pytest.approx(1 / 6, abs=0.012)
    assert data.adding_problem(5, min_len=3, max_len=3).x.shape == (5, 3, 2)


# ---- shifted digits


def images(split, part=2):
    mean = torch.from_numpy(PAGES["digits"].raw_digits(0, 1400)[0].mean(0))
    return (4.8 * split[part] + mean).view(-1, 8, 8)


@of("shifted")
def check_amount_zero_is_the_digits():
    clean = data.digits("global", **F64)
    for kind in ("rotate", "shift", "noise"):
        for ours, theirs in zip(
            data.shifted_digits(kind, 0, part="both", **F64), clean, strict=True
        ):
            close(ours, theirs, rtol=0, atol=1e-12)


@of("shifted")
def check_rotation_is_scipys():
    clean = images(data.digits("global", **F64))
    for angle in (25.0, -40.0):
        ours = images(data.shifted_digits("rotate", angle, **F64))
        theirs = ndimage.rotate(
            clean, angle, axes=(2, 1), reshape=False, order=1, mode="grid-constant"
        )
        close(ours, torch.from_numpy(theirs), rtol=0, atol=1e-9)
    quarter = images(data.shifted_digits("rotate", 90, **F64))
    close(quarter, clean.rot90(1, (1, 2)), rtol=0, atol=1e-9)
    default = images(data.shifted_digits(**F64))
    close(default, images(data.shifted_digits("rotate", 25.0, **F64)))


@of("shifted")
def check_a_shift_goes_one_way_per_image():
    clean = images(data.digits("global", **F64))
    moved = images(data.shifted_digits("shift", 1.5, **F64))
    ways = [(0, 1.5), (0, -1.5), (1.5, 0), (-1.5, 0)]
    found = torch.stack([
        (
            torch.from_numpy(
                ndimage.shift(clean, (0, *way), order=1, mode="grid-constant")
            )
            - moved
        )
        .abs()
        .amax((1, 2))
        < 1e-9
        for way in ways
    ])
    assert found.any(0).all()
    assert (found.sum(1) > 60).all()


@of("shifted")
def check_noise_has_the_deviation_in_grey_levels():
    clean = images(data.digits("global", **F64))
    noise = images(data.shifted_digits("noise", 4.0, **F64)) - clean
    assert noise.std().item() == pytest.approx(4, rel=0.02)
    assert abs(noise.mean()) < 0.1
    assert len(noise.flatten().unique()) > 25_000


@of("shifted")
def check_only_the_part_asked_for_is_changed():
    clean = data.digits("global", **F64)
    changed = {"test": {2}, "train": {0}, "both": {0, 2}}
    for part, parts in changed.items():
        split = data.shifted_digits("rotate", 90, part=part, **F64)
        for index in range(4):
            same = torch.equal(split[index], clean[index])
            assert same == (index not in parts)
    both = data.shifted_digits("rotate", 90, part="both", **F64)
    close(images(both, 0), images(clean, 0).rot90(1, (1, 2)), rtol=0, atol=1e-9)
    fewer = data.shifted_digits("noise", 1, n_train=100, seed=3, **F64)
    assert torch.equal(
        fewer.x_train, data.digits("global", n_train=100, seed=3, **F64)[0]
    )
    noise = [
        data.shifted_digits("noise", 1, seed=s, **F64).x_test
        - data.digits("global", seed=s, **F64).x_test
        for s in (3, 4)
    ]
    assert (noise[0] - noise[1]).abs().max() > 0.1


# ---- labels, subsets


@of("labels")
def check_exactly_that_many_labels_are_wrong():
    y = torch.arange(500) % 10
    for rate in (0.0, 0.2, 0.3339, 1.0):
        noisy = data.noisy_labels(y, rate)
        wrong = noisy != y
        assert wrong.sum().item() == round(rate * 500)
        assert noisy.dtype == y.dtype
        assert noisy.min() >= 0
        assert noisy.max() <= 9
    assert torch.equal(y, torch.arange(500) % 10)


@of("labels")
def check_wrong_classes_are_equally_likely():
    y = torch.full((9000,), 3)
    other = data.noisy_labels(y, 1.0, n_classes=10)
    counts = other.bincount(minlength=10)
    assert counts[3] == 0
    assert stats.chisquare(counts[counts > 0]).pvalue > 1e-3
    assert (counts > 0).sum() == 9
    some = data.noisy_labels(y, 1.0, n_classes=10, kind="any").bincount(minlength=10)
    assert stats.chisquare(some).pvalue > 1e-3
    assert (some > 0).all()


@of("labels")
def check_seeds_and_types_of_labels():
    y = torch.arange(200) % 10
    one = data.noisy_labels(y, 0.5, seed=1)
    assert torch.equal(one, data.noisy_labels(y, 0.5, seed=1))
    assert not torch.equal(one, data.noisy_labels(y, 0.5, seed=2))
    places = (one != y).nonzero()[:, 0]
    assert places.max() > 150
    assert places.min() < 50
    small = torch.arange(200, dtype=torch.uint8)
    spoilt = data.noisy_labels(small, 1.0)
    assert spoilt.dtype == torch.uint8
    assert torch.equal(spoilt.long(), data.noisy_labels(small.long(), 1.0))
    assert spoilt.max() < 200
    draw = generator(0)
    two = [data.noisy_labels(y, 0.5, generator=draw) for _ in range(2)]
    assert not torch.equal(*two)


@of("subsets")
def check_fewer_keeps_the_test_part_and_nests():
    split = data.digits()
    few, more = data.fewer(split, 60), data.fewer(split, 200)
    assert few.x_test is split.x_test
    assert few.y_test is split.y_test
    assert torch.equal(few.x_train, more.x_train[:60])
    assert torch.equal(few.y_train, more.y_train[:60])
    held = {tuple(row) for row in split.x_train.tolist()}
    rows = [tuple(row) for row in more.x_train.tolist()]
    assert set(rows) <= held
    labels = dict(
        zip(map(tuple, split.x_train.tolist()), split.y_train.tolist(), strict=True)
    )
    assert [labels[row] for row in rows] == more.y_train.tolist()
    assert len(set(rows)) == 200
    assert not torch.equal(few.x_train, split.x_train[:60])
    assert not torch.equal(few.y_train, data.fewer(split, 60, seed=1).y_train)
    assert len(data.fewer(split, 1400).y_train) == 1400


@of("subsets")
def check_balanced_means_every_class_alike():
    split = data.digits()
    for n in (7, 10, 50, 103):
        kept = data.fewer(split, n, balanced=True)
        counts = kept.y_train.bincount(minlength=10)
        assert counts.max() - counts.min() <= 1
        assert counts.sum() == n
    kept = data.fewer(split, 40, balanced=True)
    assert kept.y_train[:10].unique().numel() == 10
    assert kept.y_train[:10].tolist() != kept.y_train[10:20].tolist()


@of("subsets")
def check_classes_are_picked_and_numbered():
    split = data.digits()
    upper = data.only_classes(split, [7, 3])
    assert upper.y_train.unique().tolist() == upper.y_test.unique().tolist() == [3, 7]
    keep = (split.y_test == 7) | (split.y_test == 3)
    assert torch.equal(upper.x_test, split.x_test[keep])
    anew = data.only_classes(split, [7, 3], relabel=True)
    assert torch.equal(anew.y_train, (upper.y_train == 3).long())
    assert torch.equal(anew.x_train, upper.x_train)


@of("subsets")
def check_sorting_is_stable():
    split = data.digits()
    ordered = data.sorted_by_class(split)
    assert torch.equal(ordered.y_train, split.y_train.sort().values)
    rows = [split.x_train[split.y_train == k] for k in range(10)]
    assert torch.equal(ordered.x_train, torch.cat(rows))
    assert ordered.x_test is split.x_test


# ---- Wilson's construction, two Gaussians


@of("wilson")
def check_the_construction_is_the_papers():
    split = data.wilson(60, 50, **F64)
    for x, y, own in ((*split[:2], True), (*split[2:], False)):
        expected = np.zeros((len(y), 303))
        for i, sign in enumerate(y.tolist(), start=1):
            expected[i - 1, 0] = sign
            expected[i - 1, 1:3] = 1
            first = 4 + 5 * (i - 1)
            for j in range(first, first + 2 * (1 - sign) + 1) if own else ():
                expected[i - 1, j - 1] = 1
        assert np.array_equal(x.numpy(), expected)
    assert (split.y_train == 1).sum() == 36
    assert (split.y_test == 1).sum() == 30
    assert set(split.y_train.tolist()) == {-1, 1}
    assert split.y_train.tolist() != sorted(split.y_train.tolist(), reverse=True)
    assert (data.wilson(10, 20, positive=0.8).y_test == 1).sum() == 16
    assert data.wilson().x_train.shape == (60, 303)
    assert len(data.wilson().y_test) == 100


@of("wilson")
def check_least_norm_is_right_and_equal_weights_follow_the_majority():
    split = data.wilson(**F64)
    y = split.y_train.double()
    least = torch.linalg.pinv(split.x_train) @ y
    close(split.x_train @ least, y)
    assert ((split.x_test @ least).sign() == split.y_test).all()
    equal = (split.x_train.T @ y).sign()
    assert ((split.x_train @ equal).sign() == y).all()
    assert ((split.x_test @ equal) > 0).all()
    assert (split.y_test > 0).sum() == 60


@of("gaussians")
def check_errors_are_those_of_the_closed_form():
    for mu in (0.5, 1.0, 2.0):
        x, y = data.two_gaussians(40_000, 5, distance=mu, **F64)
        wrong = ((x.sum(1) > 0) != (y == 1)).double().mean().item()
        assert wrong == pytest.approx(special.ndtr(-mu), abs=0.01)
        along = x.sum(1) / 5**0.5 * (2 * y - 1)
        assert along.mean().item() == pytest.approx(mu, abs=0.03)
        assert along.std().item() == pytest.approx(1, abs=0.02)
        close(x.mean(0)[0], x.mean(0)[1], rtol=0, atol=0.05)


@of("gaussians")
def check_the_correct_side_is_a_truncated_normal():
    x, y = data.two_gaussians(20_000, 4, distance=0.7, correct_side=True, **F64)
    along = x.sum(1) / 2 * (2 * y - 1)
    assert (along > 0).all()
    law = stats.truncnorm(-0.7, np.inf, loc=0.7)
    assert stats.kstest(along.numpy(), law.cdf).pvalue > 1e-3
    across = (x[:, 0] - x[:, 1]) / 2**0.5
    assert stats.kstest(across.numpy(), "norm").pvalue > 1e-3
    free, _ = data.two_gaussians(20_000, 4, distance=0.7, **F64)
    u = torch.full((4,), 0.5, **F64)
    close(x - (x @ u)[:, None] * u, free - (free @ u)[:, None] * u)


@of("gaussians")
def check_classes_alternate_and_defaults_hold():
    x, y = data.two_gaussians(6)
    assert x.shape == (6, 50)
    assert y.tolist() == [0, 1] * 3
    close(x, data.two_gaussians(6, 50, distance=1.0, correct_side=False, seed=0)[0])
    assert not torch.equal(x, data.two_gaussians(6, seed=1)[0])


@pytest.mark.parametrize(
    "check", [c for page in CHECKS.values() for c in page], ids=lambda c: c.__name__[6:]
)
def test_generated(check):
    check()


# ---- laws of all generators

MAKERS = {
    "mnist1d": lambda **o: data.mnist1d(30, 20, **o),
    "synthetic_ctr": lambda **o: data.synthetic_ctr(40, **o),
    "adding_problem": lambda **o: data.adding_problem(30, **o),
    "shifted_digits": lambda **o: data.shifted_digits("noise", 2.0, **o),
    "wilson": lambda **o: data.wilson(20, 20, **o),
    "two_gaussians": lambda **o: data.two_gaussians(30, 6, **o),
}


def tensors(made):
    parts = vars(made).values() if isinstance(made, data.CTRLogs) else made
    return [part for part in parts if isinstance(part, torch.Tensor)]


@pytest.mark.parametrize("name", sorted(MAKERS))
def test_a_seed_decides_everything_and_nothing_global_does(name):
    make, before = MAKERS[name], torch.get_rng_state()
    first, again, other = (tensors(make(seed=s)) for s in (3, 3, 4))
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert any(not torch.equal(a, b) for a, b in zip(first, other, strict=True))
    default = zip(tensors(make()), tensors(make(seed=0)), strict=True)
    assert all(torch.equal(a, b) for a, b in default)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("name", sorted(MAKERS))
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_every_type_sees_the_same_data(name, dtype):
    low, high = (tensors(MAKERS[name](dtype=d)) for d in (dtype, torch.float64))
    for a, b in zip(low, high, strict=True):
        assert a.dtype == (dtype if b.dtype == torch.float64 else torch.int64)
        assert torch.equal(a, b.to(a.dtype))


@pytest.mark.gpu
@pytest.mark.parametrize("name", sorted(MAKERS))
def test_data_lie_on_the_device_asked_for(name):
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    here, there = tensors(MAKERS[name]()), tensors(MAKERS[name](device="cuda"))
    for a, b in zip(here, there, strict=True):
        assert b.is_cuda
        assert torch.equal(a, b.cpu())


@LAW
@given(st.integers(1, 40), st.integers(2, 12), st.integers(0, 8), st.integers(0, 99))
def test_every_adding_problem_is_well_posed(n, low, more, seed):
    problem = data.adding_problem(n, min_len=low, max_len=low + more, seed=seed, **F64)
    assert (problem.x[..., 1].sum(1) == 2).all()
    assert (problem.x[..., 1][~problem.mask] == 0).all()
    close(problem.x.prod(-1).sum(1), problem.y)
    assert (problem.lengths >= low).all()
    assert (problem.lengths <= low + more).all()


def test_importing_the_part_leaves_scikit_learn_and_networks_alone():
    script = (
        "import sys, coursekit.data, coursekit.selection\n"
        "print(*{name.partition('.')[0] for name in sys.modules})"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert not {"sklearn", "scipy", "matplotlib"} & set(done.stdout.split())


SPLIT = data.digits()
Y10 = torch.arange(20) % 10
BAD = [
    (lambda: data.mnist1d(0), ValueError, "n_train: expected an integer >= 1"),
    (lambda: data.mnist1d(5, 0), ValueError, "n_test: expected"),
    (lambda: data.mnist1d(5, 5, corr_noise=-1), ValueError, "corr_noise: expected"),
    (lambda: data.mnist1d(5, 5, iid_noise=math.inf), ValueError, "iid_noise: expected"),
    (lambda: data.mnist1d(5, 5, scale=2.1), ValueError, "scale: expected"),
    (lambda: data.mnist1d(5, 5, shear=-0.1), ValueError, "shear: expected"),
    (lambda: data.mnist1d(5, 5, max_translation=55), ValueError, r"in \[1, 54"),
    (lambda: data.mnist1d(5, 5, max_translation=0), ValueError, r"in \[1, 54"),
    (lambda: data.mnist1d(5, 5, max_translation=1.5), TypeError, "max_translation"),
    (lambda: data.synthetic_ctr(0), ValueError, "n: expected"),
    (lambda: data.synthetic_ctr(5, sizes=()), ValueError, "at least one field"),
    (lambda: data.synthetic_ctr(5, sizes=(3, 0)), ValueError, "sizes: expected"),
    (lambda: data.synthetic_ctr(5, exponent=-1), ValueError, "exponent: expected"),
    (lambda: data.synthetic_ctr(5, strength=-1), ValueError, "strength: expected"),
    (lambda: data.synthetic_ctr(5, offset=math.nan), ValueError, "offset: expected"),
    (lambda: data.adding_problem(0), ValueError, "n: expected"),
    (lambda: data.adding_problem(5, min_len=1), ValueError, "min_len: .* >= 2"),
    (lambda: data.adding_problem(5, max_len=7), ValueError, "max_len: .* >= 8"),
    (lambda: data.shifted_digits("flip"), ValueError, "kind: expected one of"),
    (lambda: data.shifted_digits("shift", -1), ValueError, "amount: expected"),
    (lambda: data.shifted_digits("rotate", math.inf), ValueError, "amount: expected"),
    (lambda: data.shifted_digits(part="valid"), ValueError, "part: expected one of"),
    (lambda: data.noisy_labels(Y10, 1.1), ValueError, "rate: expected"),
    (lambda: data.noisy_labels(Y10, -0.1), ValueError, "rate: expected"),
    (lambda: data.noisy_labels(Y10, 0.1, kind="some"), ValueError, "kind: expected"),
    (lambda: data.noisy_labels(Y10, 0.1, n_classes=5), ValueError, "got 0 to 9"),
    (lambda: data.noisy_labels(Y10 - 1, 0.1), ValueError, "got -1 to 8"),
    (lambda: data.noisy_labels(0 * Y10, 0.1), ValueError, "n_classes: .* >= 2, got 1"),
    (lambda: data.noisy_labels(Y10 / 2, 0.1), TypeError, "integer class indices"),
    (lambda: data.noisy_labels(Y10[:0], 0.1), TypeError, r"shape \(0,\)"),
    (lambda: data.noisy_labels(Y10[None], 0.1), TypeError, r"shape \(1, 20\)"),
    (lambda: data.fewer(SPLIT, 1401), ValueError, "at most 1400, .* got 1401"),
    (lambda: data.fewer(SPLIT, 0), ValueError, "n_train: expected an integer >= 1"),
    (lambda: data.fewer(SPLIT, 1399, balanced=True), ValueError, "every class if"),
    (lambda: data.only_classes(SPLIT, []), ValueError, "expected different classes"),
    (lambda: data.only_classes(SPLIT, [1, 1]), ValueError, "expected different"),
    (lambda: data.only_classes(SPLIT, [10]), ValueError, r"expected some of \[0, 1"),
    (lambda: data.wilson(1), ValueError, "n_train: expected an integer >= 2"),
    (lambda: data.wilson(2, positive=0.9), ValueError, "both classes, got 2"),
    (lambda: data.wilson(positive=0.5), ValueError, r"positive: .* in \(0.5, 1\)"),
    (lambda: data.wilson(positive=1), ValueError, r"positive: .* in \(0.5, 1\)"),
    (lambda: data.wilson(5, 0), ValueError, "n_test: expected"),
    (lambda: data.two_gaussians(0), ValueError, "n: expected"),
    (lambda: data.two_gaussians(5, 0), ValueError, "d: expected"),
    (lambda: data.two_gaussians(5, distance=0), ValueError, "distance: expected"),
]


@pytest.mark.parametrize(("call", "error", "message"), BAD)
def test_bad_input_is_refused_in_words(call, error, message):
    with pytest.raises(error, match=message):
        call()


# ---- mutants

MUTANTS = {
    "mnist1d": [
        ("_signals", "tau = 11 *", "tau = 12 *"),
        ("_signals", "(t - k) / w", "(t - k) / 15"),
        ("_signals", "(t - k) / w", "(t + k) / w"),
        ("_signals", "(1 + a) *", "(1 + 2 * a) *"),
        ("_signals", "noise[0] * _smooth", "noise[1] * _smooth"),
        ("_signals", "noise[1] * normal", "noise[1] ** 2 * normal"),
        ("_signals", "s = s - b *", "s = s - 2 * b *"),
        ("_signals", "t / (LINE - 1) - 0.5", "t / (LINE - 1)"),
        ("_signals", "linspace(0, LINE - 1", "linspace(0, LINE - 8"),
        ("_signals", "places).floor()", "places / 2).floor()"),
        ("_smooth", "(2 * WINDOW**2)", "(2 * WINDOW)"),
        ("_smooth", "(2 * WINDOW**2)", "(WINDOW**2)"),
        ("_smooth", "h / h.sum()", "h / h.norm()"),
        ("_between", "* (1 - share)", "* share"),
        ("_between", "(at >= 0) & (at <= last)", "at >= 0"),
        ("templates", "strokes / strokes", "strokes * strokes"),
        ("templates", "dim=1, correction=0", "dim=1, correction=1"),
        ("mnist1d", "- mean) / std", ") / std"),
        ("mnist1d", "- mean) / std", "- mean)"),
        ("mnist1d", "% len(STROKES)", "% 9"),
        ("mnist1d", "[torch.randperm(n, generator=draw)]", ""),
        ("mnist1d", "if permute else slice(None)", "if not permute else slice(None)"),
        ("mnist1d", "n_train: int = 4000", "n_train: int = 5000"),
        ("mnist1d", "n_test: int = 1000", "n_test: int = 4000"),
    ],
    "ctr": [
        ("_zipf", "** -a", "** -1.0"),
        ("_zipf", "torch.arange(1, size + 1", "torch.arange(2, size + 2"),
        ("_score", "- v.square().sum(0)", ""),
        ("_score", ".sum(1) / 2", ".sum(1)[: len(c)] + torch.stack(b)[0]"),
        ("_score", "[c[:, 0]]", "[c[:, 1]]"),
        ("_score", "torch.stack(b).sum(0)", "b[0]"),
        ("_score", "_standard(part) for", "part for"),
        ("_standard", "correction=0", "correction=1"),
        ("_standard", "values - values.mean()", "values"),
        ("synthetic_ctr", "zeta.exp()", "zeta.exp() - 1"),
        ("synthetic_ctr", "l0 + l1 * _standard(s)", "l0 + l1 * s"),
        ("synthetic_ctr", "l0 + l1", "l0 - 0.2 + l1"),
        ("synthetic_ctr", "uniform(draw, n) < P", "uniform(draw, n) > P"),
        ("synthetic_ctr", "strength: float = 2.0", "strength: float = 1.0"),
        ("synthetic_ctr", "offset: float = -1.5", "offset: float = -1.0"),
        ("synthetic_ctr", "exponent: float = 1.3", "exponent: float = 1.0"),
        ("synthetic_ctr", "n: int = 12_000", "n: int = 10_000"),
        ("CTRLogs", "misses / 2", "misses"),
        ("CTRLogs", "- misses / 2", ""),
        ("CTRLogs", "group, 1 - P", "group, P"),
        ("CTRLogs", "self.clicks[rows]", "self.clicks"),
        ("CTRLogs", "P.sum() * (1 - P).sum()", "P.sum() ** 2"),
    ],
    "adding": [
        ("adding_problem", "(m * u).sum(1)", "(m * u).mean(1)"),
        ("adding_problem", "high - low + 1", "high - low"),
        ("adding_problem", "(lengths - half)", "half"),
        ("adding_problem", "half = lengths // 2", "half = lengths - 1"),
        ("adding_problem", "half + (uniform", "1 + (uniform"),
        ("adding_problem", ".where(steps < lengths[:, None], 0)", ""),
        (
            "adding_problem",
            "uniform(draw, n, high)",
            "(2 * uniform(draw, n, high) - 1)",
        ),
        ("adding_problem", "stack((u, m)", "stack((m, u)"),
        ("adding_problem", "min_len: int = 8", "min_len: int = 9"),
        ("adding_problem", "max_len: int = 24", "max_len: int = 23"),
        ("AddingProblem", "steps < self", "steps <= self"),
    ],
    "shifted": [
        ("_changed", "[[cos, -sin, 0.0], [sin, cos", "[[cos, sin, 0.0], [-sin, cos"),
        ("_changed", "math.radians(size)), math", "size), math"),
        ("_changed", "x + size *", "x + 4.8 * size *"),
        ("_changed", "* 2 / (SIDE - 1)", "* 2 / SIDE"),
        ("_changed", "(4 * uniform", "(2 * uniform"),
        ("_changed", "[0, 1], [0, -1]]", "[1, 1], [-1, -1]]"),
        ("_moved", "align_corners=True).view_as", "align_corners=False).view_as"),
        ("_moved", "grid, align", 'grid, padding_mode="border", align'),
        ("_moved", "grid, align", 'grid, mode="nearest", align'),
        ("shifted_digits", "parts[0].mean(0)", "parts[2].mean(0)"),
        ("shifted_digits", "- mean) / GLOBAL_SCALE", "- mean)"),
        ("shifted_digits", "for index in PARTS[part]", "for index in (2,)"),
        ("shifted_digits", 'part: str = "test"', 'part: str = "both"'),
        ("shifted_digits", "amount: float = 25.0", "amount: float = 30.0"),
        ("shifted_digits", 'source(None, seed, "shft")', 'source(None, 0, "shft")'),
    ],
    "labels": [
        (
            "noisy_labels",
            'least = 1 if kind == "other"',
            'least = 0 if kind == "other"',
        ),
        ("noisy_labels", "else 0", "else 1"),
        ("noisy_labels", "round(", "int("),
        ("noisy_labels", "(least, C,", "(least, C - 1,"),
        ("noisy_labels", ") % C", ") % (C + 1)"),
        ("noisy_labels", "j.to(y.device)", "j.to(y)"),
        ("noisy_labels", "torch.randperm(n, generator=draw", "torch.arange(n"),
        ("noisy_labels", "y.index_put(", "y.index_put_("),
        ("noisy_labels", "source(generator, seed", "source(None, seed"),
        ("noisy_labels", "source(generator, seed", "source(generator, 0"),
        ("noisy_labels", 'kind: str = "other"', 'kind: str = "any"'),
    ],
    "subsets": [
        ("fewer", "kept = order[:n]", "kept = order[-n:]"),
        ("fewer", "argsort(stable=True)]", "flip(0)]"),
        ("fewer", "torch.randperm(len(y), generator=draw", "torch.arange(len(y)"),
        ("fewer", "y_train=y[kept]", "y_train=y[kept].flip(0)"),
        ("fewer", "source(generator, seed", "source(generator, 0"),
        ("_rank_in_class", ").sum(1) - 1", ").amin(1)"),
        ("only_classes", "if relabel else", "if not relabel else"),
        ("only_classes", "torch.isin(y, wanted)", "~torch.isin(y, wanted)"),
        (
            "sorted_by_class",
            "split.y_train.argsort(stable=True)",
            "split.y_train.argsort(descending=True)",
        ),
        ("sorted_by_class", "x_train=split.x_train[order], ", ""),
    ],
    "wilson": [
        ("wilson", "width = 3 + 5 * n", "width = 4 + 5 * n"),
        ("wilson", "4 + 5 * (r - 1)", "4 + 4 * (r - 1)"),
        ("wilson", "2 * (1 - int(y[r - 1]))", "2 * (1 + int(y[r - 1]))"),
        ("wilson", "start - 1 : stop", "start : stop"),
        ("wilson", "positive: float = 0.6", "positive: float = 0.7"),
        ("wilson", "n_train: int = 60", "n_train: int = 50"),
        ("wilson", "n_test: int = 100", "n_test: int = 60"),
        ("_classes", "1, -1)", "1, 0)"),
        ("_classes", "y[torch.randperm(n, generator=draw)]", "y"),
        ("_common", "x[:, 1:3]", "x[:, 1:2]"),
        ("_common", "x[:, 0] = y", "x[:, 0] = 2 * y"),
    ],
    "gaussians": [
        ("two_gaussians", "(s * mu)", "(s * mu / 2)"),
        ("two_gaussians", "d**-0.5", "1.0"),
        ("two_gaussians", "torch.tensor(-mu", "torch.tensor(mu"),
        ("two_gaussians", "wrong + (1 - wrong) *", "(1 - wrong) *"),
        ("two_gaussians", "along = s *", "along = -s *"),
        ("two_gaussians", "along - xi @ u", "along"),
        ("two_gaussians", "distance: float = 1.0", "distance: float = 1.5"),
        ("two_gaussians", "d: int = 50", "d: int = 20"),
        ("two_gaussians", "if correct_side", "if not correct_side"),
        ("two_gaussians", "% 2", "% 3"),
    ],
}


def survives(checks):
    try:
        for check in checks:
            check()
    except Exception:
        return False
    return True


@pytest.mark.parametrize(
    ("page", "name", "old", "new"),
    [(page, *mutant) for page, mutants in MUTANTS.items() for mutant in mutants],
)
def test_the_checks_kill_the_mutant(mutate, monkeypatch, page, name, old, new):
    wrong = mutate(getattr(PAGES[page], name), old, new)
    for where in (PAGES[page], data):
        if callable(getattr(where, name, None)):
            monkeypatch.setattr(where, name, wrong)
    assert not survives(CHECKS[page])
