"""What a page shows of a method is the source itself, without its docstring."""

import inspect

import pytest

from coursekit.init import he_normal, he_std, zero_last
from coursekit.source import show_source


@pytest.mark.parametrize("method", [he_std, he_normal, zero_last])
def test_the_shown_lines_are_the_source_less_its_docstring(method):
    shown, source = show_source(method).code, inspect.getsource(method)
    assert method.__doc__.splitlines()[0] not in shown
    kept = iter(source.splitlines())
    assert all(line in kept for line in shown.splitlines())
    assert len(shown) + len(method.__doc__) < len(source)


def test_code_that_shows_keeps_the_equation_numbers():
    assert show_source(he_std).code.endswith("# (1)")


def test_a_source_without_docstring_is_shown_whole():
    def plain(x):
        return x + 1

    assert show_source(plain).code == "def plain(x):\n    return x + 1"


def test_what_has_no_source_is_refused():
    with pytest.raises(TypeError, match="Python source"):
        show_source(len)


def test_the_bundle_is_highlighted_code():
    bundle = show_source(he_std)._repr_mimebundle_()
    assert bundle["text/markdown"].startswith("```python\ndef he_std(")
    assert bundle["text/plain"] == show_source(he_std).code
