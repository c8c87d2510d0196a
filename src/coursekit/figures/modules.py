r"""Join ES modules into one inline script, without a bundler.

Each module becomes a function that runs once and returns what it exports::

    import { line } from "./svg.js";      const {line} = core_svg;
    export function lines() { … }         … return {lines};

so every module keeps a scope of its own. Modules follow those they import.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from posixpath import dirname, join, normpath

JS = Path(__file__).parent / "js"
_IMPORT = re.compile(r'^import (\{[^}]*\}) from "([^"]+)\.js";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export ((?:async )?function|const|class) (\w+)", re.MULTILINE)

# Strings, templates and regular expressions keep every character.
_LITERAL = re.compile(
    r"""("(?:\\.|[^"\\])*"|'[^']*'|`(?:\\.|[^`\\])*`"""
    r"""|/(?![ /*])(?:\\.|\[[^\]]*\]|[^/\\\n])+/)"""
)
_SPACED = re.compile(r" ?([{}()\[\],;:=<>?&|*/!%]) ?")


def join_modules(names: Iterable[str]) -> str:
    """Write modules and all they import, each once, in working order.

    Args:
        names: Paths below ``js/`` without ending, such as ``"marks/lines"``.

    Returns:
        JavaScript that defines one constant a module, named by :func:`module_name`.
    """
    ordered: dict[str, None] = {}

    def visit(name: str) -> None:
        if name not in ordered:
            for needed in imports_of(name):
                visit(needed)
            ordered[name] = None

    for name in names:
        visit(name)
    return "\n".join(module_text(name) for name in ordered)


def module_name(name: str) -> str:
    """Name the constant of a module.

    Args:
        name: Path below ``js/`` without ending.

    Returns:
        A JavaScript identifier.
    """
    return name.replace("/", "_")


def imports_of(name: str) -> list[str]:
    """List what a module imports.

    Args:
        name: Path below ``js/`` without ending.

    Returns:
        Paths below ``js/``.
    """
    return [_target(name, path) for _, path in _IMPORT.findall(_read(name))]


@cache
def module_text(name: str) -> str:
    """Write one module as a function that returns what it exports.

    Args:
        name: Path below ``js/`` without ending.

    Returns:
        Compact JavaScript.
    """
    code = _read(name)
    exports = ", ".join(found[1] for found in _EXPORT.findall(code))
    code = _EXPORT.sub(r"\1 \2", code)
    code = _IMPORT.sub(
        lambda m: f"const {m[1]} = {module_name(_target(name, m[2]))};\n", code
    )
    body = squeeze(compact(code))
    return f"const {module_name(name)}=(()=>{{\n{body}\nreturn{{{exports}}};\n}})();"


def compact(code: str) -> str:
    """Drop indentation, empty lines and comments that fill whole lines.

    Args:
        code: JavaScript or CSS.

    Returns:
        The same code in fewer bytes.
    """
    code = re.sub(r"^\s*/\*.*?\*/\s*$", "", code, flags=re.MULTILINE | re.DOTALL)
    lines = (line.strip() for line in code.splitlines())
    return "\n".join(line for line in lines if line and not line.startswith("//"))


def squeeze(code: str) -> str:
    """Drop spaces that separate nothing, outside strings, templates and patterns.

    Args:
        code: JavaScript as these modules are written: with spaces on both sides of a
            division, and no template inside a template.

    Returns:
        The same code in a tenth fewer bytes.
    """
    parts = _LITERAL.split(code)
    return "".join(p if k % 2 else _SPACED.sub(r"\1", p) for k, p in enumerate(parts))


def _read(name: str) -> str:
    return (JS / f"{name}.js").read_text("utf-8")


def _target(name: str, path: str) -> str:
    return normpath(join(dirname(name), path))
