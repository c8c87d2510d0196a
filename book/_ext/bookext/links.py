"""Links between pages, for directives that build their nodes themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from docutils import nodes
from sphinx import addnodes

if TYPE_CHECKING:
    from sphinx.application import Sphinx


class SectionLink(nodes.inline):
    """A link to a section of another page; the audit checks that it is there."""


def to_page(page: str, label: str | None = None) -> addnodes.pending_xref:
    """Link to a page under a label, or under its title."""
    return addnodes.pending_xref(
        "",
        nodes.inline("", label or page),
        refdomain="std",
        reftype="doc",
        refexplicit=label is not None,
        refwarn=True,
        reftarget=f"/{page}",
    )


def to_section(page: str, heading: str, label: str | None = None) -> SectionLink:
    """Link to the section of a page that has this heading."""
    anchor = nodes.make_id(heading)
    return SectionLink("", label or heading, page=page, anchor=anchor)


def open_link(writer: Any, node: SectionLink) -> None:
    """Write the link relative to the page that it stands on."""
    here = writer.builder.current_docname
    address = writer.builder.get_relative_uri(here, node["page"])
    target = f"{address}#{node['anchor']}"
    writer.body.append(f'<a class="reference internal" href="{target}">')


def close_link(writer: Any, node: SectionLink) -> None:
    """Close the link."""
    writer.body.append("</a>")


def setup(app: Sphinx) -> None:
    """Register the node."""
    app.add_node(SectionLink, html=(open_link, close_link))
