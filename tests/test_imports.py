"""Imports point down only, and `import coursekit` is almost free.

The rules are read off the syntax tree, so an import inside a function counts as well.
The second half of the file plants one violation of each kind and sees it caught.
"""

import ast
import subprocess
import sys
from graphlib import CycleError, TopologicalSorter
from importlib.util import resolve_name
from pathlib import Path

import pytest

import coursekit

ROOT = Path(coursekit.__file__).parent

LAYERS = {
    0: {"notation", "_validate", "source", "stats", "schedules", "metrics"},
    1: {"device", "layers", "optim", "init", "data", "norm", "losses"},
    2: {"models", "probes", "regularization", "curvature", "selection"},
    3: {"diagnosis", "claims", "parallel", "compression"},
    4: {"figures", "sweep", "experiments"},
    5: {"labs"},
    6: {"cli", "__main__"},
}
LAYER = {part: layer for layer, parts in LAYERS.items() for part in parts}
TORCH_FREE = LAYERS[0] | {"claims", "diagnosis", "figures"}
BANNED = {"utils", "helpers", "common", "misc", "previous_chapters"}


def imported(source: str, module: str, is_package: bool) -> set[str]:
    """Dotted names that the source of `module` imports, wherever they stand."""
    package = module if is_package else module.rpartition(".")[0]
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = "." * node.level + (node.module or "")
            base = resolve_name(base, package) if node.level else base
            names |= {f"{base}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Call) and node.args:
            function = ast.unparse(node.func).rpartition(".")[2]
            target = node.args[0]
            if function in {"import_module", "__import__"} and isinstance(
                target, ast.Constant
            ):
                names.add(str(target.value))
    return names


def violations(sources: dict[str, str]) -> list[str]:
    """What breaks a rule in a package given as {path: source}."""
    found, graph = [], {}
    for path, source in sources.items():
        dotted = path.removesuffix(".py").replace("/", ".")
        is_package = dotted.endswith("__init__")
        module = "coursekit." + dotted.removesuffix("__init__").rstrip(".")
        module = module.rstrip(".")
        part = dotted.split(".")[0]
        if dotted == "__init__":
            continue  # names every part lazily; test_import_is_lazy watches it
        if part in BANNED or part not in LAYER:
            found.append(f"{path}: {part} has no layer")
            continue
        for name in sorted(imported(source, module, is_package)):
            top, _, rest = name.partition(".")
            if top == "torch" and part in TORCH_FREE:
                found.append(f"{path}: {part} must not import torch")
            if top != "coursekit" or not rest:
                continue
            other = rest.split(".")[0]
            if other in {part, "__version__"}:
                continue
            graph.setdefault(part, set()).add(other)
            if LAYER.get(other, 99) > LAYER[part]:
                found.append(f"{path}: {part} imports {other}, which is above it")
            if part in TORCH_FREE and other not in TORCH_FREE:
                found.append(f"{path}: {part} gets torch through {other}")
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        found.append(f"circle: {' -> '.join(error.args[1])}")
    return found


def real_sources() -> dict[str, str]:
    return {
        path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8")
        for path in ROOT.rglob("*.py")
        if "__pycache__" not in path.parts
    }


def test_imports_point_down_only():
    assert violations(real_sources()) == []


def test_every_lazy_name_exists_and_every_part_is_listed():
    parts = {path.split("/")[0].removesuffix(".py") for path in real_sources()}
    public = {part for part in parts if not part.startswith("_")}
    assert public <= set(coursekit.__all__)
    assert set(coursekit.__all__) <= set(LAYER)
    with pytest.raises(AttributeError, match="coursekit has no part 'initt'"):
        _ = coursekit.initt


# The rules catch what they forbid.

CLEAN = {
    "__init__.py": "from importlib import import_module",
    "_validate.py": "import math",
    "device.py": "import torch\nfrom ._validate import check_count",
    "init/__init__.py": "from .he import he_normal",
    "init/he.py": "import torch\nfrom ..device import generator\nfrom . import fans",
    "models/__init__.py": "from coursekit.init import he_normal",
    "claims.py": "from coursekit.stats import Interval",
    "stats.py": "import numpy",
    "figures/__init__.py": "from coursekit.claims import Claim",
    "labs/__init__.py": "import torch, coursekit.models",
}


def test_a_clean_package_passes():
    assert violations(CLEAN) == []


@pytest.mark.parametrize(
    ("path", "source", "message"),
    [
        ("device.py", "from coursekit.models import MLP", "device imports models"),
        ("device.py", "from .models import MLP", "device imports models"),
        ("device.py", "from . import labs", "device imports labs"),
        ("device.py", "import coursekit.labs as x", "device imports labs"),
        ("device.py", "from coursekit import probes", "device imports probes"),
        ("device.py", "def f():\n    from .probes import x", "imports probes"),
        ("device.py", "if TYPE_CHECKING:\n    from .probes import x", "imports probes"),
        (
            "device.py",
            "import importlib\nimportlib.import_module('coursekit.cli')",
            "device imports cli",
        ),
        ("init/he.py", "from ..models.mlp import MLP", "init imports models"),
        ("init/__init__.py", "from ..models import MLP", "init imports models"),
        ("init/deep/x.py", "from ...labs import check", "init imports labs"),
        ("_validate.py", "import torch", "_validate must not import torch"),
        ("notation.py", "from torch import nn", "notation must not import torch"),
        ("figures/cube.py", "def f():\n    import torch.nn", "figures must not"),
        (
            "figures/cube.py",
            "from coursekit.experiments import x",
            "through experiments",
        ),
        ("claims.py", "from .device import generator", "claims gets torch through"),
        ("device.py", "from .init import fans", "circle"),
        ("utils.py", "", "utils has no layer"),
        ("chapter11.py", "", "chapter11 has no layer"),
    ],
)
def test_a_planted_violation_is_caught(path, source, message):
    found = violations({**CLEAN, path: source})
    assert any(message in line for line in found), found


# What an import loads, seen from a fresh interpreter.

HEAVY = {"torch", "numpy", "scipy", "sklearn", "matplotlib", "IPython", "jaxtyping"}


def loaded_by(statement: str) -> set[str]:
    """Top-level modules, and parts of coursekit, that the statement newly loads."""
    script = (
        "import sys; before = set(sys.modules)\n"
        f"{statement}\n"
        "print(*(set(sys.modules) - before))"
    )
    result = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    return set(result.stdout.split())


def tops(modules: set[str]) -> set[str]:
    return {name.partition(".")[0] for name in modules}


def test_import_is_lazy():
    loaded = loaded_by("import coursekit")
    assert "coursekit" in loaded
    assert not {name for name in loaded if name.startswith("coursekit.")}
    assert tops(loaded) <= {"coursekit", *sys.stdlib_module_names}
    assert "typing" not in loaded
    assert len(loaded) < 10


@pytest.mark.parametrize(
    "part",
    sorted(TORCH_FREE & {p.split("/")[0].removesuffix(".py") for p in real_sources()}),
)
def test_torch_free_parts_are_free_of_torch_when_run(part):
    assert "torch" not in tops(loaded_by(f"import coursekit.{part}"))


def test_notation_needs_the_standard_library_only():
    assert not tops(loaded_by("import coursekit.notation")) & HEAVY


def test_the_watch_on_heavy_modules_sees_torch():
    assert "torch" in tops(loaded_by("import coursekit; coursekit.device"))
