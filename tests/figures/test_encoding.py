"""Codes: Python and JavaScript restore the same numbers, and to half a step."""

import zlib
from base64 import b64encode

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from coursekit.figures import Array, Cube, Dim
from coursekit.figures.cube_file import pack
from coursekit.figures.encoding import (
    Codes,
    decode,
    encode,
    from_bytes,
    step_size,
    to_bytes,
)

NUMBERS = st.floats(-1e6, 1e6) | st.sampled_from([np.nan, np.inf, 0.0])
TABLES = arrays(float, array_shapes(max_dims=3, max_side=6), elements=NUMBERS)


def same(a, b):
    return np.array_equal(np.isnan(a), np.isnan(b)) and np.array_equal(
        np.isinf(a), np.isinf(b)
    )


@pytest.mark.parametrize("encoding", ["i16", "u8lin"])
@given(values=TABLES)
def test_levels_restore_to_half_a_step(encoding, values):
    codes = encode(values, encoding)
    back, finite = decode(codes), np.isfinite(values)
    assert same(back, values)
    error = np.abs(back[finite] - values[finite])
    assert np.all(error <= 0.5 * step_size(codes) * (1 + 1e-6) + 1e-9)


@given(values=TABLES)
def test_logarithms_restore_relatively(values):
    positive = np.where(np.isfinite(values), np.abs(values) + 1e-6, values)
    codes = encode(positive, "i16log")
    back, finite = decode(codes), np.isfinite(positive)
    assert same(back, positive)
    ratio = np.log(back[finite] / positive[finite])
    assert np.all(np.abs(ratio) <= 0.5 * step_size(codes) * (1 + 1e-6) + 1e-9)


@given(values=arrays(np.uint8, array_shapes(max_side=7)))
def test_small_integers_are_exact(values):
    assert np.array_equal(decode(encode(values, "u8x")), values)


def test_histograms_are_relative_to_their_own_maximum():
    back = decode(encode(np.array([[0, 5, 10], [0, 500, 100], [0, 0, 0]]), "u8"))
    assert np.abs(back - [[0, 0.5, 1], [0, 1, 0.2], [0, 0, 0]]).max() < 1 / 254


def test_a_histogram_of_a_failed_run_is_missing_whole():
    back = decode(encode(np.array([[1.0, np.nan], [1.0, 2.0]]), "u8"))
    assert np.isnan(back[0]).all()
    assert np.isfinite(back[1]).all()


@pytest.mark.parametrize("encoding", ["i16", "i16log", "u8", "u8lin", "u8x"])
@given(data=st.data())
def test_bytes_are_read_as_written(encoding, data):
    values = data.draw(
        arrays(float, array_shapes(max_side=6), elements=st.integers(1, 200))
    )
    codes = encode(values, encoding)
    shell = Codes(np.empty(0), codes.encoding, codes.low, codes.high)
    again = from_bytes(to_bytes(codes), values.shape, shell)
    assert np.array_equal(again.integers, codes.integers)


@pytest.mark.parametrize(
    ("values", "encoding", "message"),
    [
        ([0.5], "u8x", "whole numbers"),
        ([300], "u8x", "0 to 255"),
        ([0.0], "i16log", "positive"),
        ([[-1.0]], "u8", "negative"),
        ([1.0], "f32", "expected one of"),
    ],
)
def test_values_that_do_not_fit_are_refused(values, encoding, message):
    with pytest.raises(ValueError, match=message):
        encode(np.array(values), encoding)


def test_encoding_twice_changes_nothing():
    first = Array(np.linspace(0.1, 7, 100).reshape(4, 25), ["a", "b"], "i16log")
    second = Array(first.values, ["a", "b"], "i16log")
    assert np.array_equal(first.codes.integers, second.codes.integers)


DECODE = """
import { decodeArrays } from "./core/decode.js";
import { inflateSync } from "node:zlib";
const bytes = inflateSync(Buffer.from(data.blob, "base64"));
const buffer = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length);
const arrays = decodeArrays(data.entries, buffer);
const text = (v) => (Number.isFinite(v) ? v : String(v));
console.log(JSON.stringify(Object.fromEntries(
    Object.entries(arrays).map(([n, a]) => [n, [...a.values].map(text)]))));
"""


@settings(max_examples=12, deadline=None)
@given(values=TABLES)
def test_javascript_decodes_what_python_encodes(node, values):
    dims = [Dim(f"d{k}", "d", range(n)) for k, n in enumerate(values.shape)]
    names = [d.name for d in dims]
    shown = np.abs(np.nan_to_num(values, nan=3.0, posinf=2.0))
    positive = np.where(np.isfinite(values), shown + 1e-3, values)
    cube = Cube(
        dims,
        {
            "counts": Array(np.arange(values.size).reshape(values.shape), names, "u8x"),
            "plain": Array(values, names),
            "log": Array(positive, names, "i16log"),
            "lin": Array(values, names, "u8lin"),
            "hist": Array(shown, names, "u8"),
        },
    )
    entries, blob = pack(cube.arrays)
    assert len(zlib.decompress(blob)) == sum(
        a.codes.integers.nbytes for a in cube.arrays.values()
    )
    found = node(DECODE, {"entries": entries, "blob": b64encode(blob).decode()})
    for name, array in cube.arrays.items():
        there = np.array([float(v) if v != "Infinity" else np.inf for v in found[name]])
        np.testing.assert_allclose(
            there, array.values.ravel(), rtol=1e-13, err_msg=name
        )
