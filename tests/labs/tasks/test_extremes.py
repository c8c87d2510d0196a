"""No number beyond all others is an answer to everything."""

import math
from dataclasses import replace

import pytest
import torch
from torch import nn

from coursekit.labs import agree, registry
from coursekit.labs.local import LocalCaller

LARGEST = torch.finfo(torch.float64).max
EXTREMES = (math.inf, -math.inf, math.nan, 1e200, LARGEST, -LARGEST)
SLOW = ("compare_depths",)  # its reference trains networks
WORDS = ("diagnose",)  # it answers in words
EXERCISES = {
    e.name: replace(e, mutants=())  # a diagnosis takes longer than the check
    for lab in registry.labs().values()
    for e in lab.exercises
    if e.name not in SLOW + WORDS
}


def filled(answer, value):
    """Give an answer of the same form, in which every number is the same one."""
    if isinstance(answer, torch.Tensor):
        return torch.full_like(answer.double(), value)
    if isinstance(answer, (list, tuple)):
        return type(answer)(filled(one, value) for one in answer)
    if isinstance(answer, dict):
        return {name: filled(one, value) for name, one in answer.items()}
    if isinstance(answer, nn.Module):
        for parameter in answer.parameters():
            parameter.data.fill_(value)
        return answer
    return value if isinstance(answer, (int, float)) else answer


@pytest.mark.parametrize("name", EXERCISES)
def test_an_extreme_number_in_every_place_earns_nothing(name):
    exercise = EXERCISES[name]
    for value in EXTREMES:

        def answer(*args, value=value, **kwargs):
            return filled(exercise.reference(*args, **kwargs), value)

        assert exercise.examine(LocalCaller(answer)).points == 0, value


@pytest.mark.parametrize("value", EXTREMES)
def test_an_extreme_tensor_agrees_with_nothing_but_itself(value):
    ones = torch.ones(3, dtype=torch.float64)
    one_of_them = torch.tensor([1.0, 1.0, value], dtype=torch.float64)
    for other in (ones * value, one_of_them):
        assert not agree(other, ones)
        assert not agree(ones, other, rtol=1e-2)
        assert agree(other, other.clone()) is (not math.isnan(value))
