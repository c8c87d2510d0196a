"""The book's own Sphinx extension: pages made from data, and a page without strangers.

Each module adds one thing and is readable alone: `curriculum` (chapter map and
symptoms), `notation_table`, `claims_table`, `api_pages` (with `api_source`, `api_text`
and `api_names`), `api_links`, `stored_figure`, `colab` (launch buttons), `offline` (no
third-party request) and `accessible` (repairs of the stock theme). `extension`
registers them all.
"""
