r"""Grade one submission: visible cases for the sentence, hidden ones for the points.

The visible cases run first, for all questions, before a hidden one is sent.  Their
inputs are in every student's notebook, so what they say, and what is told of cells that
failed up to then, can go to the feedback whole.
Of the hidden cases only the points, the parts, the equation line and the diagnosis by
mutant leave the coordinator: no input, no expected value, and no text that the
student's code could have made of them.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable

from coursekit.labs.exercise import Exercise
from coursekit.labs.grading.examinee import CellNote, Examinee
from coursekit.labs.grading.limits import Limits
from coursekit.labs.grading.outcome import Outcome, Question, status
from coursekit.labs.grading.prepared import Prepared, Session
from coursekit.labs.grading.race import run_race
from coursekit.labs.grading.remote import RemoteCaller
from coursekit.labs.grading.sandbox import Sandbox, SandboxError
from coursekit.labs.grading.submission import Submission
from coursekit.labs.registry import Lab
from coursekit.labs.release import TEXT_STUB
from coursekit.labs.result import CaseResult, CheckResult, explain

__all__ = ["examine"]

ENDS = ("timeout", "memory", "killed", "violation", "missing", "undefined")
UNSEEN = "The cases of the notebook pass; hidden ones, with other inputs, do not."
NO_TEXT = "No answer was written."
NO_CELL = "The cell of this question was not found; the whole notebook is looked at."
HIDDEN = {
    "wrong": "For some inputs the value is wrong.",
    "unusable": "For some inputs it returns something that is no usable answer.",
    "changed": "For some inputs it changes its arguments in place.",
    "raised": "For some inputs it stops with an error",
    "recursion": "For some inputs it calls itself without end",
    "timeout": "For some inputs it does not end within its time.",
    "memory": "For some inputs it needs more memory than it may have.",
    "killed": "For some inputs the process ends before there is an answer.",
    "protocol": "For some inputs the answer cannot be read.",
    "violation": "For some inputs the code writes into the grader's connection.",
    "missing": "For some inputs it still raises NotImplementedError.",
    "undefined": "The notebook defines no function of this name.",
    "check failed": "The check cannot judge the answer; your instructor looks at it.",
}


def examine(
    submission: Submission,
    lab: Lab,
    secret: bytes,
    limits: Limits,
    start: Callable[[Limits], Sandbox],
    prepared: Prepared | None = None,
    plots: bool = False,
) -> Outcome:
    """Grade one submission.

    Args:
        submission: What was handed in.
        lab: What was asked.
        secret: The course's secret.
        limits: What the submission may use.
        start: Starts a worker.
        prepared: The lab with its cases drawn; drawn here if ``None``.
        plots: Whether to race what was written for the open task.

    Returns:
        The outcome; one for every submission, whatever it does.
    """
    begun = time.monotonic()
    prepared = prepared or Prepared(lab, secret)
    if submission.status:
        return _unread(submission, lab, prepared)
    names, code = [e.name for e in lab.exercises], submission.code()
    with Examinee(code, names, limits, start) as examinee:
        shown = {n: _check(prepared.visible[n], examinee, True) for n in names}
        # what can carry words of the student's code is taken before a hidden input
        notes = tuple(_tell(note) for note in examinee.notes)
        race = None
        if plots and lab.open:
            race = run_race(lab.open, code, limits, start, examinee.skipped)
        hidden = {
            n: _check(prepared.hidden[n], examinee, False)
            if shown[n].status not in ENDS
            else shown[n]
            for n in names
        }
    questions = [
        _question(e, shown[e.name], hidden[e.name], prepared.draw(e.name))
        for e in lab.exercises
    ]
    questions += _written(lab, submission)
    return Outcome(
        student=submission.student,
        slug=submission.slug,
        lab=lab.name,
        status=status([q.kind for q in questions]),
        sha256=submission.sha256,
        questions=tuple(questions),
        cells=notes,
        seconds=round(time.monotonic() - begun, 3),
        race=race,
    )


def _check(session: Session, examinee: Examinee, visible: bool) -> CheckResult:
    """Run one check.

    Returns:
        Its result; ``"check failed"`` if the check itself raised.

    Raises:
        SandboxError: If no worker can be had any more; that is no student's fault.
    """
    caller = RemoteCaller(examinee, session.name)
    try:
        result = session.examine(caller, visible=visible)
    except SandboxError:
        raise
    except Exception:
        result = _failed(session, "check failed", HIDDEN["check failed"])
    if (closed := caller.closed) is None:
        return result
    kind = "violation" if closed.kind == "protocol" else closed.kind
    if result.status == kind:
        return result
    return _failed(session, kind, explain(closed, session.signature))


def _failed(exercise: Exercise, kind: str, message: str) -> CheckResult:
    part = next(iter(exercise.parts))
    return CheckResult(
        exercise=exercise.name,
        title=exercise.title,
        cases=(CaseResult(exercise.signature, part, kind, message),),
        earned=dict.fromkeys(exercise.parts, 0.0),
        parts=dict(exercise.parts),
        message=message,
    )


def _question(
    exercise: Exercise, shown: CheckResult, hidden: CheckResult, draw: int
) -> Question:
    sentences, judged = _say(shown, hidden)
    parts = {p: (hidden.earned.get(p, 0.0), m) for p, m in exercise.parts.items()}
    return Question(
        name=exercise.name,
        title=exercise.title,
        points=sum(earned for earned, _ in parts.values()),
        max_points=exercise.points,
        kind=hidden.status,
        parts=parts,
        sentences=tuple(sentences),
        line=judged.line,
        equation=judged.equation,
        diagnosis=judged.diagnosis,
        draw=draw,
    )


def _say(shown: CheckResult, hidden: CheckResult) -> tuple[list[str], CheckResult]:
    """Choose the sentences for the student and the result they stand on.

    Returns:
        Sentences, and the visible or the hidden result.
    """
    if not shown.passed:
        said = [shown.message]
        if shown.diagnosis is None and hidden.diagnosis is not None:
            return [*said, hidden.message], hidden
        return said, shown
    if hidden.passed:
        return [], hidden
    if hidden.diagnosis is not None:
        return [UNSEEN, hidden.message], hidden
    return [UNSEEN, HIDDEN[hidden.status]], hidden


def _written(lab: Lab, submission: Submission) -> list[Question]:
    """List the questions that a person grades.

    Returns:
        Open questions; those whose cell still has the stub with 0 points.
    """
    questions = []
    for w in lab.written:
        text = submission.text(w.name)
        one = Question(w.name, w.title, None, w.points, "open", written=True)
        if text is None:
            one = dataclasses.replace(one, sentences=(NO_CELL,))
        elif text.strip() in ("", TEXT_STUB):
            one = dataclasses.replace(
                one, points=0.0, kind="missing", sentences=(NO_TEXT,)
            )
        questions.append(one)
    return questions


def _unread(submission: Submission, lab: Lab, prepared: Prepared) -> Outcome:
    """Give the outcome of a notebook whose code was not run.

    Returns:
        No points, and the reason.
    """
    exercises = [(e.name, e.title, 0.0, e.points, "undefined") for e in lab.exercises]
    written = [(w.name, w.title, 0.0, w.points, "undefined") for w in lab.written]
    questions = [Question(*e, draw=prepared.draw(e[0])) for e in exercises]
    questions += [Question(*w, written=True) for w in written]
    return Outcome(
        student=submission.student,
        slug=submission.slug,
        lab=lab.name,
        status=submission.status,
        sha256=submission.sha256,
        problem=submission.problem,
        questions=tuple(questions),
    )


def _tell(note: CellNote) -> str:
    """Say in a sentence what became of a cell.

    Returns:
        A sentence; the cells ran before any hidden input existed.
    """
    where = f"Code cell {note.cell + 1}"
    if note.kind in ("timeout", "memory", "killed", "protocol"):
        why = {"timeout": "did not end in time", "memory": "ran out of memory"}
        return f"{where} {why.get(note.kind, 'ended the process')}; it was left out."
    at = f" in line {note.line}" if note.line else ""
    return f"{where} stops{at} with {note.type_name}: {note.message}".rstrip(": ") + "."
