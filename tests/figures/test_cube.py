"""Cubes: what they refuse, what they keep, and how they are checked again."""

import json
import zlib

import numpy as np
import pytest

from coursekit.figures import Array, Cube, Dim, provenance, seed_arrays
from coursekit.figures.cube_file import FILE_LIMIT


@pytest.fixture
def cube() -> Cube:
    rng = np.random.default_rng(0)
    dims = [
        Dim("B", "batch size B", [4, 16, 64]),
        Dim("act", "activation", ["tanh", "ReLU"]),
        Dim("t", "time", range(30)),
    ]
    loss = rng.lognormal(size=(3, 2, 5, 30))
    loss[2, 1, :3, 10:] = np.nan
    arrays = seed_arrays("loss", loss, ["B", "act", "t"], seed_axis=2, log=True)
    arrays["best"] = Array(np.eye(3, 2), ["B", "act"], "u8x")
    return Cube(dims, arrays, provenance("make figures", seeds=5))


def test_a_file_gives_back_the_same_codes_and_words(cube, tmp_path):
    again = Cube.load(cube.save(tmp_path / "a.cube"))
    assert again.dims == cube.dims
    assert again.provenance == cube.provenance
    assert set(again.arrays) == set(cube.arrays)
    for name, array in cube.arrays.items():
        assert np.array_equal(again.arrays[name].codes.integers, array.codes.integers)
        assert again.arrays[name].dims == array.dims


def test_a_file_is_readable_without_this_package(cube, tmp_path):
    head, _, blob = cube.save(tmp_path / "a.cube").read_bytes().partition(b"\n")
    header, raw = json.loads(head), zlib.decompress(blob)
    entry = header["arrays"]["best"]
    count = entry["shape"][0] * entry["shape"][1]
    stored = np.frombuffer(raw[entry["offset"] :][:count], np.uint8)
    assert stored.tolist() == [1, 0, 0, 1, 0, 0]
    entry = header["arrays"]["loss"]
    codes = np.frombuffer(raw[entry["offset"] :][: 2 * 30], "<u2").cumsum() & 0xFFFF
    share = (codes.astype("<u2").view("<i2") + 32766.0) / 65532
    low, high = entry["range"]
    np.testing.assert_allclose(
        np.exp(low + share * (high - low)), cube.sel("loss", B=4, act="tanh")
    )


def test_the_same_runs_make_the_same_file(cube, tmp_path):
    first = cube.save(tmp_path / "a.cube").read_bytes()
    assert cube.save(tmp_path / "b.cube").read_bytes() == first


def test_other_files_are_refused(tmp_path, cube):
    (tmp_path / "x").write_bytes(b"hello\nworld")
    with pytest.raises(ValueError, match="not a coursekit-cube"):
        Cube.load(tmp_path / "x")
    content = cube.save(tmp_path / "a.cube").read_bytes()
    (tmp_path / "y").write_bytes(content.replace(b'"version":1', b'"version":9'))
    with pytest.raises(ValueError, match="update coursekit"):
        Cube.load(tmp_path / "y")


def test_a_file_over_the_limit_is_refused(tmp_path):
    noise = np.random.default_rng(0).normal(size=FILE_LIMIT)
    big = Cube([Dim("k", "k", range(noise.size))], {"noise": Array(noise, ["k"])})
    with pytest.raises(ValueError, match="store fewer"):
        big.save(tmp_path / "big.cube")


def test_selection_is_by_setting_and_by_position(cube):
    by_value = cube.sel("loss", B=16, act="ReLU")
    assert by_value.shape == (30,)
    assert np.array_equal(by_value, cube.isel("loss", B=1, act=1))
    assert cube.isel("loss", B=0, act=0, t=-1) == cube.sel(
        "loss", B=4, act="tanh", t=29
    )
    with pytest.raises(ValueError, match=r"B=5 was not run; its settings are \[4, 16"):
        cube.sel("loss", B=5)
    with pytest.raises(ValueError, match="no dimension 'lr'"):
        cube.sel("loss", lr=1)
    with pytest.raises(ValueError, match="has dimensions"):
        cube.sel("best", t=3)
    with pytest.raises(ValueError, match="no array"):
        cube.sel("acc")


def test_stored_values_cannot_be_changed(cube):
    with pytest.raises(ValueError, match="read-only"):
        cube.arrays["loss"].values[0] = 1


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: Dim("a b", "x", [1]), "identifier"),
        (lambda: Dim("a", "x", []), "no values"),
        (lambda: Dim("a", "x", [1, 2], ["one"]), "1 names for 2"),
        (lambda: Array(np.zeros((2, 2)), ["a"]), "needs 2 dimension"),
        (lambda: Cube([Dim("a", "x", [1]), Dim("a", "y", [2])], {}), "share a name"),
        (lambda: Cube([Dim("a", "x", [1])], {"y": Array([1.0], ["b"])}), "unknown"),
        (
            lambda: Cube([Dim("a", "x", [1])], {"y": Array([1.0, 2], ["a"])}),
            r"shape \(2,\)",
        ),
        (lambda: Cube([Dim("a", "x", [1])], {"a": Array([1.0], ["a"])}), "both"),
    ],
)
def test_what_does_not_fit_is_refused(build, message):
    with pytest.raises(ValueError, match=message):
        build()


def test_medians_are_given_only_while_more_than_half_are_finite():
    runs = np.ones((3, 5))
    runs[1, :2] = np.nan
    runs[2, :3] = np.inf
    found = seed_arrays("x", runs, ["k"], seed_axis=1)
    assert found["x"].values.tolist() == [1, 1, np.inf]
    assert found["x_lo"].values[2] == np.inf
    assert found["x_div"].values.tolist() == [0, 2, 3]
    assert "x_q1" not in found


def test_half_of_four_finite_is_not_more_than_half():
    runs = np.array([[1.0, 2.0, np.nan, np.nan]])
    assert seed_arrays("x", runs, ["k"], 1)["x"].values.tolist() == [np.inf]


def test_from_eight_seeds_the_middle_half_is_stored():
    runs = np.arange(9.0)[None]
    found = seed_arrays("x", runs, ["k"], seed_axis=1)
    ends = [float(found[f"x_{end}"].values[0]) for end in ("lo", "q1", "q3", "hi")]
    assert ends == pytest.approx([0, 2, 6, 8])


def test_rerunning_agrees_or_says_where_it_differs(cube):
    def honest(B, act):
        return {"loss": cube.sel("loss", B=B, act=act) * 1.004}

    def off(B, act):
        return {"loss": cube.sel("loss", B=B, act=act) * (1.05 if B == 64 else 1)}

    report = cube.verify(honest)
    assert str(report) == "3 of 3 settings re-run agree within 1 %"
    assert report.ok
    bad = cube.verify(off, settings=6)
    assert not bad.ok
    assert str(bad).startswith(
        "4 of 6 settings re-run agree within 1 %\nloss differs at B=64"
    )


def test_a_run_that_survives_where_the_stored_one_failed_is_a_difference(cube):
    def lucky(B, act):
        return {"loss": np.where(np.isinf(v := cube.sel("loss", B=B, act=act)), 1.0, v)}

    assert not cube.verify(lucky, settings=6).ok


def test_the_settings_to_rerun_are_always_the_same(cube):
    def settings():
        return cube.verify(lambda B, act: {}).settings

    assert settings() == settings()
    assert len({tuple(s.items()) for s in settings()}) == 3


def test_provenance_says_what_was_used(monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "0")
    found = provenance("make figures", seeds=3)
    assert found["date"] == "1970-01-01"
    assert found["seeds"] == [0, 1, 2]
    assert "numpy" in found["versions"]
