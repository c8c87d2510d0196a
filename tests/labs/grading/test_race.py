"""The open task is raced in the sandbox, costs no point and ends as a picture."""

import itertools
import json
import math
import re
from xml.etree import ElementTree

import pytest
from grading_notebooks import LAB, ROOT, submission

from coursekit.experiments import open_tasks
from coursekit.labs import lab
from coursekit.labs.grading import race as racing
from coursekit.labs.grading.examinee import Examinee
from coursekit.labs.grading.gradebook import Gradebook
from coursekit.labs.grading.limits import Limits
from coursekit.labs.grading.outcome import Outcome, Race
from coursekit.labs.grading.plot import finding, race_picture
from coursekit.labs.grading.pool import Pool
from coursekit.labs.grading.race import chapter, read_curve, run_race, unchanged
from coursekit.labs.grading.run import grade
from coursekit.labs.open_tasks import OPEN

LIKE = ((0.0, 5.0, 10.0), (2.3, 1.0, 0.5))
LIMITS = Limits(question=20, cell=20, race=20, submission=60)
HEAD = (
    "import math\nimport torch\nfrom coursekit import init\n"
    "from coursekit.models import MLP, ResidualMLP\nEPS = 1e-5\n"
)
NAN_NET = """
class Net(torch.nn.Linear):
    def forward(self, x):
        return super().forward(x) * math.nan
def my_net(layers):
    return Net(64, 10)
"""
FORGED = """
import coursekit.experiments.open_tasks as o
def my_std(shape, layer, depth):
    o._curve = lambda x, y: {}
    return 0.1
"""


@pytest.mark.parametrize("name", OPEN)
def test_the_example_is_the_one_that_is_handed_out(name):
    for folder in (ROOT / "labs", ROOT / "labs" / "source"):
        notebook = json.loads((folder / f"{name}.ipynb").read_text("utf-8"))
        sources = [
            "".join(c["source"]) for c in notebook["cells"] if c["cell_type"] == "code"
        ]
        task = lab(name).open
        assert unchanged(task, sources)
        assert not unchanged(task, [*sources, f"{task.names[0]} = None"])
        assert hasattr(open_tasks, task.task)


def curve(*values, x=LIKE[0]):
    return [list(x), list(values)]


def test_a_curve_is_rebuilt_with_four_figures_and_marks_what_diverged():
    raw = tuple(curve(2.34567, math.inf, math.nan))
    assert read_curve(raw, LIKE) == ((0, 5, 10), (2.346, None, None))
    assert read_curve(tuple(curve(1.0, 1e9, 0.0)), LIKE)[1] == (1, None, 0)


@pytest.mark.parametrize(
    "raw",
    [
        None,
        "curve",
        [[0.0, 5.0], [1.0, 1.0]],
        ([0.0], [1.0]),
        ([0.0, 5.0], [1.0]),
        ([0.0, 5.0], [1.0, "<script>"]),
        ([0.0, 5.0], [1.0, True]),
        ([0.0, 5.0], [1.0, -1.0]),
        ([5.0, 0.0], [1.0, 1.0]),
        ([0.0, math.nan], [1.0, 1.0]),
        ([0.0, 1e9], [1.0, 1.0]),
        ([-1.0, 5.0], [1.0, 1.0]),
        ([float(k) for k in range(65)], [1.0] * 65),
        ({"x": 1}, {"y": 2}),
    ],
)
def test_what_is_no_curve_is_refused(raw):
    assert read_curve(raw, LIKE) is None


def race(*last, other=0.5):
    return Race(
        "", {"yours": (LIKE[0], (2.3, *last)), "He": ((0, 5, 10), (2, 1, other))}
    )


@pytest.mark.parametrize(
    ("one", "words"),
    [
        (
            race(1.0, 0.4),
            "yours 0.40, He 0.50. Yours beats the best of the chapter, He",
        ),
        (race(1.0, 0.6), "Yours does not beat the best of the chapter, He."),
        (race(1.0, 0.505), "Yours is level with the best"),
        (race(None, None), "yours diverged, He 0.50. Yours diverged."),
        (race(1.0, 2.0, other=None), "Yours alone did not diverge."),
    ],
)
def test_the_caption_states_the_finding(one, words):
    task = OPEN[LAB]
    assert words in finding(one, task)
    page = race_picture(one, task)
    tree = ElementTree.fromstring(page)
    [svg] = tree.findall("svg")
    assert svg.get("aria-label") == finding(one, task)
    assert finding(one, task) in "".join(tree.find("figcaption").itertext())
    assert len(re.findall(r"stroke-width", page)) == 2
    assert ("✕" in page) == ("diverge" in words)
    assert "<script" not in page
    assert "http" not in page


def test_names_do_not_lie_on_each_other():
    same = {n: (LIKE[0], (2.3, 2.3, 2.3)) for n in ("yours", "He", "Glorot", "PyTorch")}
    found = ElementTree.fromstring(race_picture(Race("", same), OPEN[LAB])).iter("text")
    heights = sorted(float(t.get("y")) for t in found if t.get("style"))
    assert len(heights) == 4
    assert all(b - a >= 12 for a, b in itertools.pairwise(heights))
    assert heights[-1] <= 220


@pytest.fixture(scope="module")
def pool():
    """Workers for the races of this file."""
    one = Pool()
    yield one
    one.close()


OWN = {
    "01_bias": "def my_net(layers):\n    return MLP([64, 32, 10])",
    "04_batch_size": "my_batch = 100\ndef my_lr(t, T):\n    return torch.tensor(0.1)",
    "10_vanishing_gradients": "my_phi = torch.relu\n"
    "def my_slope(z):\n    return (z > 0).double()",
    "11_initialization": "my_std = lambda shape, layer, depth: (2 / shape[1]) ** 0.5",
    "12_normalization": "def my_norm(x, gamma, beta):\n    return gamma * x + beta",
}


@pytest.mark.sandbox
@pytest.mark.parametrize("name", OWN)
def test_an_own_answer_is_raced_against_the_chapters(pool, name):
    cells = [{"source": HEAD + OWN[name], "grade_id": None}]
    found = run_race(OPEN[name], cells, LIMITS, pool)
    assert found.said == ""
    assert list(found.curves) == ["yours", *chapter(OPEN[name].task)]
    lengths = {len(x) for x, _ in found.curves.values()}
    assert {len(y) for _, y in found.curves.values()} == lengths
    assert len(race_picture(found, OPEN[name])) < 6000
    if name == "11_initialization":  # He's rule runs like He, inside as outside
        assert found.curves["yours"] == found.curves["He"]


@pytest.mark.sandbox
@pytest.mark.parametrize(
    ("name", "answer", "words"),
    [
        ("01_bias", "def my_net(layers):\n    while True: pass", "did not end within"),
        ("01_bias", "def my_net(layers):\n    return 'net'", "TypeError"),
        ("01_bias", "def my_net(layers):\n    return MLP([64, 3])", "expected (4, 10)"),
        ("01_bias", "def my_net(layers):\n    return MLP([32, 10])", "RuntimeError"),
        ("01_bias", "def my_net(n):\n    return MLP([64, 10**9, 10])", "more memory"),
        ("01_bias", "def my_net(n):\n    import os; os._exit(0)", "its own process"),
        (
            "01_bias",
            "def my_net(layers):\n    raise NotImplementedError",
            "still raise",
        ),
        ("04_batch_size", "my_batch = 0\nmy_lr = max", "expected a number from 1"),
        ("04_batch_size", "my_batch = 9", "the notebook does not define `my_lr`"),
        ("11_initialization", "def my_std(*a):\n    return math.nan", "gave nan"),
        ("11_initialization", "def my_std(*a):\n    return '<b>'", "could not convert"),
        ("11_initialization", FORGED, "is no curve"),
        (
            "12_normalization",
            "def my_norm(*a):\n    return a[0].mean()",
            "my_norm gave",
        ),
    ],
)
def test_a_wrong_answer_is_a_sentence(pool, name, answer, words):
    limits = Limits(question=20, cell=20, race=3, submission=60)
    cells = [{"source": HEAD + answer, "grade_id": None}]
    found = run_race(OPEN[name], cells, limits, pool)
    assert words in found.said
    assert found.curves == {}


@pytest.mark.sandbox
def test_a_net_that_gives_nan_diverges(pool):
    cells = [{"source": HEAD + NAN_NET, "grade_id": None}]
    found = run_race(OPEN["01_bias"], cells, LIMITS, pool)
    assert set(found.curves["yours"][1]) == {None}
    assert "Yours diverged." in finding(found, OPEN["01_bias"])
    ElementTree.fromstring(race_picture(found, OPEN["01_bias"]))


def stored(out):
    """Read the outcomes of a folder by student."""
    book = Gradebook(f"sqlite:///{out / 'gradebook.db'}", lab(LAB))
    found = {outcome.student: outcome for _, outcome in book.graded()}
    book.close()
    return found


@pytest.mark.sandbox
def test_the_page_has_the_picture_and_no_point_depends_on_it(
    tmp_path, folder, monkeypatch
):
    pytest.importorskip("nbgrader")
    own = "def my_std(shape, layer, depth):\n    return math.sqrt(2 / shape[1])  # mine"
    bad = "def my_std(shape, layer, depth):\n    raise ValueError('<b>no</b>')"
    path = folder(ada=submission(last=own), bob=submission(), eve=submission(last=bad))
    asked = []
    request = Examinee.request

    def spy(self, seconds, **message):
        asked.append((id(self), message["op"]))
        return request(self, seconds, **message)

    monkeypatch.setattr(Examinee, "request", spy)
    out, where = tmp_path / "out", {"secret": tmp_path / "secret", "progress": False}
    grade(LAB, path, out, **where)
    racers = {who for who, op in asked if op == "race"}
    assert len(racers) == 2
    assert {op for who, op in asked if who in racers} == {"load", "run", "race"}

    found = stored(out)
    assert [o.points for o in found.values()] == [21, 21, 21]
    assert {o.status for o in found.values()} == {"ok"}
    assert all(Outcome.from_json(o.to_json()) == o for o in found.values())
    assert len(json.dumps(found["ada"].race.curves)) < 1000
    pages = {n: (out / "feedback" / f"{n}.html").read_text("utf-8") for n in found}
    assert pages["ada"].count('<svg role="img"') == 1
    assert "Yours is level with the best of the chapter, He." in pages["ada"]
    assert "is still the example of the notebook" in pages["bob"]
    assert "ValueError: &lt;b&gt;no&lt;/b&gt;" in pages["eve"]
    assert all("<script" not in page for page in pages.values())

    grade(LAB, path, out, only=["he_std"], **where)
    assert {n: o.race for n, o in stored(out).items()} == {
        n: o.race for n, o in found.items()
    }
    plain = tmp_path / "plain"
    grade(LAB, path, plain, plots=False, **where)
    for name, outcome in stored(plain).items():
        assert outcome.race is None
        assert outcome.questions == found[name].questions
    assert "A rule of your own" not in (plain / "feedback" / "ada.html").read_text()


def test_the_chapters_runs_are_made_once(monkeypatch):
    chapter.cache_clear()
    made = []
    monkeypatch.setattr(racing.open_tasks, "chapter", lambda t: made.append(t) or {})
    assert chapter("scale") is chapter("scale")
    assert made == ["scale"]
    chapter.cache_clear()
