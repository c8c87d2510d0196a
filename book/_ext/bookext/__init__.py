"""The book's own Sphinx extension: pages made from data, and a page without strangers.

Each module adds one thing and is readable alone: `curriculum` (chapter map and
symptoms), `notation_table`, `claims_table`, `api_pages`, `colab` (launch buttons),
`offline` (no third-party request) and `accessible` (repairs of the stock theme).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bookext import (
    accessible,
    api_pages,
    claims_table,
    colab,
    curriculum,
    notation_table,
    offline,
)

if TYPE_CHECKING:
    from sphinx.application import Sphinx

PARTS = (
    curriculum,
    notation_table,
    claims_table,
    api_pages,
    colab,
    offline,
    accessible,
)


def setup(app: Sphinx) -> dict[str, bool]:
    """Register every part with Sphinx."""
    for part in PARTS:
        part.setup(app)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
