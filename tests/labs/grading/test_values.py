import json
import math

import hypothesis.strategies as st
import pytest
import torch
from hypothesis import given, settings

from coursekit.labs import agree
from coursekit.labs.grading.decoding import Decoder
from coursekit.labs.grading.values import DTYPES, Sizes, WireError, encode

NUMBERS = st.integers(-(2**62), 2**62) | st.floats() | st.booleans() | st.none()
PLAIN = st.recursive(
    NUMBERS | st.text(max_size=5).filter(lambda t: t.isprintable()),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(st.text("abc", max_size=2), inner, max_size=3)
    ),
    max_leaves=10,
)


def there_and_back(value):
    return Decoder().message(*encode({"value": value}))["value"]


def same(a, b):
    if isinstance(a, float):
        return a == b or (math.isnan(a) and math.isnan(b))
    if isinstance(a, (list, tuple)):
        pairs = zip(a, b, strict=True)
        return type(a) is type(b) and all(same(x, y) for x, y in pairs)
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    return type(a) is type(b) and a == b


@settings(max_examples=60, deadline=None)
@given(PLAIN)
def test_plain_values_survive(value):
    assert same(value, there_and_back(value))


@pytest.mark.parametrize("name", DTYPES)
@pytest.mark.parametrize("shape", [(), (0,), (0, 3), (2, 3), (1, 2, 0, 4)])
def test_tensors_survive_bit_by_bit(name, shape):
    tensor = (torch.rand(shape) * 7 - 2).to(DTYPES[name])
    back = there_and_back([tensor, tensor.clone()])[1]
    assert back.dtype == tensor.dtype
    assert back.shape == tensor.shape
    assert torch.equal(back, tensor)


def test_views_and_signed_zero_survive():
    matrix = torch.arange(6.0).reshape(2, 3).T
    assert torch.equal(there_and_back(matrix), matrix)
    minus = there_and_back(torch.tensor([-0.0, math.nan]))
    assert math.copysign(1, float(minus[0])) == -1
    assert minus[1].isnan()


def header(value, tensors=()):
    return json.dumps({"fields": {"value": value}, "tensors": list(tensors)}).encode()


LIES = {
    "no JSON": (b"\xff", b""),
    "no object": (b"[1]", b""),
    "other fields": (b'{"fields": {}}', b""),
    "deep": (b"[" * 10_000 + b"]" * 10_000, b""),
    "deep value": (header(json.loads('{"list":[' * 40 + "]}" * 40)), b""),
    "huge integer": (header(2**64), b""),
    "endless digits": (b'{"fields":{"v":' + b"9" * 9000 + b'},"tensors":[]}', b""),
    "bare list": (header([1]), b""),
    "two tags": (header({"list": [], "tuple": []}), b""),
    "unknown tag": (header({"recipe": {}}), b""),
    "handle where none is expected": (header({"handle": [0, "x"]}), b""),
    "dict without pairs": (header({"dict": [1]}), b""),
    "dict with other keys": (header({"dict": [[1, 1]]}), b""),
    "complex of text": (header({"complex": ["a", 1.0]}), b""),
    "missing tensor": (header({"tensor": 0}), b""),
    "one tensor twice": (
        header({"list": [{"tensor": 0}, {"tensor": 0}]}, [["float32", [1]]]),
        bytes(4),
    ),
    "negative index": (header({"tensor": -1}, [["float32", [1]]]), bytes(4)),
    "true as index": (header({"tensor": True}, [["float32", [1]]] * 2), bytes(8)),
    "unknown dtype": (header({"tensor": 0}, [["object", [1]]]), bytes(8)),
    "too short": (header({"tensor": 0}, [["float32", [2]]]), bytes(4)),
    "too long": (header({"tensor": 0}, [["float32", [1]]]), bytes(8)),
    "2^62 entries": (header({"tensor": 0}, [["float32", [2**31, 2**31]]]), b""),
    "empty yet huge": (header({"tensor": 0}, [["float32", [0, 2**62]]]), b""),
    "negative size": (header({"tensor": 0}, [["float32", [-1, -1]]]), bytes(4)),
    "size of text": (header({"tensor": 0}, [["float32", ["1"]]]), bytes(4)),
    "many axes": (header({"tensor": 0}, [["float32", [1] * 9]]), bytes(4)),
}


@pytest.mark.parametrize("name", LIES)
def test_every_lie_is_a_wire_error(name):
    with pytest.raises(WireError):
        Decoder().message(*LIES[name])


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=60), st.binary(max_size=12))
def test_noise_is_a_wire_error(head, body):
    with pytest.raises(WireError):
        Decoder().message(head, body)


def test_bool_bytes_become_proper_bools():
    value = header({"tensor": 0}, [["bool", [3]]])
    tensor = Decoder().message(value, bytes([0, 1, 255]))["value"]
    assert tensor.tolist() == [False, True, True]
    assert int(tensor.sum()) == 2


def test_lone_surrogates_do_not_get_through():
    value = Decoder().message(header("a\ud800"), b"")["value"]
    assert value == "a?"


def test_a_subclass_comes_back_as_a_tensor():
    class Liar(torch.Tensor):
        def __eq__(self, other):
            return True

    back = there_and_back(torch.ones(2).as_subclass(Liar))
    assert type(back) is torch.Tensor
    assert not agree(back, torch.zeros(2))


def test_what_cannot_be_sent_is_refused():
    for value in (object(), 2**70, torch.ones(2).to_sparse()):
        with pytest.raises(WireError):
            encode({"value": value})


def test_caps_are_those_given():
    message = encode({"value": torch.ones(10)})
    with pytest.raises(WireError, match="more than 9 entries"):
        Decoder(sizes=Sizes(elements=9)).message(*message)
