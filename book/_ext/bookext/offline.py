"""Keep every page at home: no script, style or font from another host.

Mathematics comes from a local copy of MathJax, of which only the files that pages
ask for are copied. Scripts that the theme adds for live kernels are dropped: they
load a library from elsewhere, and throw where it is missing.
"""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sphinx.application import Sphinx

MATHJAX = ("tex-chtml.js", "input/tex/extensions", "output/chtml/fonts")
FOREIGN = ("thebe", "://")


def drop_foreign_scripts(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: Any
) -> None:
    """Leave out every script file of another host, and thebe with its settings."""
    context["script_files"] = [
        script
        for script in context["script_files"]
        if not any(
            sign in str(getattr(script, "filename", script))
            or sign in str(getattr(script, "attributes", {}).get("body", ""))
            for sign in FOREIGN
        )
    ]


def copy_mathjax(app: Sphinx, error: Exception | None) -> None:
    """Copy the used part of MathJax (about 2 MB of 23)."""
    if error or app.builder.format != "html":
        return
    spec = importlib.util.find_spec("sphinx-mathjax-offline")
    source = Path(spec.origin).parent / "static" / "mathjax"
    target = Path(app.outdir) / "_static" / "mathjax"
    for name in MATHJAX:
        if (source / name).is_dir():
            shutil.copytree(source / name, target / name, dirs_exist_ok=True)
        else:
            target.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source / name, target / name)


def setup(app: Sphinx) -> None:
    """Run after the extensions that add the scripts."""
    app.connect("html-page-context", drop_foreign_scripts, priority=950)
    app.connect("build-finished", copy_mathjax)
