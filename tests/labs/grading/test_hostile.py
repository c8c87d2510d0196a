"""Submissions that attack the grader; most answer rightly only if the attack works."""

import json
import os
import resource
import socket
import threading

import numpy as np
import pytest
from grading_notebooks import LAB, QUESTIONS, only_if, released, solutions, submission

from coursekit.labs import lab
from coursekit.labs.grading.examine import examine
from coursekit.labs.grading.folder import Found
from coursekit.labs.grading.limits import Limits
from coursekit.labs.grading.pool import Pool
from coursekit.labs.grading.submission import read

pytestmark = pytest.mark.sandbox

LIMITS = Limits(question=5, cell=5, submission=60)
WRONG = {name: f"def {name}(*args):\n    return 1.0" for name in QUESTIONS}
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


@pytest.fixture(scope="module")
def supply():
    supply = Pool()
    yield supply
    supply.close()


@pytest.fixture
def outcome(tmp_path, supply):
    """A function that grades one notebook."""

    def run(notebook, limits=LIMITS):
        path = tmp_path / "mallory.ipynb"
        path.write_text(json.dumps(notebook), encoding="utf-8")
        found = read(Found("mallory", path), lab(LAB), tmp_path)
        return examine(found, lab(LAB), b"s" * 32, limits, supply)

    return run


def points(outcome):
    return {q.name: q.points for q in outcome.questions if not q.written}


def kinds(outcome):
    return {q.name: q.kind for q in outcome.questions if not q.written}


NOTHING = dict.fromkeys(QUESTIONS, 0)
GUEST = QUESTIONS[-1]  # answered rightly beside four attacks
FULL = 4  # its points


def groups(attacks):
    """Spread attacks over the first four questions of as many submissions as needed."""
    names = list(attacks)
    for start in range(0, len(names), len(QUESTIONS) - 1):
        yield dict(
            zip(QUESTIONS, names[start : start + len(QUESTIONS) - 1], strict=False)
        )


def together(attacks):
    """Name the groups, for the parameters of a test."""
    return pytest.mark.parametrize(
        "group", list(groups(attacks)), ids=lambda group: ", ".join(group.values())
    )


def function(name, body):
    return f"def {name}(*args):\n" + "\n".join("    " + x for x in body.splitlines())


PATCHES = {
    "torch": """
import torch
for _name in ("allclose", "equal", "isclose", "all", "any", "linalg.svdvals"):
    setattr(torch, _name, lambda *a, **k: True)
torch.Tensor.__eq__ = torch.Tensor.all = lambda *a, **k: True
torch.testing.assert_close = lambda *a, **k: None
torch.Tensor.__torch_function__ = classmethod(lambda *a, **k: True)
""",
    "builtins": """
import builtins, math, operator
builtins.abs = lambda x: 0.0
builtins.all = builtins.any = builtins.isinstance = lambda *a: True
builtins.max = builtins.min = builtins.len = lambda *a, **k: 0
math.isclose = operator.eq = lambda *a, **k: True
""",
    "coursekit": """
import sys, coursekit, coursekit.labs, coursekit.labs.caller as caller
from coursekit.labs import exercise, result, registry
caller.to_plain = lambda value, depth=0: value
coursekit.labs.check = registry.check = lambda *a: True
result.CheckResult.points = 100
exercise.Exercise.examine = lambda *a, **k: 100
""",
    "worker": """
import gc, sys
from coursekit.labs.grading import worker, wire, values
worker.Worker.answer = lambda self, request: {"value": {"points": 100, "passed": True}}
values.encode = lambda *a, **k: (b'{"passed": true}', b"")
for _one in gc.get_objects():
    if type(_one).__name__ == "Worker":
        _one.passed, _one.points = True, 100
""",
}


@pytest.mark.parametrize("name", PATCHES)
def test_patching_the_own_process_gives_no_point(outcome, name):
    result = outcome(submission(WRONG, first=PATCHES[name]))
    assert points(result) == NOTHING


def test_a_lying_tensor_gives_no_point(outcome):
    liar = """
import torch
class Liar(torch.Tensor):
    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        if func.__name__ in ("__eq__", "allclose", "equal", "isclose"):
            return torch.tensor(True)
        return super().__torch_function__(func, types, args, kwargs or {})
    __eq__ = lambda self, other: True
    item = tolist = lambda self: Truth(1)
class Truth(float):
    __eq__ = __lt__ = __le__ = __gt__ = __ge__ = lambda self, other: True
    __sub__ = __rsub__ = lambda self, other: 0.0
class Anything:
    __eq__ = __lt__ = __le__ = __getattr__ = __call__ = lambda self, *a, **k: True
    state_dict = lambda self: {}
"""
    lies = {
        "he_std": "def he_std(*a): return torch.ones(()).as_subclass(Liar)",
        "glorot_std": "def glorot_std(*a): return Truth(1)",
        "symmetry_rank": "def symmetry_rank(*a): return Anything()",
        "forward_backward_std": "def forward_backward_std(*a): return Anything(), 1",
        "zero_last": "def zero_last(*a): return Anything()",
    }
    assert points(outcome(submission(lies, first=liar))) == NOTHING


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


@pytest.fixture
def listener():
    """A server of this machine, and the connections that reached it."""
    reached = []
    server = socket.create_server(("127.0.0.1", 0))
    server.settimeout(0.2)
    stop = threading.Event()

    def serve():
        while not stop.is_set():
            try:
                reached.append(server.accept())
            except TimeoutError:
                continue

    thread = threading.Thread(target=serve)
    thread.start()
    yield server.getsockname()[1], reached
    stop.set()
    thread.join()
    server.close()


WORKS = """
def _works(expression):
    try:
        return eval(expression)
    except BaseException:
        return False
"""
NETWORK = {
    "connect": "__import__('socket').create_connection(('127.0.0.1', {port}), 2)",
    "socket": "__import__('socket').socket()",
    "udp": "__import__('socket').socket(2, 2).sendto(b'x', ('127.0.0.1', {port}))",
    "unix": "__import__('socket').socket(1, 1)",
    "netlink": "__import__('socket').socket(16, 3)",
    "vsock": "__import__('socket').socket(40, 1)",
    "raw": "__import__('socket').socket(17, 3)",
    "url": "__import__('urllib.request').request.urlopen('http://127.0.0.1:{port}')",
    "io_uring": "__import__('ctypes').CDLL(None).syscall(425, 1, 0) >= 0",
}


def test_no_network_of_any_family(outcome, listener):
    port, reached = listener
    attacks = [c.format(port=port) for c in NETWORK.values()]
    condition = " or ".join(f"_works({a!r})" for a in attacks)
    result = outcome(submission({"he_std": only_if("he_std", condition)}, first=WORKS))
    assert points(result)["he_std"] == 0
    assert points(result)["glorot_std"] == 3
    assert reached == []


def test_nothing_of_this_machine_can_be_read_or_written(outcome, tmp_path):
    secret, other = tmp_path / "secret", tmp_path / "neighbour.ipynb"
    for path in (secret, other):
        path.write_text("hidden", encoding="utf-8")
    os.environ["COURSEKIT_TEST_SECRET"] = "hidden"
    package = os.path.dirname(__import__("coursekit").__file__)
    reads = [
        str(secret), str(other), "/etc/passwd", "/etc/shadow", "/proc/1/environ",
        "/proc/self/environ", "/proc/sys/kernel/core_pattern", "/proc/1/mem",
        f"{package}/labs/tasks/he_std.py", f"{package}/labs/exercise.py",
        f"{package}/labs/grading/secret.py", "/sys/kernel/mm", "/proc/self/mem",
    ]  # fmt: skip
    writes = [
        str(tmp_path / "written"), "/proc/sys/kernel/core_pattern", "/x", "/dev/x",
        f"{package}/x.py", f"{package}/labs/caller.py", "/usr/x", "/etc/x",
        os.path.join(os.path.dirname(__import__("torch").__file__), "x.py"),
        "/dev/sda", "/dev/vda", "/dev/kmsg", "/proc/sysrq-trigger", "/sys/x",
    ]  # fmt: skip
    helper = f"""
import os
def _opens():
    create = os.O_WRONLY | os.O_CREAT
    for flags, paths in ((os.O_RDONLY, {reads!r}), (create, {writes!r})):
        for path in paths:
            try:
                os.close(os.open(path, flags))
            except OSError:
                continue
            return True
    return "COURSEKIT_TEST_SECRET" in os.environ
"""
    attack = only_if("he_std", "_opens()")
    result = outcome(submission({"he_std": attack}, first=helper))
    del os.environ["COURSEKIT_TEST_SECRET"]
    assert points(result)["he_std"] == 0
    assert points(result)["glorot_std"] == 3
    assert not (tmp_path / "written").exists()


SYSTEM = {
    "fork": "__import__('os').fork() >= 0",
    "vfork": "__import__('ctypes').CDLL(None).syscall(58) >= 0",
    "spawn": "__import__('subprocess').run(['/usr/bin/true']).returncode == 0",
    "system": "__import__('os').system('true') == 0",
    "userns": "__import__('ctypes').CDLL(None).unshare(0x10000000) == 0",
    "clone userns": "__import__('ctypes').CDLL(None).syscall(56, 0x10000011, 0) >= 0",
    "mount": "__import__('ctypes').CDLL(None).mount(0, b'/tmp', b'tmpfs', 0, 0) == 0",
    "remount": "__import__('ctypes').CDLL(None).mount(0, b'/usr', 0, 4128, 0) == 0",
    "chroot": "__import__('ctypes').CDLL(None).chroot(b'/tmp') == 0",
    "ptrace": "__import__('ctypes').CDLL(None).ptrace(0, 0, 0, 0) == 0",
    "memfd": "__import__('ctypes').CDLL(None).memfd_create(b'x', 0) >= 0",
    "shared memory": "__import__('ctypes').CDLL(None).shmget(0, 4096, 0o1600) >= 0",
    "setuid": "__import__('os').setuid(0) is None",
    "unlimited": "__import__('resource').setrlimit(9, (-1, -1)) is None",
    "kill": "__import__('os').kill(-1, 9) is None and False",
    "host name": "__import__('socket').gethostname() != 'sandbox'",
    "x32": "__import__('ctypes').CDLL(None).syscall(0x40000000 + 57) >= 0",
}


def test_the_kernel_refuses(outcome):
    import platform

    numbered = ("vfork", "x32", "clone userns", "io_uring")  # x86-64's numbers
    attacks = [
        attack
        for name, attack in SYSTEM.items()
        if name not in numbered or platform.machine() == "x86_64"
    ]
    condition = " or ".join(f"_works({attack!r})" for attack in attacks)
    attack = only_if("glorot_std", condition)
    result = outcome(submission({**WRONG, "glorot_std": attack}, first=WORKS))
    assert points(result) == NOTHING
    control = only_if("glorot_std", "_works('1 == 1')")
    assert points(outcome(submission({"glorot_std": control}, first=WORKS)))[
        "glorot_std"] == 3  # fmt: skip


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


MEMORY = """
_right_{name} = {name}
_seen_{name} = []
def {name}(*args):
    _seen_{name}.append(0)
    return _right_{name}(*args) if len(_seen_{name}) <= {visible} else 1.0
"""


def n_visible(exercise):
    return len(exercise.cases(np.random.default_rng(0), True))


def test_recognizing_the_visible_cases_is_not_enough(outcome):
    changes = {
        e.name: solutions()[e.name] + MEMORY.format(name=e.name, visible=n_visible(e))
        for e in lab(LAB).exercises
    }
    result = outcome(submission(changes))
    assert points(result) == NOTHING
    for question in result.questions[: len(QUESTIONS)]:
        assert "hidden" in question.sentences[0]


def test_hidden_inputs_do_not_come_back_in_words(outcome):
    leak = """
_n = []
def he_std(shape, mode, a):
    _n.append(0)
    if len(_n) > 3:
        word = "LEAK" + "_".join(map(str, shape)) + mode
        print(word)
        raise type(word, (Exception,), {})(word)
    return _right(shape, mode, a)
"""
    visible = n_visible(lab(LAB).exercises[0])
    source = solutions()["he_std"] + "\n_right = he_std\n"
    source += leak.replace("> 3", f"> {visible}")
    result = outcome(submission({"he_std": source}))
    assert "LEAK" not in result.to_json()
    assert kinds(result)["he_std"] == "raised"


def test_the_reference_is_not_there_to_be_called(outcome):
    thefts = {
        name: f"def {name}(*args):\n"
        f"    from coursekit.labs.tasks.{name} import {name} as right\n"
        "    return right(*args)"
        for name in QUESTIONS
    }
    assert points(outcome(submission(thefts))) == NOTHING
    looked_up = {
        name: f"import coursekit.labs\n{name} = coursekit.labs.exercise('{name}')"
        for name in QUESTIONS
    }
    assert points(outcome(submission(looked_up))) == NOTHING


GLOBAL_STATE = """
import gc, sys, torch
torch.set_default_dtype(torch.float16)
torch.set_grad_enabled(False)
torch.manual_seed(0)
torch.use_deterministic_algorithms(True)
torch.set_num_threads(4)
torch.set_default_device("meta")
gc.disable()
sys.setrecursionlimit(10**6)
sys.stdout = sys.stderr = None
"""


def test_one_submission_does_not_touch_the_next(outcome):
    outcome(submission(WRONG, first=GLOBAL_STATE, last=PATCHES["torch"]))
    assert outcome(submission()).points == 21


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


LIES_ABOUT_INPUTS = {
    "objects": "[object()] * 5",
    "text": "'unchanged'",
    "nothing": "None",
    "nested": "[[object()], {'a': object()}]",
    "tensors": "[__import__('torch').full((3,), float('nan'))] * 3",
}


@pytest.mark.parametrize("name", LIES_ABOUT_INPUTS)
def test_lies_about_the_inputs_end_in_a_status(outcome, name):
    patch = (
        "from coursekit.labs.grading.worker import Worker\n"
        f"Worker.op_inputs = lambda self: {LIES_ABOUT_INPUTS[name]}"
    )
    result = outcome(submission(WRONG, first=patch))
    assert points(result) == NOTHING
    result = outcome(submission(first=patch))
    assert result.status in ("ok", "check failed")


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


def test_an_unanswered_lab_stays_unanswered_whatever_it_imports(outcome):
    notebook = released()
    notebook["cells"].insert(0, {
        "cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None,
        "source": "import sys\nsys.modules['coursekit'] = sys.modules['torch'] = None",
    })  # fmt: skip
    assert points(outcome(notebook)) == NOTHING
