"""Links from any page to the API: a public name in code style leads to its entry.

Only a name that can mean nothing else becomes a link (see `api_names.short_forms`), and
not inside its own entry, a heading, a signature or another link. Types in signatures
lead to the entry that they mean in their part of the package.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from docutils import nodes
from sphinx import addnodes
from sphinx.transforms import SphinxTransform

from bookext.api_names import entry, short_forms

if TYPE_CHECKING:
    from sphinx.application import Sphinx

CLOSED = (nodes.title, nodes.rubric, nodes.reference, addnodes.desc_signature)
LABELS = (addnodes.pending_xref, addnodes.download_reference, nodes.term)


class NamesToLinks(SphinxTransform):
    """Turn literals that are public names into references."""

    default_priority = 450

    def apply(self, **options: Any) -> None:
        """Look at every literal of the page."""
        forms = short_forms(Path(self.env.srcdir) / "src")
        for literal in list(self.document.findall(nodes.literal)):
            full = forms.get(literal.astext().removesuffix("()"))
            if full and not self.closed(literal, full):
                link = addnodes.pending_xref(
                    "", refdomain="py", reftype="obj", reftarget=full, refwarn=False
                )
                literal.replace_self(link)
                link += literal

    @staticmethod
    def closed(literal: nodes.literal, full: str) -> bool:
        """Tell whether a link would be out of place here."""
        above: nodes.Node | None = literal.parent
        while above is not None:
            if isinstance(above, CLOSED + LABELS) or "api-file" in _classes(above):
                return True
            if isinstance(above, addnodes.desc):
                ids = {
                    i
                    for part in above.findall(addnodes.desc_signature)
                    for i in part["ids"]
                }
                if full in ids:
                    return True
            above = above.parent
        return False


class SureTypes(SphinxTransform):
    """Point types in signatures to what they mean there, or to nothing.

    Sphinx takes any object of that last name, and warns where there are several.
    """

    default_priority = 460

    def apply(self, **options: Any) -> None:
        """Look at every reference that Sphinx would search for."""
        root = Path(self.env.srcdir) / "src"
        for link in list(self.document.findall(addnodes.pending_xref)):
            if link.get("refdomain") == "py" and "refspecific" in link:
                del link["refspecific"]
                target = entry(root, link["reftarget"], _part(link))
                if target:
                    link["reftarget"] = target
                else:
                    link.replace_self(link.children)


def _part(link: addnodes.pending_xref) -> str:
    return ".".join((link.get("py:module") or "").split(".")[:2])


def _classes(node: nodes.Node) -> list[str]:
    return node["classes"] if isinstance(node, nodes.Element) else []


def setup(app: Sphinx) -> None:
    """Register the transforms."""
    app.add_transform(NamesToLinks)
    app.add_transform(SureTypes)
