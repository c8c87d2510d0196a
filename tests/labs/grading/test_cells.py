import ast

import pytest

from coursekit.labs.grading.cells import clean, define, is_stub, match

STUB = 'def f(x):\n    """Doc."""\n    raise NotImplementedError  # here'
ANSWER = "def f(x):\n    return x"


@pytest.mark.parametrize(
    "source",
    [
        "%matplotlib inline\nx = 1",
        "!pip install coursekit\nx = 1",
        "!pip install \\\n     torch\nx = 1",
        "%%time\nx = 1",
        "%%capture out\nx = 1",
        "%time x = 1",
        "%timeit -n 3 x = 1",
        "files = !ls\nx = 1",
        "where = %pwd\nx = 1",
        "print?\nx = 1",
        "?print\nx = 1",
        "if True:\n    %load_ext autoreload\n    x = 1",
        "try:\n    import google.colab\nexcept ImportError:\n    !ls\nx = 1",
    ],
)
def test_magics_go_and_python_stays(source):
    space = {}
    try:
        exec(clean(source), space)
    except ModuleNotFoundError:
        pytest.fail(source)
    assert space["x"] == 1
    assert len(clean(source).splitlines()) == len(source.splitlines())


@pytest.mark.parametrize(
    "source",
    [
        "x = (7\n% 4)",
        's = """\n%matplotlib inline\n!ls\n"""',
        "y = 7 \\\n  % 4",
        "# %%bash\nx = 1",
        "print('what?')",
    ],
)
def test_valid_python_is_not_touched(source):
    assert clean(source) == source


@pytest.mark.parametrize("magic", ["%%bash", "%%writefile x.py", "%%html", "%%js"])
def test_a_cell_in_another_language_is_dropped(magic):
    assert clean(f"{magic}\nrm -rf x") == ""


def test_a_real_syntax_error_stays_one():
    with pytest.raises(SyntaxError):
        ast.parse(clean("def f(:\n    pass"))


def test_cleaning_ends_on_any_text():
    clean("!\n" * 3000)
    clean("x = !\n(" * 50)
    clean("")


@pytest.mark.parametrize(
    ("source", "stub"),
    [
        (STUB, True),
        ("def f(x):\n    raise NotImplementedError('todo')", True),
        ("def f(x):\n    print(x)\n    raise NotImplementedError", False),
        (ANSWER, False),
        ("f = lambda x: x", False),
        ("class f: pass", False),
    ],
)
def test_stubs_are_recognized(source, stub):
    statement = define(source, "f")
    assert statement is not None
    assert is_stub(statement) is stub


def cell(source, grade_id=None):
    return {"source": source, "grade_id": grade_id}


@pytest.mark.parametrize(
    ("cells", "index"),
    [
        ([cell(ANSWER, "f")], 0),
        ([cell(ANSWER)], 0),
        ([cell(STUB, "f"), cell(ANSWER)], 1),  # answered in a cell of one's own
        ([cell(ANSWER, "f"), cell(STUB, "f")], 0),  # Colab's duplicate of the stub
        ([cell(ANSWER, "f"), cell(ANSWER)], 0),  # the id counts before the name
        ([cell(ANSWER), cell("x = 1"), cell(ANSWER)], 2),
        ([cell(STUB, "f")], 0),
        ([cell("def g(): pass", "f")], None),
        ([cell("def f(:", "f")], None),
        ([cell("from m import g as f")], 0),
    ],
)
def test_cells_are_matched_by_id_then_by_name(cells, index):
    assert match(cells, ["f"]) == {"f": index}
