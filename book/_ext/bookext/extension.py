"""Register every part of the book's extension with Sphinx."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bookext import (
    accessible,
    api_links,
    api_pages,
    claims_table,
    colab,
    curriculum,
    links,
    notation_table,
    offline,
    stored_figure,
)

if TYPE_CHECKING:
    from sphinx.application import Sphinx

PARTS = (
    curriculum,
    links,
    notation_table,
    claims_table,
    api_pages,
    api_links,
    stored_figure,
    colab,
    offline,
    accessible,
)


def setup(app: Sphinx) -> dict[str, bool]:
    """Register every part with Sphinx."""
    for part in PARTS:
        part.setup(app)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
