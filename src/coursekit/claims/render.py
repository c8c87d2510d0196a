"""Show claims: a line of text, a table row, and the interval as a small drawing.

Everything is made from the rounded record of ``Claim.to_json`` and from nothing
else. The row takes the colours of the page that shows it (``currentColor``), so
it needs no theme; what the drawing says stands in words beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from .drawing import drawing
from .words import Record, numbers, verdict_words

_STYLE = """<style>
.ck-claims{container-type:inline-size;font-size:14px;line-height:1.45;margin:.5em 0}
.ck-claims table{border-collapse:collapse;width:100%;margin:0!important;
font-size:inherit!important;table-layout:fixed!important}
.ck-claims :is(th,td){padding:6px 12px 6px 0!important;border:0!important;
border-bottom:1px solid color-mix(in srgb,currentColor 25%,transparent)!important;
text-align:left!important;vertical-align:middle!important;background:none!important;
color:inherit!important;white-space:normal!important;max-width:none!important}
.ck-claims table.ck-one{border-top:1px solid
color-mix(in srgb,currentColor 25%,transparent)!important}
.ck-claims .ck-one thead{position:absolute;clip-path:inset(50%);width:1px;height:1px;
overflow:hidden}
.ck-claims tbody th{font-weight:400}
.ck-claims thead th{font-weight:600;font-size:12px}
.ck-claims td{font-variant-numeric:tabular-nums}
.ck-claims :is(th,td):nth-child(2){width:12.5em!important}
.ck-claims :is(th,td):nth-child(3){width:23em!important}
.ck-claims small{display:block;font-size:12px}
.ck-claims svg{display:block;max-width:100%;height:auto}
.bd-content div.cell_output .text_html:has(.ck-claims){background:none!important;
color:inherit!important}
@container (max-width:38em){
.ck-claims thead{position:absolute;clip-path:inset(50%);width:1px;height:1px;
overflow:hidden}
.ck-claims :is(table,tbody,tr,th,td){display:block}
.ck-claims tbody tr :is(th,td){width:auto!important;padding:2px 0!important}
.ck-claims tbody :is(th,td:nth-child(2)){border-bottom:0!important}}
</style>"""


def table(records: Sequence[Record]) -> str:
    """Write records as one HTML table with a row for each.

    Args:
        records: as ``Claim.to_json`` gives them.

    Returns:
        A self-contained fragment; on a narrow page its cells stand below each other.
    """
    heads = "".join(
        f'<th scope="col" role="columnheader">{head}</th>'
        for head in ("Claim", "Verdict", "Numbers")
    )
    rows = "".join(_row(record) for record in records)
    one = ' class="ck-one"' if len(records) == 1 else ""
    return (
        f'{_STYLE}<div class="ck-claims"><table role="table"{one}>'
        f'<thead role="rowgroup"><tr role="row">{heads}</tr></thead>'
        f'<tbody role="rowgroup">{rows}</tbody></table></div>'
    )


def _row(record: Record) -> str:
    glyph, words = verdict_words(record)
    main, what = (escape(line) for line in numbers(record))
    return (
        '<tr role="row"><th scope="row" role="rowheader">'
        f"<strong>{escape(record['id'])}</strong> {escape(record['statement'])}</th>"
        f'<td role="cell"><span aria-hidden="true">{glyph}</span> {words}</td>'
        f'<td role="cell">{drawing(record)}{main}<small>{what}</small></td></tr>'
    )
