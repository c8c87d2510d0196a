"""A page of feedback has the hint for the mistake that it names."""

import dataclasses
import re

import pytest

from coursekit.labs import exercises
from coursekit.labs.grading.hints import hints, in_page
from coursekit.labs.grading.outcome import Question

WRONG = Question("he_std", "He", 0, 4, "wrong", diagnosis="returns_variance")


@pytest.mark.parametrize("name", exercises())
def test_hints_help_with_mutants_that_there_are(name):
    one = exercises()[name]
    named = [mutant for hint in one.hints for mutant in hint.helps]
    assert set(named) <= {m.name for m in one.mutants}
    assert len(named) == len(set(named)), "two hints for one mistake"
    assert named, "no hint helps with any typical mistake"


@pytest.mark.parametrize("name", exercises())
def test_every_hint_can_be_written_without_latex(name):
    for hint in exercises()[name].hints:
        page = in_page(hint.symptom + " " + hint.text)
        shown = re.sub(r"<code>.*?</code>", "", page)
        assert not re.search(r"[$`\\]", shown), shown


def test_a_diagnosed_mistake_gets_its_hint_alone():
    page = hints(WRONG)
    assert "Hint: My value is the square of the expected one" in page
    assert page.count("Hint:") == 1
    assert "<details>" not in page


@pytest.mark.parametrize("diagnosis", [None, "forgets_slope"])
def test_another_mistake_gets_all_hints_folded(diagnosis):
    page = hints(dataclasses.replace(WRONG, diagnosis=diagnosis))
    assert page.count("<details>") == len(exercises()["he_std"].hints)
    assert "<code>[out, in, *kernel]</code>" in page


@pytest.mark.parametrize("kind", ["passed", "missing", "open", "timeout"])
def test_where_nothing_is_wrong_there_is_no_hint(kind):
    assert hints(dataclasses.replace(WRONG, kind=kind)) == ""
    assert hints(dataclasses.replace(WRONG, name="unknown")) == ""
