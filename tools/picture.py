"""Take the README's picture anew: a live figure of the built book, as a small PNG.

Run by hand after `make book`, when the figure has changed:
``.venv/bin/python tools/picture.py``.
"""

from __future__ import annotations

import io
import os
import shutil

from PIL import Image
from playwright.sync_api import sync_playwright

from environment import ROOT

PAGE = ROOT / "_build" / "html" / "chapters" / "11_initialization.html"
FIGURE = "#fig-init-depth"
PICTURE = ROOT / "book" / "_static" / "figure.png"
COLOURS = 200


def screenshot() -> bytes:
    """Photograph the figure in its resting state, on a light page."""
    program = os.environ.get("CHROMIUM") or shutil.which("chromium")
    with sync_playwright() as playwright:
        flags = ["--no-sandbox", "--disable-gpu"]
        browser = playwright.chromium.launch(executable_path=program, args=flags)
        size = {"width": 1600, "height": 1000}
        page = browser.new_page(viewport=size, device_scale_factor=1.5)
        page.goto(PAGE.as_uri())
        figure = page.locator(FIGURE)
        figure.scroll_into_view_if_needed()
        page.wait_for_timeout(1500)
        image = figure.screenshot()
        browser.close()
    return image


def main() -> None:
    """Store the picture with few colours, which flat graphics do not miss."""
    image = Image.open(io.BytesIO(screenshot())).convert("RGB")
    image.quantize(COLOURS, dither=Image.Dither.NONE).save(PICTURE, optimize=True)
    print(f"{PICTURE.relative_to(ROOT)}: {PICTURE.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
