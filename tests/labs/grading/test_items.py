"""The instructor's report counts what is there and names nobody."""

import re
from html import unescape

from coursekit.labs import lab
from coursekit.labs.grading.gradebook import Entry, check_cell
from coursekit.labs.grading.items import item_report
from coursekit.labs.grading.outcome import Outcome, Question

LAB = lab("11_initialization")
HE = LAB.exercises[0]


def outcome(name, points, kind, diagnosis=None, problem=""):
    question = Question(HE.name, HE.title, points, 4.0, kind, diagnosis=diagnosis)
    return Outcome(name, name, LAB.name, "ok", "", problem, (question,))


def entries(outcomes):
    return {
        o.slug: {check_cell(q): Entry(q.points, q.points is None) for q in o.questions}
        for o in outcomes
    }


CLASS = [
    outcome("mallory<b>", 4.0, "passed"),
    outcome("b", 2.0, "wrong", "forgets_slope"),
    outcome("c", 0.0, "wrong", "returns_variance"),
    outcome("d", 0.0, "wrong", "returns_variance"),
    outcome("e", 0.0, "timeout"),
    outcome("f", 0.0, "missing"),
    outcome("g", None, "open"),
    outcome("h", 0.0, "undefined", problem="The file is empty."),
]


def test_it_counts_results_and_mistakes():
    page = item_report(LAB, CLASS, entries(CLASS))
    assert "7 submissions were graded, 1 could not be read." in page
    said = "1 right, 1 partly right, 3 not right, 1 not answered, 1 not graded yet"
    assert f'aria-label="{said}"' in page
    assert "1.00 of 4 points on average" in page
    table = re.findall(r"<tr><td>(.*?)</td><td>(.*?)</td>", page)
    assert table[0][1] == "2 (29 %)"
    said = {m.name: m.message for m in HE.mutants}["returns_variance"]
    assert unescape(table[0][0]) == said  # other exercises have one of this name too
    assert ("It did not end in time.", "1 (14 %)") in table


def test_the_bar_is_as_long_as_the_class():
    page = item_report(LAB, CLASS, entries(CLASS))
    widths = [float(w) for w in re.findall(r'<rect x="[\d.]+" width="([\d.]+)"', page)]
    assert abs(sum(widths) - 640) < 0.5
    assert widths[2] == max(widths)


def test_it_names_nobody_and_loads_nothing():
    page = item_report(LAB, CLASS, entries(CLASS))
    assert "mallory" not in page
    assert "<script" not in page
    assert "default-src 'none'" in page


def test_an_empty_class_has_an_empty_report():
    assert "0 submissions were graded." in item_report(LAB, [], {})
