"""Hidden cases are drawn anew for a regrade, and can be had again by their number."""

import dataclasses
import json

import pytest
from grading_notebooks import LAB, QUESTIONS, submission

from coursekit.labs import lab
from coursekit.labs.grading import wire
from coursekit.labs.grading.draws import drawn, say
from coursekit.labs.grading.gradebook import Gradebook
from coursekit.labs.grading.limits import Limits
from coursekit.labs.grading.prepared import Prepared
from coursekit.labs.grading.run import grade
from coursekit.labs.registry import labs

pytest.importorskip("nbgrader")
sandbox = pytest.mark.sandbox
WRONG = {"he_std": "def he_std(shape, mode, a):\n    return 1.0"}


def inputs(prepared):
    """List the hidden inputs by question."""
    return {
        n: [c.says for c in s.cases(None, False)] for n, s in prepared.hidden.items()
    }


@pytest.mark.parametrize("name", list(labs()))
def test_another_draw_has_other_hidden_inputs_and_the_same_visible_ones(name):
    one, secret = lab(name), b"s" * 32
    first, again = Prepared(one, secret), Prepared(one, secret, {})
    other = Prepared(one, secret, {e.name: 2 for e in one.exercises})
    assert inputs(first) == inputs(again)
    for e in one.exercises:
        here = [repr(c.args) for c in first.hidden[e.name].cases(None, False)]
        there = [repr(c.args) for c in other.hidden[e.name].cases(None, False)]
        assert here != there, e.name
    shown = [
        [c.says for s in p.visible.values() for c in s.cases(None, True)]
        for p in (first, other)
    ]
    assert shown[0] == shown[1]


@pytest.fixture
def course(tmp_path):
    """Grade a folder as the command does, and read what is recorded."""

    def go(path, out="out", **more):
        where = {"secret": tmp_path / "secret", "progress": False}
        limits = Limits(question=6, cell=6, submission=60)
        return grade(LAB, path, tmp_path / out, limits=limits, **where, **more)

    def read(out="out"):
        book = Gradebook(f"sqlite:///{tmp_path / out / 'gradebook.db'}", lab(LAB))
        found = {outcome.slug: outcome for _, outcome in book.graded()}
        book.close()
        return found

    go.read = read
    return go


def alike(outcomes):
    """Write outcomes as JSON, without the time that they took."""
    return [dataclasses.replace(o, seconds=0.0).to_json() for o in outcomes.values()]


@sandbox
def test_a_draw_is_had_again_exactly_by_its_number(course, folder):
    path = folder(ada=submission(), bob=submission(WRONG))
    assert course(path).draws == dict.fromkeys(QUESTIONS, 1)
    first = course.read()
    report = course(path, again=True)
    assert (report.graded, report.kept) == (2, 0)
    assert report.draws == dict.fromkeys(QUESTIONS, 2)
    assert [drawn(o) for o in course.read().values()] == [report.draws] * 2
    report = course(path, draw=1)
    assert (report.graded, report.kept) == (2, 0)
    assert alike(course.read()) == alike(first)
    assert course(path, draw=1).kept == 2
    assert course(path, draw=1, again=True).graded == 2
    assert alike(course.read()) == alike(first)
    assert course(path, again=True).draws == dict.fromkeys(QUESTIONS, 3)
    course(path, out="elsewhere", draw=1)
    assert alike(course.read("elsewhere")) == alike(first)


@sandbox
def test_who_hands_in_anew_is_asked_what_the_others_were_asked(course, folder):
    path = folder(ada=submission(), bob=submission(WRONG))
    course(path)
    report = course(path, only=["he_std"])
    assert report.draws == {**dict.fromkeys(QUESTIONS, 1), "he_std": 2}
    assert say(report.draws) == "draw 1 of the hidden cases, for he_std draw 2"
    before = course.read()
    folder(bob=submission(), eve=submission())
    report = course(path)
    assert (report.graded, report.kept) == (2, 1)
    after = course.read()
    assert {tuple(drawn(o).items()) for o in after.values()} == {
        tuple(report.draws.items())
    }
    assert after["ada"] == before["ada"]
    assert [o.points for o in after.values()] == [21, 21, 21]


class Cut(KeyboardInterrupt):
    """Stop a run after its first submission."""


def stopped(monkeypatch):
    """Have the next run stopped after one submission was recorded."""
    whole = Gradebook.record

    def record(self, outcome, key):
        whole(self, outcome, key)
        monkeypatch.setattr(Gradebook, "record", whole)
        raise Cut

    monkeypatch.setattr(Gradebook, "record", record)


@sandbox
@pytest.mark.parametrize("how", [{"again": True}, {"only": ["he_std"]}])
@pytest.mark.parametrize("same", [True, False])
def test_a_stopped_regrade_goes_on_with_its_draw(
    course, folder, monkeypatch, how, same
):
    path = folder(ada=submission(), bob=submission(WRONG), eve=submission())
    course(path)
    stopped(monkeypatch)
    assert course(path, **how).interrupted
    report = course(path, **(how if same else {}))
    assert (report.graded, report.kept) == (2, 1)
    assert report.draws["he_std"] == 2
    assert {o.questions[0].draw for o in course.read().values()} == {2}
    assert course(path).kept == 3
    assert course(path, **how).draws["he_std"] == 3


@sandbox
def test_a_first_run_that_was_stopped_keeps_its_draw(course, folder, monkeypatch):
    path = folder(ada=submission(), bob=submission())
    stopped(monkeypatch)
    assert course(path).interrupted
    report = course(path)
    assert (report.graded, report.kept) == (1, 1)
    assert set(report.draws.values()) == {1}


@sandbox
def test_neither_draw_nor_secret_reaches_the_sandbox(course, folder, monkeypatch):
    sent, encode = [], wire.encode

    def spy(message, special=None):
        header, body = encode(message, special)
        sent.append(header + body)
        return header, body

    monkeypatch.setattr(wire, "encode", spy)
    path = folder(ada=submission())
    number = 1_928_374_655
    course(path, draw=number)
    [outcome] = course.read().values()
    assert {q.draw for q in outcome.questions if not q.written} == {number}
    everything = b"\n".join(sent)
    secret = (path.parent / "secret").read_bytes().strip()
    hidden = [*secret.split(), bytes.fromhex(secret.decode()), str(number).encode()]
    hidden += [number.to_bytes(n, order) for n in (4, 8) for order in ("big", "little")]
    assert b"he_std" in everything
    assert b'"draw"' not in everything
    assert not [one for one in hidden if one in everything]


def test_what_older_versions_stored_is_read(tmp_path):
    from coursekit.labs.grading.outcome import Outcome, Question

    one = Outcome("a", "a", LAB, "ok", "0", questions=(Question("f", "t", 1, 1, "ok"),))
    content = json.loads(one.to_json())
    del content["questions"][0]["draw"]
    assert Outcome.from_json(json.dumps(content)) == one
