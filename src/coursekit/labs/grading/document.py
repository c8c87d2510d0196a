r"""The frame of every page that grading writes: one file, no script, nothing loaded."""

from __future__ import annotations

from html import escape

from coursekit.figures.palette import PALETTE, SERIES

__all__ = ["document"]

ROLES = ("ground", "ink", "muted", "edge", "grid", *SERIES)
STYLE = """
:root { color-scheme: light dark; LIGHT }
@media (prefers-color-scheme: dark) { :root { DARK } }
* { box-sizing: border-box }
body { margin: 0; background: var(--ground); color: var(--ink);
  font: 1rem/1.55 system-ui, sans-serif; overflow-wrap: anywhere }
main { max-width: 46rem; margin: 0 auto; padding: 1rem }
h1 { font-size: 1.5rem; line-height: 1.25 } h2 { font-size: 1.15rem; margin: 0 }
section { border-top: 1px solid var(--edge); padding: 1rem 0 }
.total { font-size: 1.15rem } .meta { color: var(--muted) }
table { border-collapse: collapse; width: 100% } caption { text-align: left }
th, td { text-align: left; padding: .3rem .5rem .3rem 0; vertical-align: top;
  border-bottom: 1px solid var(--grid); font-weight: inherit }
td:last-child, th:last-child { text-align: right; white-space: nowrap;
  padding-right: 0 }
code { font-family: ui-monospace, monospace; font-size: .92em }
blockquote { margin: .5rem 0; padding-left: .8rem; border-left: 3px solid var(--edge);
  white-space: pre-wrap }
figure { margin: .8rem 0 0 } figure svg { width: 100%; max-width: 32rem; height: auto }
svg text { font: 11px system-ui, sans-serif; fill: var(--muted) }
.equation { padding: .4rem .8rem; border-left: 3px solid var(--edge) }
ul { padding-left: 1.2rem }
"""
PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy"
 content="default-src 'none'; style-src 'unsafe-inline'">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<main>
<h1>{title}</h1>
{body}
</main>
</body>
</html>
"""


def document(title: str, body: str) -> str:
    """Write a page that forbids its browser to load or to run anything.

    Args:
        title: Title, as text.
        body: What follows it, as HTML.

    Returns:
        HTML.

    Example:
        >>> "default-src 'none'" in document("A & B", "<p>…</p>")
        True
    """
    return PAGE.format(title=escape(title), style=_style(), body=body)


def _style() -> str:
    light, dark = (
        " ".join(f"--{role}: {PALETTE[theme][role]};" for role in ROLES)
        for theme in ("light", "dark")
    )
    return STYLE.replace("LIGHT", light).replace("DARK", dark)
