r"""Write a live figure as one self-contained fragment of HTML.

The fragment holds a resting picture (an ``<img>``, because a host that strips scripts
leaves ``<noscript>`` empty), the style, and an inline module script: the core, the
marks and closed forms this figure needs, its header and its deflated data. It asks for
nothing from anywhere, so it works from ``file://``.

The JavaScript files are ES modules, which Node's test runner imports as they are; see
:mod:`coursekit.figures.modules` for how they are joined.
"""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Sequence
from functools import cache, lru_cache
from io import BytesIO
from typing import TYPE_CHECKING, Any

from .cube_file import pack
from .meta import header, stored_arrays
from .modules import JS, compact, join_modules, module_name
from .palette import DASHES, PALETTE, SERIES
from .pictures import in_few_colours

if TYPE_CHECKING:
    from .figure import Figure

SIZE_LIMIT = 300_000


def fragment(figure: Figure) -> str:
    """Write a figure for a notebook output or a page.

    Args:
        figure: The figure.

    Returns:
        HTML.

    Raises:
        ValueError: If it would pass the hard limit of 300 KB.
    """
    entries, blob = pack(stored_arrays(figure))
    meta = _json(header(figure) | {"arrays": entries})
    data = base64.b64encode(blob).decode()
    mount = f"{module_name('core/render')}.mount"
    call = f'{mount}({meta},"{data}",{_parts(figure)});'
    text = (
        f"<style>{stylesheet()}</style>\n{_resting(figure)}\n"
        f'<script type="module">\n{script(figure)}\n{call}\n</script>'
    )
    if len(text.encode()) > SIZE_LIMIT:
        raise ValueError(
            f"figure {figure.id!r} takes {len(text.encode())} bytes of a page, more "
            f"than {SIZE_LIMIT}; its data alone {len(data)}: store fewer numbers"
        )
    return text


def page(figures: Sequence[Figure], title: str) -> str:
    """Write a whole page of figures, for a file of its own.

    Args:
        figures: The figures.
        title: Title of the page.

    Returns:
        HTML.
    """
    words = html.escape(title)
    body = "\n".join(fragment(f) for f in figures)
    return (
        '<!doctype html>\n<html lang="en">\n<head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{words}</title><style>{_PAGE_STYLE}</style></head>\n"
        f'<body><main><h1 class="page-title">{words}</h1>\n{body}\n</main></body>\n'
        "</html>\n"
    )


def mimebundle(figure: Figure) -> dict[str, Any]:
    """Show a figure wherever it lands: live, as a picture, or as its sentence.

    Args:
        figure: The figure.

    Returns:
        MIME type to content.
    """
    return {
        "text/html": fragment(figure),
        "image/png": base64.b64encode(resting_png(figure)).decode(),
        "text/plain": f"{figure.title}\n{figure.sentence()}",
    }


@lru_cache(maxsize=32)
def resting_png(figure: Figure) -> bytes:
    """Draw the resting picture, in few colours to keep it small.

    Args:
        figure: The figure.

    Returns:
        PNG.
    """
    buffer = BytesIO()
    figure.static("light").savefig(buffer, format="png", dpi=130)
    return in_few_colours(buffer)


@cache
def stylesheet() -> str:
    """Write the style sheet, its colours from the palette.

    Returns:
        CSS.
    """
    blocks = []
    for theme, selector in (("light", ".ck"), ("dark", '.ck[data-theme="dark"]')):
        roles = "".join(f"--ck-{r}:{c};" for r, c in PALETTE[theme].items())
        blocks.append(f"{selector}{{{roles}}}")
    for role in (*SERIES, "ink"):
        text = "ink" if role == "amber" else role
        blocks.append(
            f".ck .ck-s-{role}{{stroke:var(--ck-{role})}}"
            f".ck .ck-f-{role}{{fill:var(--ck-{role})}}"
            f".ck svg .ck-t-{role}{{fill:var(--ck-{text})}}"
        )
    blocks.append(".ck .ck-s-context{stroke:var(--ck-edge)}")
    for k, dash in enumerate(DASHES):
        if dash:
            blocks.append(
                f".ck .ck-d{k}{{stroke-dasharray:{' '.join(map(str, dash))}}}"
            )
    rules = compact((JS / "figure.css").read_text("utf-8"))
    return "\n".join([*blocks, re.sub(r" ?([{};,]|(?<=\w):(?= )) ?", r"\1", rules)])


def script(figure: Figure) -> str:
    """Join the modules that a figure needs.

    Args:
        figure: The figure.

    Returns:
        JavaScript that defines ``mount``, the marks and the closed form.
    """
    names = ["core/render", *(f"marks/{kind}" for kind in _kinds(figure))]
    if figure.space.model:
        names.append(f"models/{figure.space.model.name}")
    return join_modules(names)


def _kinds(figure: Figure) -> list[str]:
    return sorted({p.kind for p in figure.panels})


def _parts(figure: Figure) -> str:
    spread = "".join(f"...{module_name(f'marks/{kind}')}," for kind in _kinds(figure))
    model = figure.space.model
    models = f"...{module_name(f'models/{model.name}')}" if model else ""
    return f"{{marks:{{{spread}}},models:{{{models}}}}}"


def _resting(figure: Figure) -> str:
    data = base64.b64encode(resting_png(figure)).decode()
    title, alt, says = map(html.escape, (figure.title, figure.alt, figure.sentence()))
    return (
        f'<div class="ck" id="fig-{figure.id}" data-figure="{figure.id}">'
        f'<div class="ck-rest"><p class="ck-title">{title}</p>'
        f'<img src="data:image/png;base64,{data}" alt="{alt}">'
        f'<p class="ck-says">{says}</p></div></div>'
    )


def _json(meta: dict[str, Any]) -> str:
    text = json.dumps(meta, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.replace("</", "<\\/").replace("\u2028", "").replace("\u2029", "")


_PAGE_STYLE = (
    "body{margin:0;padding:8px;background:#fff}"
    ".page-title{font:600 20px system-ui,sans-serif;max-width:820px;margin:16px auto}"
    "html[data-theme=dark] body{background:#121212;color:#ced6dd}"
)
