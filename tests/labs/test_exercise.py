"""Whatever goes wrong with an answer, the check says it in a sentence that helps."""

import functools
import math

import numpy as np
import pytest
import torch

from coursekit.labs import (
    Case,
    Exercise,
    LocalCaller,
    Mutant,
    StudentError,
    agree,
    check,
    exercise,
    lab,
)
from coursekit.labs.reading import read_number


def said(name, answer):
    result = check(name, answer)
    assert not result.passed
    assert result.message in str(result)
    return result


def test_a_missing_answer():
    def he_std(shape, mode, a):
        raise NotImplementedError

    result = said("he_std", he_std)
    assert result.status == "missing"
    assert "Not answered yet" in result.message
    assert len(result.cases) == 1


def test_a_wrong_number_shows_both_and_their_ratio():
    result = said("he_std", lambda shape, mode, a: 7.0)
    assert "returned 7, expected 0." in result.message
    assert "times that" in result.message
    assert "√(2 / ((1 + a²) n))" in str(result)
    assert result.diagnosis is None


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        (None, "unusable", "returned None, expected one number"),
        ("0.1", "unusable", "the string '0.1'"),
        (True, "unusable", "truth value True"),
        (1j, "unusable", "a complex"),
        ([0.1], "unusable", "a list of length 1"),
        ({0.1}, "unusable", "a set, expected one number"),
        (torch.zeros(3, 2), "unusable", "a tensor of shape (3, 2)"),
        (torch.tensor(1j), "unusable", "expected one number"),
        (math.nan, "unusable", "NaN comes from 0/0"),
        (torch.tensor(math.nan), "unusable", "NaN comes from 0/0"),
        (math.inf, "unusable", "division by zero"),
        (10**400, "unusable", "a very large int"),
        (print, "unusable", "a builtin_function_or_method"),
        (torch.zeros(1, device="meta"), "unusable", "a Tensor, expected"),
        (torch.zeros(3).to_sparse(), "unusable", "a tensor of shape (3,)"),
    ],
)
def test_an_unusable_number(answer, kind, words):
    result = said("he_std", lambda shape, mode, a: answer)
    assert result.status == kind
    assert words in result.message


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (None, "expected two lists"),
        (3.0, "expected two lists"),
        (([1.0], [1.0], [1.0]), "a tuple of length 3"),
        (([1.0], 2.0), "expected the list of deltas"),
        (([1.0, math.nan], [1.0]), "Entry 1 of the list of activations has NaN"),
        (([1.0, None], [1.0]), "Entry 1 of the list of activations"),
        (([torch.zeros(2)], [1.0]), "a tensor of shape (2,)"),
        (([1.0], [1.0]), "returned 1 numbers, expected"),
        ({"a": [1.0], "d": [1.0]}, "a dict of length 2"),
        (torch.tensor(1.0), "a tensor of shape ()"),
    ],
)
def test_unusable_lists(answer, words):
    result = check("forward_backward_std", lambda model, X, y: answer)
    assert any(words in case.message for case in result.cases), result


def test_a_rank_is_a_whole_number():
    result = said("symmetry_rank", lambda W_after: 1.5)
    assert "returned 1.5, expected one whole number" in result.message


def test_a_model_returned_as_none():
    result = said("zero_last", lambda res_model: None)
    assert "end with `return` and the model" in result.message


def test_nan_in_a_returned_model():
    def poison(res_model):
        torch.nn.init.constant_(res_model.head.bias, math.nan)
        return res_model

    assert "NaN or infinity in `head.bias`" in said("zero_last", poison).message


def test_an_exception_names_the_line_of_the_student():
    def he_std(shape, mode, a):
        n = shape[1]
        return torch.zeros(n) @ torch.zeros(n + 1)

    line = he_std.__code__.co_firstlineno + 2
    result = said("he_std", he_std)
    assert result.status == "raised"
    assert f"in line {line} (`return torch.zeros(n) @" in result.message
    assert "RuntimeError" in result.message


def test_an_exception_inside_a_library_still_names_the_line_of_the_student():
    def symmetry_rank(W_after):
        return torch.linalg.svdvals(W_after.flatten())

    line = symmetry_rank.__code__.co_firstlineno + 1
    assert f"in line {line}" in said("symmetry_rank", symmetry_rank).message


def test_an_exception_in_an_object_or_a_partial_names_the_line_too():
    class Answer:
        def __call__(self, shape, mode, a):
            return shape + a

    def he_std(shape, mode, a, extra):
        return shape + extra

    for answer in (Answer(), functools.partial(he_std, extra=1)):
        message = said("he_std", answer).message
        assert "in line" in message
        assert "TypeError: can only concatenate" in message


def test_a_wrong_number_of_arguments():
    result = said("he_std", lambda shape, mode: 1.0)
    assert "The check calls `he_std(shape, mode, a)`" in result.message
    assert "Keep the number, the order" in result.message


def test_infinite_recursion():
    def he_std(shape, mode, a):
        return he_std(shape, mode, a)

    result = said("he_std", he_std)
    assert result.status == "recursion"
    assert "calls itself without end" in result.message


def test_leaving_the_interpreter_is_an_error_like_others():
    def he_std(shape, mode, a):
        raise SystemExit(3)

    result = said("he_std", he_std)
    assert "SystemExit: 3" in result.message


def test_a_list_that_contains_itself():
    endless: list = []
    endless.append(endless)
    result = said("he_std", lambda shape, mode, a: endless)
    assert result.status == "protocol"
    assert "nested too deep" in result.message


def test_an_error_whose_text_cannot_be_made():
    class Odd(Exception):
        def __str__(self):
            raise ValueError

    def he_std(shape, mode, a):
        raise Odd

    assert "stops in line" in said("he_std", he_std).message


def test_an_input_changed_in_place():
    def symmetry_rank(W_after):
        W_after /= W_after.abs().max()
        return int((torch.linalg.svdvals(W_after) > 1e-4).sum())

    result = said("symmetry_rank", symmetry_rank)
    assert result.status == "changed"
    assert "changed its argument `W_after`" in result.message
    assert ".clone()" in result.message


def test_a_model_changed_in_place():
    reference = exercise("forward_backward_std").reference

    def changes(model, X, y):
        answer = reference(model, X, y)
        torch.nn.init.zeros_(model.linear1.bias)
        return answer

    result = said("forward_backward_std", changes)
    assert "changed its argument `model`" in result.message


def test_calling_check_wrongly():
    with pytest.raises(ValueError, match="did you mean 'he_std'"):
        check("he_sdt", print)
    with pytest.raises(TypeError, match="without parentheses"):
        check("he_std", 0.5)
    with pytest.raises(ValueError, match="11_initialization"):
        lab("12")


def test_the_interrupt_of_a_student_stops_the_check():
    def he_std(shape, mode, a):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        check("he_std", he_std)


def test_an_error_in_one_case_keeps_the_points_of_other_parts():
    reference = exercise("he_std").reference

    def no_convolutions(shape, mode, a):
        d_out, d_in = shape
        return reference((d_out, d_in), mode, a)

    result = exercise("he_std").examine(LocalCaller(no_convolutions), None, False)
    assert result.earned == {"linear": 2, "convolution": 0, "leaky": 1}
    assert "too many values to unpack" in result.message


def test_a_time_limit_ends_the_check_without_points():
    class Slow:
        calls = 0

        def __call__(self, *args):
            self.calls += 1
            if self.calls > 1:
                raise StudentError("timeout", "2 s")
            return exercise("he_std").reference(*args)

        def inputs_after(self):
            return []

    result = exercise("he_std").examine(Slow(), None, False)
    assert result.points == 0
    assert len(result.cases) == 2
    assert "within its time limit (2 s)" in result.message


def toy(**changes):
    facts = dict(
        name="double",
        signature="double(x)",
        title="Double",
        minutes=1,
        difficulty=1,
        parts={"small": 1, "large": 2},
        equations={"(1)": "y = 2 x"},
        cases=lambda rng, visible: [
            Case("small", (1.0,), "double(1.0)", "(1)"),
            Case("large", (1e6,), "double(1e6)", "(1)"),
        ],
        reference=lambda x: 2 * x,
        read=lambda case, answer: read_number(answer),
        compare=lambda case, got, expected: (
            None if agree(got, expected) else f"It returned {got}, not {expected}."
        ),
        mutants=(
            Mutant("squares", lambda x: x * x, "Behaves like a square.", "(1)"),
            Mutant("fails", lambda x: 1 / 0, "Never named.", "(1)"),
        ),
    )
    return Exercise(**(facts | changes))


def test_points_are_given_part_by_part():
    result = toy().examine(LocalCaller(lambda x: 2 if x == 1 else 0))
    assert result.earned == {"small": 1, "large": 0}
    assert (result.points, result.passed) == (1, False)
    assert result.message == "`double(1e6)`: It returned 0.0, not 2000000.0."


def test_a_diagnosis_needs_agreement_on_every_case():
    squares = toy().examine(LocalCaller(lambda x: x**2))
    nearly = toy().examine(LocalCaller(lambda x: x**2 if x == 1 else 3.0))
    assert squares.diagnosis == "squares"
    assert nearly.diagnosis is None


def test_agree_compares_shapes_types_and_values():
    x = torch.ones(2, 3)
    assert agree(x, x + 1e-8)
    assert not agree(x, x.T)
    assert not agree(x, x + 1e-4)
    assert not agree({"a": x}, {"b": x})
    assert not agree([1.0], 1.0)
    assert not agree("fan_in", "fan_out")
    assert not agree(x * math.nan, x)
    assert agree(torch.empty(0), torch.empty(0))


def test_a_result_is_shown_as_text_and_html():
    bundle = check("he_std", lambda shape, mode, a: 2 / shape[1])._repr_mimebundle_()
    assert set(bundle) == {"text/plain", "text/html"}
    assert "✗ he_std: not right" in bundle["text/plain"]
    assert "<code>he_std(" in bundle["text/html"]
    assert "color:" not in bundle["text/html"].lower()


def test_what_a_student_wrote_cannot_break_the_html():
    result = check("he_std", lambda shape, mode, a: "<script>alert(1)</script>`")
    page = result._repr_mimebundle_()["text/html"]
    assert "<script" not in page
    assert "&lt;script" in page


def test_numpy_numbers_count_as_numbers():
    reference = exercise("glorot_std").reference
    assert check("glorot_std", lambda shape: np.float64(reference(shape))).passed
    assert check("glorot_std", lambda shape: np.array(reference(shape))).passed
