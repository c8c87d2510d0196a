"""Functions and classes as entries of an API page, in reStructuredText."""

from __future__ import annotations

import ast
import copy

from bookext.api_source import Definition

CODE = "The code of these equations"


def _signature(node: ast.FunctionDef | ast.AsyncFunctionDef, method: bool) -> str:
    arguments = copy.copy(node.args)
    if method and not _decorated(node, "staticmethod"):
        arguments.args = arguments.args[1:]
    returns = f" -> {ast.unparse(node.returns)}" if node.returns else ""
    return f"({ast.unparse(arguments)}){returns}"


def _decorated(node: Definition, name: str) -> bool:
    names = (ast.unparse(d).split("(")[0] for d in node.decorator_list)
    return any(found.split(".")[-1] == name for found in names)


def _indent(lines: list[str]) -> list[str]:
    return [f"   {line}" if line else "" for line in lines]


def function(
    node: ast.FunctionDef | ast.AsyncFunctionDef,
    options: list[str],
    text: list[str],
    prefix: str = "",
    method: bool = False,
) -> list[str]:
    """Render a function or method, with its documentation, as reStructuredText."""
    kind, signature = "function", _signature(node, method)
    if method and (_decorated(node, "property") or _decorated(node, "cached_property")):
        kind, signature = "property", ""
    elif method:
        kind = "method"
        for option in ("classmethod", "staticmethod"):
            options += [f"   :{option}:"] if _decorated(node, option) else []
    head = f".. py:{kind}:: {prefix}{node.name}{signature}"
    return [head, *options, "", *_indent(text), ""]


def _constructor(node: ast.ClassDef) -> str:
    """Write how a class is called: its ``__init__``, or the fields of a dataclass."""
    for member in node.body:
        if isinstance(member, ast.FunctionDef) and member.name == "__init__":
            return _signature(member, True).split(" -> ")[0]
    bases = {ast.unparse(base).split(".")[-1] for base in node.bases}
    if not (_decorated(node, "dataclass") or "NamedTuple" in bases):
        return ""
    fields = [m for m in node.body if isinstance(m, ast.AnnAssign)]
    return f"({', '.join(_field(field) for field in fields)})"


def _field(node: ast.AnnAssign) -> str:
    value = node.value and ast.unparse(node.value)
    if value and value.startswith("field("):
        value = "..." if "default" in value else None
    default = f" = {value}" if value else ""
    return f"{ast.unparse(node.target)}: {ast.unparse(node.annotation)}{default}"


def class_(
    node: ast.ClassDef, options: list[str], text: list[str], prefix: str = ""
) -> list[str]:
    """Render a class with its documentation, which holds its methods."""
    head = f".. py:class:: {prefix}{node.name}{_constructor(node)}"
    return [head, *options, "", *_indent(text), ""]


def folded(code: list[str]) -> list[str]:
    """Render source under a line that opens it; other writers than HTML show it."""
    if not code:
        return []
    body = "\n\n\n".join(code).splitlines()
    opening = f'   <details class="code-of"><summary>{CODE}</summary>'
    block = [".. code-block:: python", "", *_indent(body), ""]
    closing = [".. raw:: html", "", "   </details>", ""]
    return [".. raw:: html", "", opening, "", *block, *closing]
