r"""Reference implementations, experiments, figures and labs of the book.

Importing this package loads none of its parts: each is loaded when it is
first named (PEP 562), so that a page that only needs the notation table never
pays for torch.

Example:
    >>> import coursekit
    >>> coursekit.notation.symbol("momentum").latex
    '\\mu'
"""

from importlib import import_module

# Type checkers know the name; importing it from typing would cost more than the rest.
TYPE_CHECKING = False  # ruff: ignore[non-empty-init-module]
if TYPE_CHECKING:
    from types import ModuleType

    from . import (
        claims,
        cli,
        compression,
        curvature,
        data,
        device,
        diagnosis,
        experiments,
        figures,
        init,
        labs,
        layers,
        losses,
        metrics,
        models,
        norm,
        notation,
        optim,
        parallel,
        probes,
        regularization,
        schedules,
        selection,
        source,
        stats,
        sweep,
    )

__version__ = "0.1.0"

__all__ = [
    "claims",
    "cli",
    "compression",
    "curvature",
    "data",
    "device",
    "diagnosis",
    "experiments",
    "figures",
    "init",
    "labs",
    "layers",
    "losses",
    "metrics",
    "models",
    "norm",
    "notation",
    "optim",
    "parallel",
    "probes",
    "regularization",
    "schedules",
    "selection",
    "source",
    "stats",
    "sweep",
]


def __getattr__(name: str) -> "ModuleType":
    if name not in __all__:
        raise AttributeError(
            f"coursekit has no part {name!r}; its parts are {', '.join(__all__)}"
        )
    return import_module(f"{__name__}.{name}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
