"""Submissions that patch what they can reach, lie, or look for what they must not know.

Whatever they change is their own process: it decides nothing.
"""

import json
from dataclasses import replace

import numpy as np
import pytest
from attacks import FULL, NOTHING, PATIENT, WRONG, ask, kinds, points
from grading_notebooks import LAB, QUESTIONS, released, solutions, submission

from coursekit.labs import lab
from coursekit.labs.grading.examine import examine
from coursekit.labs.grading.folder import Found
from coursekit.labs.grading.submission import Cell, Submission, read

pytestmark = pytest.mark.sandbox


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


def test_a_cell_that_runs_again_after_hidden_inputs_is_not_quoted(supply, tmp_path):
    """A worker that has seen them may leave a mark for the next to find and to tell."""
    starts = []

    def start(limits):
        starts.append(0)  # the mark: here, a limit that the next worker can read
        return supply(replace(limits, processes=64 + len(starts)))

    first = (
        "import resource\n"
        "if resource.getrlimit(resource.RLIMIT_NPROC)[0] > 65:\n"
        "    raise ValueError('LEAK')"
    )
    visible = n_visible(lab(LAB).exercises[0])
    exits = MEMORY.format(name="he_std", visible=visible)
    exits = exits.replace("1.0", "__import__('os')._exit(0)")
    notebook = submission({"he_std": solutions()["he_std"] + exits}, first=first)
    path = tmp_path / "mallory.ipynb"
    path.write_text(json.dumps(notebook), encoding="utf-8")
    found = read(Found("mallory", path), lab(LAB), tmp_path)
    result = examine(found, lab(LAB), b"s" * 32, PATIENT, start)
    assert len(starts) == 2
    assert kinds(result)["he_std"] == "killed"
    assert "LEAK" not in result.to_json()


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


LOOK_UP = """
import gc, sys
names = ("Exercise", "Case", "Mutant", "Session", "Prepared", "Submission", "Gradebook")
found = [type(o).__name__ for o in gc.get_objects() if type(o).__name__ in names]
given = ("coursekit.labs", "coursekit.labs.caller", "coursekit.labs.grading")
mine = ["coursekit.labs.grading." + n for n in {modules!r}]
found += [m for m in sys.modules if m.startswith("coursekit.labs") and m not in given
          and m not in mine]
frame = sys._getframe()
while frame is not None:
    found += [n for n in frame.f_locals if n in ("expected", "secret", "visible")]
    frame = frame.f_back
return found
"""


def test_neither_frames_nor_objects_hold_what_the_check_knows(supply):
    from coursekit.labs.grading.confine import MODULES

    assert ask(supply, LOOK_UP.format(modules=MODULES)) == []


def test_the_files_of_the_checks_are_not_there(supply):
    look = """
import coursekit, os
top = os.path.dirname(coursekit.__file__)
found = []
for place in (top, "/tmp", os.path.expanduser("~")):
    for folder, below, files in os.walk(place):
        if folder.endswith(("site-packages", "dist-packages")):
            below.clear()  # an environment that was installed below /tmp
        for file in files:
            text = open(os.path.join(folder, file), "rb").read()
            found += [file] * any(w in text for w in (b"MUTANTS", b"HE_STD = Exercise"))
            found += [file] * file.endswith((".ipynb", ".db", ".pickle", ".pkl"))
return found
"""
    assert ask(supply, look) == []


STATES = {
    "another at each call": "self.calls % 2",
    "right at first": "self.calls > 1",
    "wrong at first": "self.calls == 1",
}


@pytest.mark.parametrize("wrong", STATES.values(), ids=STATES)
def test_a_state_that_changes_from_call_to_call_is_read_once(outcome, wrong):
    turncoat = f"""
class Turncoat(nn.Module):
    def __init__(self, right):
        super().__init__()
        self.right, self.calls = [right], 0
    def state_dict(self, *args, **kwargs):
        self.calls += 1
        state = self.right[0].state_dict()
        return {{k: v * 0 + 9 for k, v in state.items()}} if {wrong} else state
_right = zero_last
def zero_last(model): return Turncoat(_right(model))"""
    source = solutions()["zero_last"] + turncoat
    result = outcome(submission({"zero_last": source}))
    first_is_right = wrong == STATES["right at first"]
    assert points(result)["zero_last"] == FULL * first_is_right
    assert result.status == "ok"


HOOKS = """
import ast, builtins, sys
class _Finder:
    def find_spec(self, name, path=None, target=None): return None
    def find_module(self, name, path=None): return None
sys.meta_path.insert(0, _Finder())
sys.settrace(lambda *a: None)
sys.setprofile(lambda *a: None)
sys.addaudithook(lambda *a: None)
sys.excepthook = sys.unraisablehook = lambda *a: None
_parse, _compile = ast.parse, builtins.compile
ast.parse = lambda source, *a, **k: _parse("x = 1")
builtins.compile = lambda source, *a, **k: _compile("points = 100", "<cell 0>", "exec")
builtins.__import__ = lambda name, *a, _i=builtins.__import__, **k: _i(name, *a, **k)
"""


def test_hooks_into_imports_and_parsers_decide_nothing(outcome):
    assert points(outcome(submission(WRONG, first=HOOKS))) == NOTHING


NEUTRAL = """
import gc, sys, torch
torch.set_default_dtype(torch.float64)
torch.set_num_threads(2)
torch.manual_seed(7)
torch.use_deterministic_algorithms(True)
torch.autograd.set_detect_anomaly(True)
gc.disable()
sys.stdout = sys.stderr = None
"""


def test_global_settings_of_a_notebook_are_its_own(outcome):
    assert outcome(submission(first=NEUTRAL)).points == 21


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


def test_an_unanswered_lab_stays_unanswered_whatever_it_imports(outcome):
    notebook = released()
    notebook["cells"].insert(0, {
        "cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None,
        "source": "import sys\nsys.modules['coursekit'] = sys.modules['torch'] = None",
    })  # fmt: skip
    assert points(outcome(notebook)) == NOTHING


@pytest.mark.parametrize("number", ["1e200", "-1e308", "math.inf", "math.nan"])
def test_an_extreme_number_in_every_place_is_no_answer(supply, number):
    """Products overflow to infinity, and any difference is within a part of that."""
    lab_12 = lab("12_normalization")
    only = tuple(e for e in lab_12.exercises if e.name == "whiten")
    source = (
        "import math, torch\n"
        "def whiten(*sets):\n"
        f"    return tuple(torch.full_like(one, {number}) for one in sets)"
    )
    nonsense = Submission("mallory", cells=(Cell("code", source),))
    asked = replace(lab_12, exercises=only, written=())
    result = examine(nonsense, asked, b"s" * 32, PATIENT, supply)
    assert result.points == 0
    assert result.questions[0].kind in ("wrong", "unusable")
