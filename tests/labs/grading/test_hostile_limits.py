"""Submissions that use up what there is: time, memory, processes, room and patience."""

import os
import resource

import pytest
from attacks import (
    FULL,
    GUEST,
    PATIENT,
    ask,
    function,
    kinds,
    points,
    together,
)
from grading_notebooks import solutions, submission

from coursekit.labs.grading.limits import Limits

pytestmark = pytest.mark.sandbox
SHORT = Limits(question=2, cell=5, submission=60)


BOMBS = {
    "tensors": "x = []\nwhile True: x.append(torch.ones(2**22))",
    "lists": "x = [0]\nwhile True: x = x + x",
    "text": "x = 'x' * 2**40",
    "integer": "x = 10 ** 10 ** 9",
    "shape": "x = torch.empty(2**31, 2**31)",
    "threads": (
        "import threading, time\nx = []\n"
        "while True:\n"
        "    x.append(threading.Thread(target=time.sleep, args=(99,), daemon=True))\n"
        "    x[-1].start()"
    ),
    "disk": (
        "n = 0\nwhile True:\n    n += 1\n"
        "    with open(f'/tmp/{n}', 'wb') as f: f.write(b'x' * 2**20)"
    ),
    "shared files": (
        "n = 0\nwhile True:\n    n += 1\n"
        "    with open(f'/dev/shm/{n}', 'wb') as f: f.write(b'x' * 2**20)"
    ),
    "forks": "import os\nwhile True:\n    try: os.fork()\n    except OSError: pass",
    "stack": "import sys\nsys.setrecursionlimit(10**9)\ndef f(): f()\nf()",
    "segfault": "import ctypes\nctypes.string_at(0)",
    "abort": "import os\nos.abort()",
    "alarm": "import signal, time\nsignal.setitimer(0, 0.1)\ntime.sleep(9)",
    "exit hooks": "import atexit, os\natexit.register(os.fork)\nos._exit(3)",
}


@together(BOMBS)
def test_a_bomb_goes_off_alone(outcome, group):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    attacks = {q: function(q, BOMBS[bomb]) for q, bomb in group.items()}
    result = outcome(submission(attacks))
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    for question in group:
        assert points(result)[question] == 0
        kind = kinds(result)[question]
        assert kind in ("timeout", "memory", "killed", "raised", "recursion")
    assert points(result)[GUEST] == FULL
    assert grown < 200_000  # kilobytes of the coordinator


def test_a_flood_of_output_changes_nothing(outcome):
    flood = (
        "\n_right = he_std\n"
        "def he_std(*args):\n"
        "    import os, sys\n"
        "    for _ in range(200):\n"
        "        os.write(1, b'x' * 2**20); os.write(2, b'x' * 2**20)\n"
        "    print('x' * 2**20, file=sys.__stderr__)\n"
        "    return _right(*args)"
    )
    result = outcome(submission({"he_std": solutions()["he_std"] + flood}))
    assert result.points == 21


CATCH = (
    "while True:\n    try:\n        while True: pass\n    except BaseException: pass"
)
LOOPS = {
    "catches everything": CATCH,
    "handles every signal": (
        "import signal\n"
        "for n in range(1, 65):\n"
        "    try: signal.signal(n, lambda *a: None)\n"
        "    except (OSError, ValueError): pass\n" + CATCH
    ),
    "goes on in finally": (
        "def go():\n    try:\n        while True: pass\n    finally: go()\ngo()"
    ),
    "waits in C": "import ctypes\nwhile True: ctypes.CDLL(None).pause()",
    "goes on in threads": (
        "import threading, time\n"
        "def spin():\n    while True: pass\n"
        "for _ in range(8): threading.Thread(target=spin).start()\n"
        "while True: time.sleep(1)"
    ),
    "goes on in a destructor": (
        "class Last:\n    def __del__(self):\n        while True: pass\n"
        "x = Last()\ndel x"
    ),
    "returns a value that never ends": (
        "class Endless(list):\n"
        "    def __iter__(self):\n        while True: yield 1\n"
        "return Endless()"
    ),
    "stops itself": "import os, time\nos.kill(os.getpid(), 19)\ntime.sleep(99)",
}


@together(LOOPS)
def test_a_loop_costs_its_own_question(outcome, group):
    attacks = {q: function(q, LOOPS[loop]) for q, loop in group.items()}
    result = outcome(submission(attacks), SHORT)
    for question in group:
        assert points(result)[question] == 0
        assert kinds(result)[question] in ("timeout", "memory")
    assert points(result)[GUEST] == FULL
    assert result.status in ("timeout", "out of memory")


def test_hanging_after_the_last_answer_costs_nothing(outcome):
    first = (
        "import atexit, signal, sys, threading, time\n"
        "threading.Thread(target=time.sleep, args=(9999,)).start()\n"
        "atexit.register(time.sleep, 9999)\n"
        "for n in range(1, 32):\n"
        "    try: signal.signal(n, lambda *a: time.sleep(9999))\n"
        "    except OSError: pass"
    )
    result = outcome(submission(first=first), PATIENT)
    assert result.points == 21
    assert result.status == "ok"


def test_many_busy_threads_get_one_processor(supply):
    if not control_groups_limit_time(supply):
        pytest.skip("no control group limits time on this machine")
    body = """
import os, threading, time, torch
x = torch.ones(300, 300)
stop = time.monotonic() + 2
def work():
    while time.monotonic() < stop: x @ x
threads = [threading.Thread(target=work) for _ in range(8)]
begun, before = time.monotonic(), sum(os.times()[:2])
for one in threads: one.start()
for one in threads: one.join()
return [sum(os.times()[:2]) - before, time.monotonic() - begun]
"""
    used, passed = ask(supply, body)
    assert used < passed + 0.3


def control_groups_limit_time(supply):
    sandbox = supply(PATIENT)
    found = sandbox.cgroup.directories if sandbox.cgroup else []
    limits = ("cpu.max", "cpu.cfs_quota_us")
    told = [(d / n).read_text() for d in found for n in limits if (d / n).exists()]
    sandbox.close()
    return any(not text.startswith(("max", "-1")) for text in told)


def test_more_threads_than_allowed_cannot_be_had(supply):
    body = """
import threading, time
n = 0
try:
    while n < 1000:
        threading.Thread(target=time.sleep, args=(99,), daemon=True).start()
        n += 1
except RuntimeError:
    pass
return n
"""
    sandbox = supply(PATIENT)
    counted = sandbox.cgroup is not None or os.geteuid() != 0
    sandbox.close()
    if not counted:
        pytest.skip("without a control group nothing counts the threads of root")
    assert 0 < ask(supply, body) < PATIENT.processes


def test_what_the_grader_computes_is_no_time_of_the_student(supply):
    import time

    from coursekit.labs.grading.examinee import Examinee

    cells = [{"source": "def f(): return 1", "grade_id": None}]
    limits = Limits(question=2, cell=60, submission=100)
    with Examinee(cells, ["f"], limits, supply) as examinee:
        examinee.begin()
        call = {"op": "call", "name": "f", "args": [], "kwargs": {}}
        assert examinee.ask(**call) == 1
        time.sleep(2.5)  # a reference that takes long
        assert examinee.ask(**call) == 1


def test_threads_that_outlive_the_answers_are_ended(outcome):
    first = (  # they change often, so that the answers get their turn
        "import sys, threading\n"
        "sys.setswitchinterval(1e-5)\n"
        "def _spin():\n    while True: pass\n"
        "for _ in range(4): threading.Thread(target=_spin, daemon=True).start()"
    )
    result = outcome(
        submission(first=first), Limits(question=300, cell=300, submission=900)
    )
    assert result.points == 21


PARSERS = {
    "parentheses": "(" * 10_000,
    "minus": "x = " + "-" * 300_000 + "1",
    "attributes": "x = a" + ".a" * 200_000,
    "additions": "x = 1" + "+1" * 200_000,
    "null": "x = '\0'",
    "magics": "!\n" * 20_000,
    "encoding": "# coding: punycode\nx = 1",
}


@pytest.mark.parametrize("name", PARSERS)
def test_source_that_breaks_parsers_ends_in_a_status(outcome, name):
    result = outcome(submission(first=PARSERS[name]))
    assert result.points in (0, 21)
    assert result.status in ("ok", "killed", "timeout", "out of memory")
