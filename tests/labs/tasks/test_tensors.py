"""A tensor is read or refused in a sentence, and a difference is located."""

import pytest
import torch

from coursekit.labs import Unusable
from coursekit.labs.tensors import difference, read_tensor, read_tensors

ONES = torch.ones(2, 3, dtype=torch.float64)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "returned None, expected a tensor of shape (2, 3)"),
        (ONES.T, "It is transposed."),
        (ONES[None], "an axis of length 1: look at `keepdim`"),
        (ONES.float(), "is float32, expected float64"),
        (ONES * 1j, "holds complex numbers"),
        (ONES / 0 - ONES / 0, "NaN comes from"),
        (ONES / 0, "holds infinity"),
        ((ONES, ONES), "`x.amax(dim)` returns the values alone"),
        ([[1.0], [2.0, 3.0]], "a list of length 2"),
        (True, "the truth value True"),
        (1.0, "a float"),
        ("x", "the string 'x'"),
    ],
)
def test_what_is_no_usable_tensor_is_refused_in_a_sentence(value, words):
    with pytest.raises(Unusable) as error:
        read_tensor(value, (2, 3))
    assert words in str(error.value)


@pytest.mark.parametrize(
    "value", [ONES, ONES.tolist(), ONES.long(), list(ONES), ONES.numpy().tolist()]
)
def test_lists_and_whole_numbers_are_read(value):
    assert torch.equal(read_tensor(value, (2, 3)), ONES)


def test_a_number_is_a_tensor_without_axes():
    assert read_tensor(2, ()) == 2


def test_lists_of_tensors():
    assert len(read_tensors((ONES, [1.0]), [(2, 3), (1,)])) == 2
    for value, words in (
        (None, "returned None"),
        ([ONES], "a list of length 1, expected a list of 2 gradients"),
        ([ONES, ONES], "Entry 1 of the returned list has the shape"),
    ):
        with pytest.raises(Unusable) as error:
            read_tensors(value, [(2, 3), (1,)], "gradients")
        assert words in str(error.value)


def test_a_difference_is_named():
    x = torch.linspace(1, 2, 6, dtype=torch.float64).reshape(2, 3)
    assert difference(x + 1e-9, x) is None
    assert "-1 times" in difference(-x, x)
    other = x.clone()
    other[1, 2] = 7
    assert difference(other, x, "y") == (
        "Y differs: 1 of 6 entries are wrong; at (1, 2) it has 7, expected 2."
    )
    near = x.clone()
    near[0, 0] += 4e-6
    assert "nearly right" in difference(near, x)
    near[0, 0] += 1e-4
    assert "it has 1.000104, expected 1." in difference(near, x)
    assert "expected 0" in difference(x, 0 * x)
