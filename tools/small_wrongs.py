"""Make small wrongs of a source file, each at one place, by its syntax tree.

What is changed is what equations are made of: signs, terms, factors, powers, roots,
constants, axes, comparisons, the two betas. Docstrings, types, messages and decorators
are left alone: a wrong there is no wrong method.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator
from typing import NamedTuple

SWAPS = {
    **{ast.Add: [ast.Sub], ast.Sub: [ast.Add], ast.Mult: [ast.Div]},
    **{ast.Div: [ast.Mult], ast.Pow: [ast.Mult], ast.FloorDiv: [ast.Div]},
    **{ast.Lt: [ast.LtE, ast.Gt], ast.LtE: [ast.Lt, ast.GtE]},
    **{ast.Gt: [ast.GtE, ast.Lt], ast.GtE: [ast.Gt, ast.LtE]},
    **{ast.Eq: [ast.NotEq], ast.NotEq: [ast.Eq], ast.Is: [ast.IsNot]},
    **{ast.IsNot: [ast.Is], ast.In: [ast.NotIn], ast.NotIn: [ast.In]},
    **{ast.And: [ast.Or], ast.Or: [ast.And]},
}
# a call of these is replaced by what it is called on
REMOVED = {
    *("abs", "sqrt", "rsqrt", "square", "exp", "log", "log1p", "expm1", "sign"),
    *("detach", "clone", "neg", "tanh", "sigmoid", "ceil", "floor", "round"),
}
RENAMED = {
    one: two
    for pair in ("sum mean", "max min", "amax amin", "argmax argmin", "any all")
    for one, two in (pair.split(), pair.split()[::-1])
}


class Wrong(NamedTuple):
    """One small wrong: the line, what stood and stands there, and the whole text."""

    line: int
    old: str
    new: str
    text: str


def small_wrongs(text: str) -> Iterator[Wrong]:
    """Yield every small wrong of a file, in the order of its lines."""
    tree = ast.parse(text)
    places = [node for top in tree.body for node in changeable(top)]
    seen = {ast.dump(tree)}
    for node in sorted(places, key=lambda n: (n.lineno, n.col_offset)):
        for other in others(node):
            wrong = replaced(text, node, other)
            dump = ast.dump(ast.parse(wrong))
            if dump not in seen:
                seen.add(dump)
                old = ast.get_source_segment(text, node) or ""
                yield Wrong(node.lineno, flat(old), flat(ast.unparse(other)), wrong)


def flat(text: str) -> str:
    """Put source on one line."""
    return " ".join(text.split())


def changeable(node: ast.AST) -> Iterator[ast.expr | ast.stmt]:
    """Yield the nodes below this one that compute something."""
    quiet = (ast.Raise, ast.JoinedStr, ast.Import, ast.ImportFrom, ast.Assert)
    if isinstance(node, quiet) or is_listing(node):
        return
    if isinstance(node, (ast.expr, ast.stmt)):
        yield node
    for name, value in ast.iter_fields(node):
        if name in {"annotation", "returns", "decorator_list", "bases"}:
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST):
                yield from changeable(child)


def is_listing(node: ast.AST) -> bool:
    """Tell whether this is a docstring, ``__all__`` or an alias of a type."""
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Constant)
    return isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"


def others(node: ast.AST) -> Iterator[ast.AST]:
    """Yield what may wrongly stand in the place of a node."""
    match node:
        case ast.BinOp() | ast.AugAssign():
            yield from with_operator(node, node.op)
            yield from (node.left, node.right) if isinstance(node, ast.BinOp) else ()
        case ast.UnaryOp(op=ast.USub() | ast.Not()):
            yield node.operand
        case ast.BoolOp():
            yield from with_operator(node, node.op)
            yield from node.values
        case ast.Compare(ops=[operator]):
            for kind in SWAPS.get(type(operator), ()):
                yield edited(node, ops=[kind()])
        case ast.Constant():
            yield from map(ast.Constant, constants(node.value))
        case ast.Call():
            yield from calls(node)
        case ast.Assign(targets=[ast.Tuple(elts=[a, b])]):
            yield edited(node, targets=[ast.Tuple([b, a], ast.Store())])
        case ast.IfExp():
            yield from (node.body, node.orelse)
        case ast.If() | ast.While() if not isinstance(node.test, ast.Compare):
            pass  # its test is changed by itself


def with_operator(node: ast.AST, operator: ast.AST) -> Iterator[ast.AST]:
    """Yield the node with the operators that may be mistaken for its own."""
    for kind in SWAPS.get(type(operator), ()):
        yield edited(node, op=kind())


def constants(value: object) -> list[object]:
    """Say which constants may wrongly stand for this one."""
    if isinstance(value, bool):
        return [not value]
    if isinstance(value, int):
        return {0: [1], 1: [0, 2]}.get(value, [value - 1, value + 1])
    return [value / 2, value * 2] if isinstance(value, float) and value else []


def calls(node: ast.Call) -> Iterator[ast.AST]:
    """Yield a call left out, of another name, or with two arguments changed round."""
    function = node.func
    method = isinstance(function, ast.Attribute)
    name = function.attr if method else getattr(function, "id", "")
    if name in REMOVED:
        of_module = method and ast.unparse(function.value) in {"torch", "np", "math"}
        yield from node.args[:1] if of_module or not method else [function.value]
    if name in RENAMED:
        yield edited(
            node,
            func=edited(function, **{"attr" if method else "id": RENAMED[name]}),
        )
    if len(node.args) == 2 and all(isinstance(a, ast.Name) for a in node.args):
        yield edited(node, args=node.args[::-1])


def edited(node: ast.AST, **changes: object) -> ast.AST:
    """Copy a node with some fields changed."""
    other = copy.copy(node)
    for name, value in changes.items():
        setattr(other, name, value)
    return other


def replaced(text: str, node: ast.expr | ast.stmt, other: ast.AST) -> str:
    """Write another node in the place of this one; all other lines stay as they are."""
    lines = text.encode().splitlines(keepends=True)
    start = sum(map(len, lines[: node.lineno - 1])) + node.col_offset
    end = sum(map(len, lines[: node.end_lineno - 1])) + node.end_col_offset
    new = ast.unparse(other)
    if isinstance(node, ast.expr) and not isinstance(other, (ast.Name, ast.Constant)):
        new = f"({new})"
    return (b"".join(lines)[:start] + new.encode() + b"".join(lines)[end:]).decode()
