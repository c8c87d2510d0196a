"""Write runs to a file and read them back, by us and by anybody."""

import json
import math
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from coursekit import optim
from coursekit.sweep import Named, Sweep, archive

nan, inf = math.nan, math.inf

SETTINGS = [
    {"lr": 0.1, "betas": (0.9, 0.99), "seed": 0, "norm": None, "bias": True},
    {"lr": nan, "betas": (0.9, (1, inf)), "seed": 1, "norm": "bn", "bias": False},
    {
        "lr": -inf,
        "widths": [1, (2, 3)],
        "extra": {"a": 1},
        "odd": {"float": "3"},
        "more": {"a": 1, "b": (2,)},
    },
    {"float": 1.0, "tuple": (), "text": "x", "dict": {}},
]


def made() -> Sweep:
    return Sweep(
        settings=[dict(row) for row in SETTINGS],
        loss=np.array([[1.0, nan], [inf, 2.0], [0.5, 0.25], [nan, nan]]),
        moments=np.array([0, 2]),
        probes={"a/b": np.arange(16.0).reshape(4, 2, 2), "acc": np.full((4, 2), nan)},
        status=["done", "diverged", "stopped", "lost"],
        updates=np.array([2, 1, 2, 0]),
        parameters=[{"0.weight": np.eye(2, dtype=np.float32)}, {"b/c": np.ones(1)}, {},
                    {}],
        notes=["a note", "…"],
    )  # fmt: skip


def equal(a: Any, b: Any) -> None:
    """Compare values and types, NaN with itself."""
    assert type(a) is type(b)
    if isinstance(a, float):
        assert a == b or (math.isnan(a) and math.isnan(b))
    elif isinstance(a, list | tuple):
        assert len(a) == len(b)
        for each, other in zip(a, b, strict=True):
            equal(each, other)
    elif isinstance(a, dict):
        assert [*a] == [*b]
        equal([*a.values()], [*b.values()])
    else:
        assert a == b


def check(save: Any, load: Any, folder: Path) -> None:
    """Everything comes back: types, NaN, names with slashes, empty runs."""
    sweep = made()
    path = save(sweep, folder / "runs")
    assert path == folder / "runs.npz"
    assert path.exists()
    back = load(path)
    equal(back.settings, sweep.settings)
    for name in ("loss", "moments", "updates"):
        np.testing.assert_array_equal(getattr(back, name), getattr(sweep, name))
        assert getattr(back, name).dtype == getattr(sweep, name).dtype
    assert [*back.probes] == [*sweep.probes]
    for name, values in sweep.probes.items():
        np.testing.assert_array_equal(back.probes[name], values)
    assert (back.status, back.notes, back.job) == (sweep.status, sweep.notes, None)
    for ours, theirs in zip(back.parameters, sweep.parameters, strict=True):
        assert ours.keys() == theirs.keys()
        for name, value in theirs.items():
            np.testing.assert_array_equal(ours[name], value)
            assert ours[name].dtype == value.dtype


def test_round_trip(tmp_path: Path) -> None:
    check(archive.save, archive.load, tmp_path)
    path = made().save(tmp_path / "other.bin")
    assert path.name == "other.bin"
    equal(Sweep.load(path).settings, SETTINGS)


def test_the_format_is_what_the_page_says(tmp_path: Path) -> None:
    """A zip of arrays and a strict JSON header, readable without this package."""
    path = made().save(tmp_path / "runs.npz")
    with zipfile.ZipFile(path) as file:
        assert "parameters/0/0.weight.npy" in file.namelist()
    with np.load(path, allow_pickle=False) as arrays:
        header = json.loads(str(arrays["header"]), parse_constant=lambda c: 1 / 0)
    assert header["format"] == 2
    assert header["settings"][0]["betas"] == {"tuple": [0.9, 0.99]}
    assert header["settings"][1]["lr"] == {"float": "nan"}
    assert header["settings"][2]["extra"] == {"dict": {"a": 1}}
    assert header["status"] == ["done", "diverged", "stopped", "lost"]


def test_names_are_texts(tmp_path: Path) -> None:
    """Objects are saved by their names."""
    sweep = made()
    sweep.settings[0] = {"optimizer": optim.adam, "k": np.float32(0.5), "p": Path("x")}
    sweep.settings[1] = {"schedule": Named("cosine", math.cos)}
    back = Sweep.load(sweep.save(tmp_path / "a"))
    assert back.settings[0]["k"] == pytest.approx(0.5)
    assert back.settings[0]["p"] == "x"
    assert isinstance(back.settings[0]["optimizer"], str)
    assert back.settings[1] == {"schedule": "cosine"}


def test_other_files_are_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=np.zeros(2))
    with pytest.raises(ValueError, match="expected a saved sweep, got arrays"):
        Sweep.load(tmp_path / "a.npz")
    path = made().save(tmp_path / "b")
    with np.load(path) as file:
        arrays = {name: file[name] for name in file.files}
    header = json.loads(str(arrays["header"])) | {"format": 3}
    arrays["header"] = np.array(json.dumps(header))
    np.savez(path, **arrays)
    with pytest.raises(ValueError, match=r"up to 2, got 3.*update coursekit"):
        Sweep.load(path)


MUTANTS = [
    ("save", 'path.with_suffix(".npz")', 'path.with_suffix(".zip")'),
    ("save", "list(sweep.probes)", "sorted(sweep.probes)[:1]"),
    ("load", 'rest.partition("/")', 'rest.rpartition("/")'),
    ("load", "_entries(row)", "dict(row)"),
    ("_plain", "bool | int | str", "bool | str"),
    ("_plain", '{"tuple": [_plain(each) for each in value]}',
     "[_plain(each) for each in value]"),
    ("_plain", 'if math.isfinite(value) else {"float": str(value)}', ""),
    ("_plain", '{"dict": plain} if len(plain) == 1 else plain', "plain"),
    ("_back", "tuple(_back(each) for each in held)", "tuple(held)"),
    ("_back", '"float": float', '"float": str'),
    ("_back", "return [_back(each) for each in value]", "return value"),
    ("_entries", "_back(each)", "each"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "old", "new"), MUTANTS)
def test_mutants(
    name: str, old: str, new: str, mutate: Any, monkeypatch: Any, tmp_path: Path
) -> None:
    monkeypatch.setattr(archive, name, mutate(getattr(archive, name), old, new))
    with pytest.raises((AssertionError, LookupError, ValueError, TypeError)):
        check(archive.save, archive.load, tmp_path)
