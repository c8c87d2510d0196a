"""Every typical wrong answer is caught, and told apart from the others."""

import numpy as np
import pytest

from coursekit.labs import LocalCaller, agree, check, exercises
from coursekit.labs.examination import outcome

SEEDS = range(6)
EXERCISES = list(exercises().values())
MUTANTS = [(e, m) for e in EXERCISES for m in e.mutants]
names = [e.name for e in EXERCISES]


def examine(exercise, function, seed, visible):
    rng = np.random.default_rng([11, seed])
    return exercise.examine(LocalCaller(function), rng, visible)


@pytest.mark.parametrize("exercise", EXERCISES, ids=names)
@pytest.mark.parametrize("visible", [True, False])
def test_the_reference_passes(exercise, visible):
    for seed in range(15):
        result = examine(exercise, exercise.reference, seed, visible)
        assert result.passed, result
        if not visible:
            assert result.points == exercise.points
            assert not result.unseen


@pytest.mark.parametrize(
    ("exercise", "mutant"), MUTANTS, ids=[f"{e.name}-{m.name}" for e, m in MUTANTS]
)
def test_every_mutant_is_caught_and_named(exercise, mutant, note_mutant):
    note_mutant("coursekit.labs", exercise.name, "the answer", mutant.name)
    for seed in SEEDS:
        result = examine(exercise, mutant.function, seed, visible=False)
        assert not result.passed
        assert result.points < exercise.points
        assert result.diagnosis == mutant.name, result
        assert result.message == mutant.message
        assert result.equation == exercise.equations[mutant.line]


@pytest.mark.parametrize(
    ("exercise", "mutant"), MUTANTS, ids=[f"{e.name}-{m.name}" for e, m in MUTANTS]
)
def test_a_visible_diagnosis_is_not_misleading(exercise, mutant):
    """Visible cases may not see a mutant; if they name one, it acts the same there."""
    result = check(exercise.name, mutant.function)
    if result.diagnosis is None:
        assert not any(case.kind == "wrong" for case in result.cases), result
        return
    assert not result.passed
    named = next(m for m in exercise.mutants if m.name == result.diagnosis)
    for case in exercise.cases(np.random.default_rng(0), True):
        one, _ = outcome(exercise, LocalCaller(named.function), case)
        two, _ = outcome(exercise, LocalCaller(mutant.function), case)
        assert agree(one, two, exercise.likeness)


@pytest.mark.parametrize("exercise", EXERCISES, ids=names)
def test_hidden_cases_depend_on_the_seed(exercise):
    def draw(seed):
        cases = exercise.cases(np.random.default_rng(seed), False)
        return [case.says for case in cases], [str(case.args) for case in cases]

    assert draw(1) == draw(1)
    assert draw(1)[1] != draw(2)[1]


@pytest.mark.parametrize("exercise", EXERCISES, ids=names)
def test_what_an_exercise_says_of_itself_fits_together(exercise):
    cases = exercise.cases(np.random.default_rng(3), False)
    assert {case.part for case in cases} == set(exercise.parts)
    lines = {case.line for case in cases} | {m.line for m in exercise.mutants}
    assert lines <= set(exercise.equations)
    assert len({m.name for m in exercise.mutants}) == len(exercise.mutants) >= 4
    assert len({m.message for m in exercise.mutants}) >= len(exercise.mutants) - 1
    assert exercise.signature.startswith(exercise.name + "(")
    assert 1 <= exercise.difficulty <= 5
    assert exercise.hints


@pytest.mark.parametrize("exercise", EXERCISES, ids=names)
def test_a_constant_answer_earns_nothing(exercise):
    for constant in (0, 1, 0.1, 2, [], ([], []), ([0.0], [0.0])):
        result = examine(exercise, lambda *args, c=constant: c, 5, visible=False)
        assert result.points == 0, (constant, result)
