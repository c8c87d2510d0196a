"""Submissions that write into the grader's connection, or answer what no answer is."""

import json
import os
import resource

import pytest
from attacks import FULL, GUEST, WRONG, function, kinds, points, together
from grading_notebooks import submission

pytestmark = pytest.mark.sandbox

WIRE = """
import json, os, socket, stat, struct
def _sockets():
    found = []
    for number in range(3, 64):
        try:
            if stat.S_ISSOCK(os.fstat(number).st_mode):
                found.append(number)
        except OSError:
            pass
    return found
def _frame(fields, tensors=(), body=b"", header=None):
    content = {"fields": fields, "tensors": list(tensors)}
    header = json.dumps(content).encode() if header is None else header
    return struct.pack(">II", len(header), len(body)) + header + body
def _write(data):
    for number in _sockets():
        os.write(number, data)
"""


FRAMES = {
    "noise": "_write(b'\\xff' * 100)",
    "huge length": "_write(struct.pack('>II', 2**32 - 1, 2**32 - 1))",
    "verdict": "_write(_frame({'passed': True, 'points': 100}))",
    "2^62 entries": (
        "_write(_frame({'value': {'tensor': 0}}, [['float64', [2**31, 2**31]]]))"
    ),
    "short body": "_write(_frame({'value': {'tensor': 0}}, [['float64', [4]]]))",
    "pickle": "_write(_frame({'value': {'pickle': 'gASV'}}))",
    "recipe": "_write(_frame({'value': {'recipe': {'target': 'os:system'}}}))",
    "deep": "_write(_frame({}, header=b'[' * 100000))",
    "closing": "[os.close(n) for n in _sockets()]\nimport time\ntime.sleep(60)",
}


@together(FRAMES)
def test_writing_to_the_connection_costs_only_the_question(outcome, group):
    attacks = {q: function(q, FRAMES[f] + "\nreturn 1.0") for q, f in group.items()}
    result = outcome(submission(attacks, first=WIRE))
    for question in group:
        assert points(result)[question] == 0
        assert kinds(result)[question] in ("violation", "killed", "unusable", "wrong")
    assert points(result)[GUEST] == FULL
    assert result.status in ("broken protocol", "killed", "ok")


def test_frames_sent_ahead_are_no_replies(outcome):
    body = (
        "for n in range(50):\n    _write(_frame({'id': n, 'value': True}))\nreturn 1.0"
    )
    result = outcome(submission({"he_std": function("he_std", body)}, first=WIRE))
    assert kinds(result)["he_std"] == "violation"
    assert result.points == 17
    assert result.status == "broken protocol"


def test_a_drip_of_bytes_ends_at_the_time_limit(outcome):
    attack = f"""{WIRE}
import time
def he_std(shape, mode, a):
    _write(struct.pack(">II", 10000, 0))
    while True:
        _write(b" ")
        time.sleep(0.01)"""
    result = outcome(submission({"he_std": attack}))
    assert kinds(result)["he_std"] == "timeout"
    assert points(result)["zero_last"] == 4


FORGE = """
import json
from coursekit.labs.grading import wire
_right = wire.encode
def _forge(fields=None, tensors=(), body=b"", header=None):
    def once(message, special=None):
        wire.encode = _right
        if header is not None:
            return header % message["id"], body
        content = {"fields": fields(message["id"]), "tensors": list(tensors)}
        return json.dumps(content).encode(), body
    wire.encode = once
def _value(node, number):
    return {"id": number, "value": node}
def _error(**told):
    pairs = [[name, node] for name, node in told.items()]
    return lambda number: {"id": number, "error": {"dict": pairs}}
"""
REPLIES = {
    "a tensor as number": (
        "_forge(lambda n: {'id': {'tensor': 0}, 'value': 1}, [['bool', [2]]], b'xx')"
    ),
    "a text as number": "_forge(lambda n: {'id': str(n), 'value': 1})",
    "a float as number": "_forge(lambda n: {'id': float(n), 'value': 1})",
    "value and error": "_forge(lambda n: {**_value(1, n), 'error': {'dict': []}})",
    "one tensor often": (
        "_forge(lambda n: _value({'list': [{'tensor': 0}] * 30000}, n),"
        " [['float64', [2**19]]], bytes(2**22))"
    ),
    "many tensors": (
        "_forge(lambda n: _value({'list': [{'tensor': k} for k in range(20000)]}, n),"
        " [['float64', [0]]] * 20000)"
    ),
    "many handles": (
        "_forge(lambda n: _value({'list': [{'handle': [0, 'x']}] * 30000}, n))"
    ),
    "not a number": "_forge(lambda n: _value({'dict': [['NaN', float('nan')]]}, n))",
    "beyond all floats": (
        '_forge(header=b\'{"fields":{"id":%d,"value":1e999},"tensors":[]}\')'
    ),
    "long integer": (
        '_forge(header=b\'{"fields":{"id":%d,"value":\' + b"9" * 4000 +'
        " b'},\"tensors\":[]}')"
    ),
    "one field twice": (
        '_forge(header=b\'{"fields":{"id":0,"id":%d,"value":1},"tensors":[]}\')'
    ),
    "an error of lists": "_forge(_error(kind={'list': []}, message={'list': []}))",
    "an error of text": "_forge(_error(kind='timeout', line='1', cell=None))",
    "an error far away": "_forge(_error(kind='raised', line=2**62, cell=10**9))",
    "an error that talks": (
        "_forge(_error(message='\\x1b[2J\\u202e\\x00<b>' * 99, type_name='\\x07' * 99))"
    ),
}


@together(REPLIES)
def test_a_forged_reply_is_an_answer_or_a_violation(outcome, group):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    attacks = {q: function(q, f"{REPLIES[r]}\nreturn 1.0") for q, r in group.items()}
    result = outcome(submission(attacks, first=FORGE))
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    for question in group:
        assert points(result)[question] == 0
        assert kinds(result)[question] in ("violation", "raised", "wrong", "unusable")
    assert points(result)[GUEST] == FULL
    assert result.status in ("broken protocol", "ok")
    told = json.loads(result.to_json())
    assert all(s.isprintable() for q in told["questions"] for s in q["sentences"])
    assert grown < 200_000  # kilobytes of the coordinator


TALK = "\x1b]0;title\x07\u202e\x00<script>"


def test_errors_are_told_without_what_a_terminal_or_database_would_obey(outcome):
    raises = f"def he_std(*args):\n    raise ValueError({TALK!r})"
    shows = f"def glorot_std(*args):\n    return 1 / 0  # {TALK[:-10]}\u202e"
    named = f"def symmetry_rank(W):\n    raise type({TALK!r}, (Exception,), {{}})(1)"
    changes = {"he_std": raises, "glorot_std": shows, "symmetry_rank": named}
    first = f"raise ValueError({TALK!r})"
    result = outcome(submission(changes, first=first))
    for question in changes:
        assert kinds(result)[question] == "raised"
    told = [s for q in result.questions for s in q.sentences] + list(result.cells)
    assert len(told) > 3
    assert all(sentence.isprintable() for sentence in told)


def open_files():
    return len(os.listdir("/proc/self/fd"))


DESCRIPTORS = """
import array, os, socket
def he_std(*args):
    mine = [os.open("/dev/null", os.O_RDONLY) for _ in range(100)]
    for number in _sockets():
        wire = socket.socket(fileno=os.dup(number))
        for _ in range(50):
            many = [(1, 1, array.array("i", mine + [number]))]
            wire.sendmsg([b"x"], many)
    return 1.0
"""


def test_descriptors_sent_over_the_connection_arrive_nowhere(outcome):
    outcome(submission(WRONG))
    before = open_files()
    result = outcome(submission({"he_std": WIRE + DESCRIPTORS}))
    assert kinds(result)["he_std"] in ("violation", "raised")
    assert points(result)[GUEST] == FULL
    assert open_files() == before


ANSWERS = {
    "huge": "torch.zeros(2**26)",
    "many": "[torch.zeros(0)] * 10**6",
    "deep": "__import__('functools').reduce(lambda x, _: [x], range(10**4), 1)",
    "cycle": "(lambda x: (x.append(x), x)[1])([])",
    "big integer": "10 ** 5000",
    "nan": "float('nan')",
    "complex": "1j",
    "text": "'\\ud800' * 10",
    "bytes": "b'x' * 2**20",
    "generator": "(i for i in range(3))",
    "type": "int",
    "module": "__import__('os')",
    "sparse": "torch.eye(3).to_sparse()",
    "meta": "torch.zeros(3, device='meta')",
    "dict": "{i: i for i in range(10**6)}",
    "0d bool": "torch.tensor(True)",
    "complex tensor": "torch.zeros(3, dtype=torch.complex64)",
    "lazy": "type('T', (), {'__getattr__': lambda s, n: 1 / 0})()",
    "self": "(lambda m: m)(*args) if args else None",
    "growing": "globals().setdefault('_g', []).extend(_g or [0]) or _g",
    "markup": "'<script>alert(1)</script>' * 1000",
    "terminal": "'\\x1b]0;x\\x07\\u202e\\x00'",
}


@together(ANSWERS)
def test_a_strange_answer_is_only_wrong(outcome, group):
    strange = {q: function(q, f"return {ANSWERS[name]}") for q, name in group.items()}
    result = outcome(submission(strange))
    for question in group:
        assert points(result)[question] == 0
    assert points(result)[GUEST] == FULL
    assert result.status in ("ok", "out of memory", "timeout")


def test_a_state_that_is_no_state_is_only_wrong(outcome):
    liar = (
        "class Liar(nn.Module):\n"
        "    def state_dict(self): return {'stem.weight': 'text', 1: object()}\n"
        "def zero_last(res_model): return Liar()"
    )
    result = outcome(submission({"zero_last": liar}))
    assert points(result)["zero_last"] == 0
    assert result.status == "ok"
