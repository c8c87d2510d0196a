"""What does not depend on an answer is computed once, and is what it was."""

import numpy as np

from coursekit.labs import lab
from coursekit.labs.agreement import agree
from coursekit.labs.exercise import Exercise
from coursekit.labs.grading.prepared import Prepared
from coursekit.labs.grading.secret import draw
from coursekit.labs.local import LocalCaller
from coursekit.labs.registry import labs

SECRET = b"s" * 32


def test_the_cases_are_those_of_the_secret():
    for name, one in labs().items():
        prepared = Prepared(one, SECRET)
        for exercise in one.exercises:
            drawn = exercise.cases(draw(SECRET, name, exercise.name, "1"), False)
            held = prepared.hidden[exercise.name].cases(np.random.default_rng(), False)
            assert [c.says for c in held] == [c.says for c in drawn]
            shown = prepared.visible[exercise.name].cases(np.random.default_rng(), True)
            again = exercise.cases(np.random.default_rng(0), True)
            assert [c.says for c in shown] == [c.says for c in again]


def test_the_reference_is_called_once_a_case_and_remembered_unchanged():
    prepared = Prepared(lab("11_initialization"), SECRET)
    for session in prepared.hidden.values():
        cases = session.cases(np.random.default_rng(), False)
        first = [session.expected(case) for case in cases if not case.raises]
        result = session.examine(LocalCaller(session.reference), visible=False)
        assert result.passed
        after = [session.expected(case) for case in cases if not case.raises]
        assert all(a is b for a, b in zip(first, after, strict=True))
        fresh = [
            super(type(session), session).expected(c) for c in cases if not c.raises
        ]
        assert all(agree(a, b, rtol=0.0) for a, b in zip(first, fresh, strict=True))


def test_a_mutant_is_called_once_a_case_and_diagnoses_as_before(monkeypatch):
    prepared = Prepared(lab("11_initialization"), SECRET)
    session = prepared.hidden["he_std"]
    mutant = session.mutants[-1]
    calls = []
    real = Exercise.mistaken

    def counted(self, mutant, case):
        calls.append((mutant.name, id(case)))
        return real(self, mutant, case)

    monkeypatch.setattr(Exercise, "mistaken", counted)
    wrong = LocalCaller(mutant.function)
    first, second = (session.examine(wrong, visible=False) for _ in range(2))
    assert first.diagnosis == second.diagnosis == mutant.name
    assert len(calls) == len(set(calls)) > 0
