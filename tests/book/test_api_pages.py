"""API pages: what is read from a file, and how a reader finds it on the page."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path

import pytest
import yaml

from bookext import api_entries, api_names, api_page, api_source, api_text

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = '''"""A family.

==========  ===========
``Beta``    what it does,
            in two lines
``alpha``   the other
==========  ===========

After it.
"""
from .alpha import alpha
from .beta import Beta, beta
__all__ = ["Beta", "alpha", "beta"]
'''
ALPHA = '''"""Some functions."""
__all__ = ["alpha", "gamma"]

def alpha(x):
    r"""Add one.

    .. math::

        y &= x \\\\
        + 1 \\\\qquad (1)
    """
    y = x + 1  # (1)
    return y

def gamma(x):
    """Not of the family."""
'''.replace("\\\\qquad", "\\qquad")
BETA = '''r"""Double it, Jane (2001).

.. math::

    y &= 2 x \\qquad (1) \\\\
    z &= y \\qquad (2)
"""
__all__ = ["Beta", "beta", "update"]

def update(x):
    """Update.

    References:
        Jane, Doe (2001), A work on things, arXiv 2001.00001, eq. 2. Roe, van
        der Poe (1999), Another one, § 3.
    """
    y = 2 * x  # (1)
    return y  # (2)

beta = Rule(update)

class Beta:
    """Wrap it."""

    rule = beta

    def step(self, g):
        """Step."""
'''
BIB = """@misc{doe2001,
  author = {Jane, Max},
  title = {A work on {T}hings},
  year = {2001},
  note = {arXiv:2001.00001},
}
"""


@pytest.fixture
def family(tmp_path):
    """Write a part with two files, a bibliography and a chapter; return its page."""
    folder = tmp_path / "src" / "coursekit" / "family"
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text(PACKAGE)
    (folder / "alpha.py").write_text(ALPHA)
    (folder / "beta.py").write_text(BETA)
    (tmp_path / "book").mkdir()
    (tmp_path / "book" / "references.bib").write_text(BIB)
    (tmp_path / "chapters").mkdir()
    source = ["%matplotlib inline\n", "from coursekit import family\nfamily.Beta(1)"]
    cells = [{"cell_type": "code", "source": source}]
    (tmp_path / "chapters" / "01_one.ipynb").write_text(json.dumps({"cells": cells}))
    return api_page.Page(tmp_path, "coursekit.family", {"chapters/01_one"})


def test_every_public_module_has_an_api_page_a_group_and_a_place():
    """Pages, groups of the index and the table of contents name the same modules."""
    modules = set(api_source.public_modules(ROOT / "src"))
    assert {path.stem for path in ROOT.glob("book/api/coursekit.*.rst")} == modules
    assert set(api_names.TITLES) == modules
    contents = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    sections = next(
        chapter["sections"]
        for part in contents["parts"]
        for chapter in part["chapters"]
        if chapter["file"] == "book/api/index"
    )
    listed = [section["file"].removeprefix("book/api/") for section in sections]
    assert listed == list(api_names.TITLES)


def rendered(source: str, method: bool = False) -> str:
    """Render the first definition of some source."""
    node = ast.parse(source).body[0]
    text = api_text.docstring(ast.get_docstring(node) or "", "function", "f", ROOT)
    if isinstance(node, ast.ClassDef):
        module = api_source.Module("m", source, ast.parse(source), ROOT, [node.name])
        page = api_page.Page(ROOT, "coursekit.optim")
        return "\n".join(page.member(module, node, "", []))
    return "\n".join(api_entries.function(node, [], text))


def test_signature_and_sections_are_rendered():
    """A function keeps its signature; Google's sections become fields."""
    text = rendered(
        "def f(x: int, *, lr: float = 0.1) -> int:\n"
        '    r"""Do it.\n\n    $$y = x$$\n\n    Args:\n        x: A $\\\\eta$.\n\n'
        '    Returns:\n        It.\n    """'
    )
    assert ".. py:function:: f(x: int, *, lr: float=0.1) -> int" in text
    assert ".. math::\n\n      y = x" in text
    assert ":param x: A :math:`\\\\eta`." in text
    assert ":returns: It." in text


def test_class_shows_public_methods_without_self():
    """Properties have no brackets, private names do not appear."""
    text = rendered(
        'class A:\n    """A."""\n    def __init__(self, n: int): ...\n'
        '    @property\n    def size(self) -> int:\n        """S."""\n'
        '    def step(self, g):\n        """T."""\n'
        '    def _inner(self):\n        """I."""\n'
    )
    assert ".. py:class:: A(n: int)" in text
    assert ".. py:property:: size\n" in text
    assert ".. py:method:: step(g)" in text
    assert "_inner" not in text


def test_dataclass_shows_its_fields():
    """A dataclass is called with its fields, whatever their defaults are made of."""
    text = rendered(
        '@dataclass(frozen=True)\nclass A:\n    """A."""\n    n: int\n'
        "    m: float = 0.5\n    k: list = field(default_factory=list)\n"
    )
    assert ".. py:class:: A(n: int, m: float = 0.5, k: list = ...)" in text


def test_a_page_has_an_overview_in_the_order_and_words_of_the_package(family):
    """The table written by hand orders and explains the other, and is not shown."""
    lines = family.render(["extra"])
    text = "\n".join(lines)
    assert "==========  =" not in text
    rows = [line for line in lines if line.startswith(("   * - ", "     - "))]
    beta = ":py:obj:`Beta <coursekit.family.Beta>`"
    small = ":py:obj:`beta <coursekit.family.beta>`"
    alpha = ":py:obj:`alpha <coursekit.family.alpha>`"
    assert rows == [
        "   * - Name", "     - What it does", "     - Equations",
        f"   * - {beta}, {small}", "     - what it does, in two lines", "     - 2",
        f"   * - {alpha}", "     - the other", "     - 1",
    ]  # fmt: skip
    assert lines.index("After it.") < lines.index("extra") < lines.index("alpha")


def test_every_method_is_in_its_shortest_home_and_says_where_it_is(family):
    """Public names stand in the part, others under their file; data are shown."""
    text = "\n".join(family.render([]))
    assert ".. py:class:: Beta\n   :canonical: coursekit.family.beta.Beta" in text
    assert ".. py:function:: beta.update(x)" in text
    assert ".. py:data:: beta\n   :canonical: coursekit.family.beta.beta" in text
    assert ":value: Rule(update)" in text
    assert ":download:`source </src/coursekit/family/beta.py>`" in text


def test_chapters_that_use_a_method_are_named(family):
    """The file of Beta is used, alpha's is not; a page that is not built is no link."""
    text = "\n".join(family.render([]))
    assert text.count("used in :doc:`/chapters/01_one`") == 1
    family.pages = ()
    assert "used in" not in "\n".join(family.render([]))


def test_equations_stand_beside_their_code_without_the_docstring(family):
    """Numbers are set at the margin, each with an id of its own on the page."""
    text = "\n".join(family.render([]))
    assert r"\tag{1}\label{coursekit-family-beta-1} \\" in text
    assert r"\tag{1}\label{coursekit.family.alpha.alpha-1}" in text
    assert "qquad" not in text
    labels = re.findall(r"\\label\{(.+?)\}", text)
    assert len(labels) == len(set(labels)) == 3
    codes = re.findall(r"code-of.*?</details>", text, re.DOTALL)
    assert ["y = 2 * x  # (1)" in code for code in codes] == [False, True]
    assert '"""' not in "".join(codes)
    assert "def update(x):" in codes[1]


def test_works_are_listed_one_by_one_and_linked(family):
    """A work of the bibliography is cited, an arXiv number is a link, others stand."""
    text = "\n".join(family.render([]))
    arxiv = "`arXiv 2001.00001 <https://arxiv.org/abs/2001.00001>`__"
    assert f"* :cite:t:`doe2001`, A work on things, {arxiv}, eq. 2." in text
    assert "* Roe, van der Poe (1999), Another one, § 3." in text


@pytest.mark.parametrize(
    ("item", "found"),
    [
        ("Jane, Doe (2001), A work on things, p. 3.", True),
        ("Jane et al. (2001), A work on things, p. 3.", True),
        ("Jane, Doe (2001), Something else.", False),
        ("Jane, Doe (2002), A work on things.", False),
        ("Joan, Doe (2001), A work on things.", False),
        ("Jane, Doe (2001), A work on things, arXiv 2001.00002.", False),
    ],
)
def test_a_work_is_cited_only_if_it_is_that_work(family, item, found):
    """Author, year and title agree, and the number where there is one."""
    known = api_text.entries(family.source / "book" / "references.bib")
    assert api_text.cited(item, known).startswith(":cite:t:") == found


def test_bars_in_prose_are_no_substitutions():
    """A size |x| in a sentence is escaped; in mathematics and code it is not."""
    text = "Let |x| be ``|y|`` and :math:`|z|`.\n\n.. math::\n\n    |a| &= b\n"
    made = api_text.mathematics(text, "f")
    assert r"\|x\|" in made
    assert all(kept in made for kept in ("``|y|``", "`|z|`", "    |a| &= b"))


def test_only_words_that_mean_one_thing_become_links():
    """Full and dotted names do; a bare word needs a capital or an underscore."""
    forms = api_names.short_forms(ROOT / "src")
    for form in ("coursekit.init.he_std", "init.he_std", "he_std"):
        assert forms[form] == "coursekit.init.he_std"
    assert forms["schedules.step"] == "coursekit.schedules.step"
    assert not {"step", "gain", "init", "optim", "adam"} & set(forms)


def test_a_type_means_what_its_own_part_calls_so():
    """Of two entries of one name the part's own is taken, and none if neither is."""
    root = ROOT / "src"
    assert api_names.entry(root, "Rule", "coursekit.optim") == "coursekit.optim.Rule"
    assert api_names.entry(root, "optim.State", "coursekit.optim") is not None
    assert api_names.entry(root, "Tensor", "coursekit.optim") is None
    twice = next(n for n, e in api_names.entries(root).items() if n == "update")
    assert api_names.entry(root, twice, "coursekit.losses") is None


def test_chapters_use_names_that_exist():
    """What is found in the notebooks is public, and chapter 11 is among it."""
    used = api_names.users(ROOT)
    assert set(used) <= set(api_names.public_names(ROOT / "src"))
    assert "chapters/11_initialization" in used["coursekit.init.he_std"]


API = [f"book/api/{name}.html" for name in api_names.TITLES]


@pytest.mark.browser
@pytest.mark.parametrize("name", API)
def test_every_public_name_has_its_entry(html, name):
    """Each name of the part is an anchor of its page, and each id stands once."""
    page = (html / name).read_text(encoding="utf-8")
    ids = re.findall(r'\sid="([^"]+)"', page)
    assert len(ids) == len(set(ids)), {i for i in ids if ids.count(i) > 1}
    part = Path(name).stem
    names = api_names.public_names(ROOT / "src")
    mine = {full for full, home in names.items() if home == part}
    assert mine <= set(ids)
    index = (html / "book/api/index.html").read_text(encoding="utf-8")
    assert {full for full in mine if f'#{full}"' not in index} == set()


@pytest.mark.browser
@pytest.mark.parametrize("name", API)
def test_equations_are_set_with_numbers_of_their_own(visit, name):
    """MathJax reports no error, and no id twice."""
    page = visit(name).page
    page.wait_for_timeout(1000)
    assert page.locator("mjx-merror").count() == 0
    ids = page.evaluate("[...document.querySelectorAll('[id]')].map(e => e.id)")
    assert len(ids) == len(set(ids)), {i for i in ids if ids.count(i) > 1}


@pytest.mark.browser
def test_a_method_is_found_by_search(visit):
    """Searching an optimizer leads to its entry."""
    page = visit("search.html?q=AdaBound").page
    hit = page.locator("#search-results li a[href*='coursekit.optim.AdaBound']")
    hit.first.wait_for(timeout=15_000)


@pytest.mark.browser
def test_code_is_opened_by_keyboard(visit):
    """The code of the equations is folded at first, and Enter shows it."""
    page = visit("book/api/coursekit.optim.html").page
    code = page.locator("details.code-of").first
    assert code.get_attribute("open") is None
    code.locator("summary").focus()
    page.keyboard.press("Enter")
    assert code.locator("pre").is_visible()
    assert "# (1)" in code.locator("pre").inner_text()


@pytest.mark.browser
def test_chapters_and_api_lead_to_each_other(html):
    """The chapter on initialization links to the page of `init`, and back."""
    chapter = (html / "chapters/11_initialization.html").read_text(encoding="utf-8")
    page = (html / "book/api/coursekit.init.html").read_text(encoding="utf-8")
    assert "api/coursekit.init.html#coursekit.init." in chapter
    assert "chapters/11_initialization.html" in page.split("used in")[1][:300]
