"""A person marks the written question in a real browser; the results take it in."""

import csv
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request

import pytest
from grading_notebooks import LAB, submission

from coursekit.cli import main

pytest.importorskip("nbgrader")
pytest.importorskip("jupyterlab")
pytestmark = [pytest.mark.browser, pytest.mark.sandbox]

WRITTEN = "explain_flat_gradients"
ANSWER = "Because **δ** grows. <script>window.evil = 1</script>"


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    """Grade a lab of two students."""
    root = tmp_path_factory.mktemp("course")
    folder = root / "submissions"
    folder.mkdir()
    for name in ("ada", "O'Brien Zoë"):
        text = json.dumps(submission(written=ANSWER))
        (folder / f"{name}.ipynb").write_text(text, encoding="utf-8")
    grade(root)
    return root


def grade(root):
    call = ["grade", LAB, str(root / "submissions"), "--out", str(root / "out")]
    assert main([*call, "--secret", str(root / "secret"), "--quiet"]) == 0


@pytest.fixture(scope="module")
def address(graded):
    """Run `coursekit mark` as a person does, on a free port, and give its address."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = one.getsockname()[1]
    call = [sys.executable, "-m", "coursekit", "mark", str(graded / "out")]
    call += ["--port", str(port), "--no-browser"]
    env = {**os.environ, "JUPYTER_TOKEN": "word", "HOME": str(graded)}
    if os.geteuid() == 0:  # Jupyter refuses to run as root unless told
        (graded / "jupyter_server_config.py").write_text(
            "c.ServerApp.allow_root = True"
        )
        env["JUPYTER_CONFIG_PATH"] = str(graded)
    with open(graded / "log", "wb") as log:
        process = subprocess.Popen(
            call, env=env, stdout=log, stderr=log, start_new_session=True
        )
    url = f"http://localhost:{port}"
    give_up = time.monotonic() + 120
    while not answers(f"{url}/api"):
        assert process.poll() is None, (graded / "log").read_text()
        assert time.monotonic() < give_up, (graded / "log").read_text()
        time.sleep(0.2)
    yield url
    os.killpg(process.pid, signal.SIGTERM)
    process.wait(timeout=60)


def answers(url):
    try:
        return urllib.request.urlopen(url, timeout=5).status == 200
    except OSError:
        return False


@pytest.fixture
def page(chromium, address):
    """Open a page that may reach nothing but the server, and note its complaints."""
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    context.route(lambda url: not url.startswith(address), lambda route: route.abort())
    page = context.new_page()
    page.complaints = []
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    page.on(
        "console",
        lambda m: page.complaints.append(m.text) if m.type == "error" else None,
    )
    page.on(
        "response",
        lambda r: (
            page.complaints.append(f"{r.status} {r.url}") if r.status > 399 else 0
        ),
    )
    page.goto(f"{address}/formgrader/gradebook?token=word")
    yield page
    context.close()


def picture(page, name):
    """Keep a picture where SHOTS names a folder."""
    if folder := os.environ.get("SHOTS"):
        page.screenshot(path=f"{folder}/{name}.png", full_page=True)


def complaints(page):
    """List what went wrong, but for MathJax, which formgrader wants from the web."""
    missing = ("net::ERR_FAILED", "MathJax is not defined")
    return [c for c in page.complaints if not any(m in c for m in missing)]


def open_written(page, name):
    """Go from the first page to the submission of a student, by clicking."""
    page.get_by_role("link", name=LAB).click()
    page.wait_for_url(f"**/gradebook/{LAB}")
    page.locator("tbody").get_by_role("link", name=LAB).click()
    page.get_by_role("link", name="Submission #2").wait_for()
    page.get_by_role("button", name="Show All Names").click()
    picture(page, "submissions")
    page.get_by_role("link", name=name).click()
    page.wait_for_load_state("networkidle")


def test_points_and_a_comment_go_round(graded, page):
    picture(page, "labs")
    open_written(page, "Zoë, O'Brien")
    score = page.locator(f"input.score[id='{WRITTEN}']")
    score.scroll_into_view_if_needed()
    with page.expect_response(lambda r: "/api/grade/" in r.url) as saved:
        score.fill("4.5")
        score.press("Tab")
    assert saved.value.status == 200
    comment = page.locator(f"textarea[id='{WRITTEN}-comment']")
    with page.expect_response(lambda r: "/api/comment/" in r.url) as saved:
        comment.click()
        comment.press_sequentially("Say why <it> grows.")
        comment.blur()
    assert saved.value.status == 200
    picture(page, "marked")
    assert complaints(page) == []
    assert page.evaluate("window.evil") is None

    grade(graded)
    with open(graded / "out" / "grades.csv", encoding="utf-8", newline="") as file:
        rows = {row["student"]: row for row in csv.DictReader(file)}
    zoe, ada = rows["O'Brien Zoë"], rows["ada"]
    assert (zoe[WRITTEN], zoe["total"], zoe["needs_manual_grading"]) == (
        "4.5",
        "25.5",
        "",
    )
    assert (ada[WRITTEN], ada["total"], ada["needs_manual_grading"]) == (
        "",
        "21",
        WRITTEN,
    )
    (feedback,) = (graded / "out" / "feedback").glob("O_Brien*.html")
    text = feedback.read_text(encoding="utf-8")
    assert "25.5 of 26 points" in text
    assert "Say why &lt;it&gt; grows." in text


def test_formgrader_shows_the_answer_and_no_check_of_ours(graded, page):
    open_written(page, "ada")
    body = page.inner_text("body")
    assert "Because δ grows. <script>window.evil = 1</script>" in body
    assert "4 of 4 points" in body
    assert "</details>" not in body  # hints fold, as in the lab
    assert page.locator(f"input.score[id='{WRITTEN}']").is_visible()
    colour = "e => getComputedStyle(e).backgroundColor"
    assert page.locator(".nbgrader_cell").first.evaluate(colour) != "rgba(0, 0, 0, 0)"
    secret = (graded / "secret").read_text(encoding="ascii").strip()
    assert not any(word in page.content() for word in (secret, "reference(", "mutants"))
    picture(page, "answer")
    assert complaints(page) == []


def test_the_names_of_students_are_listed(page, address):
    page.goto(f"{address}/formgrader/manage_students")
    page.get_by_role("link", name="Zoë, O'Brien").wait_for()
    picture(page, "students")
    assert complaints(page) == []
