"""The app in a real browser: what a visitor sees, does, and must not be done to."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from gradio_client import Client

pytestmark = pytest.mark.browser

STUDENT_TEXT = "[data-arm=student] .section .text"


@pytest.fixture
def open_page(browser):
    """Opens a page that writes down what it asks for, what it complains of, and any dialog."""
    pages = []

    def opened(url: str, width: int = 1280, height: int = 900, **options):
        page = browser.new_context(viewport={"width": width, "height": height}, **options).new_page()
        page.seen = SimpleNamespace(requests=[], complaints=[], dialogs=[])
        page.on("request", lambda request: page.seen.requests.append(request.url))
        page.on("console", lambda said: page.seen.complaints.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: page.seen.complaints.append(str(error)))
        page.on("dialog", lambda dialog: page.seen.dialogs.append(dialog.message) or dialog.dismiss())
        page.goto(url)
        page.wait_for_selector(".rb-panes .pane")
        pages.append((page, url))
        return page

    yield opened
    for page, url in pages:
        outside = [asked for asked in page.seen.requests if not asked.startswith((url, "data:", "blob:"))]
        assert (outside, page.seen.complaints, page.seen.dialogs) == ([], [], [])
        page.context.close()


def status(page, said: str, timeout_s: float = 60) -> None:
    """Waits until the status line says something."""
    page.wait_for_function(
        "said => document.querySelector('#rb-status').innerText.includes(said)", arg=said, timeout=1_000 * timeout_s
    )


def badges(page) -> list[str]:
    return [badge.inner_text() for badge in page.query_selector_all(".pane .badge")]


def fits(page) -> bool:
    """Whether nothing has to be scrolled sideways."""
    return page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def ask(page, question: str, reference: str = "") -> None:
    page.get_by_label("Question").fill(question)
    page.get_by_label("Reference answer").fill(reference)
    page.get_by_role("button", name="Compare").click()


@pytest.mark.parametrize("width", [1280, 390])
def test_hostile_text_is_text_wherever_it_stands(served, open_page, width):
    page = open_page(served.url, width=width)
    page.get_by_label("Embedded problem").click()
    page.get_by_role("option").last.click()
    page.wait_for_function("document.querySelector('.asked').innerText.includes('<script>')")
    for place in (".asked", "[data-arm=base] .strategy", "[data-arm=student] .answer", "[data-arm=student] .events"):
        assert "${7*7} {{7*7}}" in page.inner_text(place)
    assert fits(page)

    question = "</textarea><script>document.title='owned'</script>${7*7} <|im_end|> " + "w" * 2_000
    ask(page, question, "<b>1</b>")
    status(page, "Done")
    assert page.inner_text(".asked .text").startswith("</textarea><script>")
    assert page.query_selector(".rb-panes script, .rb-panes img, .rb-panes a, .rb-panes b") is None
    assert page.title() == "ReasonBridge: side by side"
    assert fits(page)


def test_bad_questions_are_one_line_on_the_page(served, open_page):
    page = open_page(served.url)
    ask(page, "  ")
    status(page, "the question is empty")
    ask(page, "x" * 100_000)
    status(page, "the question has 100,000 characters")
    page.wait_for_selector("button:has-text('Compare'):enabled")


def test_choosing_another_problem_shows_its_recording_at_once(served, open_page):
    page = open_page(served.url)
    first = page.inner_text(".asked .text")
    page.get_by_label("Embedded problem").click()
    page.get_by_role("option").nth(1).click()
    chosen = page.wait_for_function(
        "first => { const text = document.querySelector('.asked .text').innerText; return text !== first && text; }",
        arg=first,
    ).json_value()
    assert page.get_by_label("Question").input_value() == chosen
    assert page.inner_text(".rb-origin strong") == "recorded"
    assert badges(page) == ["✓ correct", "✗ wrong", "✓ correct", "✗ wrong"]


def test_an_example_is_a_question_of_ones_own(served, open_page):
    page = open_page(served.url)
    page.get_by_role("button", name="A letter").click()
    page.wait_for_function("document.querySelector('#rb-problem input').value === ''")
    assert page.get_by_label("Question").input_value() == 'How many times does the letter "a" appear in "banana"?'
    page.get_by_role("button", name="Compare").click()
    status(page, "Done")
    assert "There is no worked solution to a question of your own." in page.inner_text("[data-arm=teacher]")
    assert len(badges(page)) == 3


@pytest.fixture
def slowly(served):
    """Makes the tiny student write about as slowly as a real one."""
    decoder = served.student.model.get_base_model().get_decoder()
    hook = decoder.register_forward_pre_hook(lambda *_: time.sleep(0.02))
    yield
    hook.remove()


def test_stop_keeps_what_was_written_and_the_page_goes_on(served, slowly, open_page):
    page = open_page(served.url)
    page.get_by_label("Tokens of an answer, at most").first.fill("512")
    ask(page, "Tell me a long story.")
    page.wait_for_selector("[data-arm=student] .badge.writing")
    page.get_by_role("button", name="Stop").click()
    status(page, "Stopped.")
    assert "stopped" in page.inner_text("[data-arm=student]")
    assert not page.query_selector(".badge.writing")
    page.wait_for_selector("button:has-text('Compare'):enabled")
    page.get_by_label("Tokens of an answer, at most").first.fill("16")
    ask(page, "1 + 1?", "2")
    status(page, "Done")


def test_another_problem_takes_the_place_of_what_is_being_written(served, slowly, open_page):
    page = open_page(served.url)
    page.get_by_label("Tokens of an answer, at most").first.fill("512")
    ask(page, "Tell me a long story.")
    page.wait_for_selector("[data-arm=student] .badge.writing")
    page.get_by_label("Embedded problem").click()
    page.get_by_role("option").nth(1).click()
    page.wait_for_selector("button:has-text('Compare'):enabled")
    assert page.inner_text(".rb-origin strong") == "recorded"
    assert page.inner_text(".asked .text") == page.get_by_label("Question").input_value()


def test_the_keyboard_reaches_a_section_and_what_it_closes_stays_closed(served, open_page):
    page = open_page(served.url)
    summary = page.locator("[data-key=teacher-tactic-1] > summary")
    summary.focus()
    page.keyboard.press("Enter")
    closed = "!document.querySelector('[data-key=teacher-tactic-1]').open"
    assert page.evaluate(closed)
    page.get_by_role("button", name="Compare").click()
    status(page, "Done")
    assert page.evaluate(closed)
    assert page.get_attribute("#rb-status", "aria-live") == "polite"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_in_a_pane_stands_out(served, open_page, scheme):
    page = open_page(served.url, color_scheme=scheme)
    assert (page.query_selector("body.dark") is not None) == (scheme == "dark")
    weakest = page.evaluate(CONTRAST)
    assert weakest["ratio"] >= 4.5, weakest


CONTRAST = """() => {
  const channels = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((c) => (c /= 255) <= .04045 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4)
    .reduce((sum, c, i) => sum + c * [.2126, .7152, .0722][i], 0);
  const behind = (element) => {
    for (let e = element; e; e = e.parentElement) {
      const colour = channels(getComputedStyle(e).backgroundColor);
      if (colour.length === 3 || colour[3] > .99) return colour;
    }
    return [255, 255, 255];
  };
  let weakest = { ratio: 99 };
  for (const element of document.querySelectorAll(".rb-panes *, .rb-lead *, #rb-status *, #rb-student *, label span")) {
    if (![...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim())) continue;
    const [a, b] = [light(channels(getComputedStyle(element).color)), light(behind(element))];
    const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
    if (ratio < weakest.ratio) weakest = { ratio, text: element.textContent.slice(0, 40), name: element.className };
  }
  return weakest;
}"""


@pytest.fixture
def real_app():
    """`workbench compare` as a user starts it, with the student that comes with the workbench."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "workbench", "compare", "--port", str(port), "--json"]
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    said = "".join(process.stdout.readline() for _ in range(3))
    assert json.loads(said)["url"] == f"http://127.0.0.1:{port}/", process.stderr.read()
    yield f"http://127.0.0.1:{port}"
    process.send_signal(signal.SIGINT)
    _, complaints = process.communicate(timeout=60)
    assert "Traceback" not in complaints


@pytest.mark.slow
def test_ask_watch_and_read_with_the_real_student(real_app, open_page):
    page = open_page(real_app)
    assert page.inner_text(".rb-origin strong") == "recorded"
    assert badges(page) == ["✓ correct", "✗ wrong", "✓ correct", "✓ correct"]
    assert "not a language model's" in page.inner_text("[data-arm=teacher]")

    # Asked before the student is there: it waits and says so, or is already being answered.
    page.get_by_role("button", name="Compare").click()
    page.wait_for_selector(".badge.writing", timeout=120_000)
    page.locator("[data-key=student-strategy-1] > summary").click(timeout=60_000)
    lengths = []
    while "Done" not in page.inner_text("#rb-status"):
        lengths.append(len(page.inner_text("[data-arm=base]")))
        assert not page.evaluate("document.querySelector('[data-key=student-strategy-1]').open")
        assert "\ufffd" not in page.inner_text(".panes")
        time.sleep(0.5)
    grown = [length for length, before in zip(lengths[1:], lengths, strict=False) if length > before]
    assert len(grown) >= 3
    assert not page.evaluate("document.querySelector('[data-key=student-strategy-1]').open")
    assert badges(page) == ["✓ correct", "✗ wrong", "✓ correct", "✓ correct"]
    assert "Answer read: 12" in page.inner_text("[data-arm=student] footer")
    page.set_viewport_size({"width": 390, "height": 844})
    assert fits(page)
    assert page.evaluate("new Set([...document.querySelectorAll('.pane')].map((p) => p.offsetLeft)).size") == 1

    client = Client(real_app, verbose=False)
    assert len(client.predict(api_name="/problems")) == 32
    last = client.predict(question="Why?", guidance=["PlanFirst"], max_tokens=16, api_name="/compare")
    assert [pane["verdict"] for pane in last["panes"]] == [None, "ungraded", "ungraded", "ungraded"]


@pytest.mark.slow
def test_the_file_of_a_hosted_space_serves_the_same_page(open_page):
    script = Path(__file__).parents[2] / "apps" / "compare.py"
    process = subprocess.Popen([sys.executable, "-u", script], stdout=subprocess.PIPE, text=True)
    try:
        url = process.stdout.readline().split()[-1]
        assert url.startswith("http://127.0.0.1:")
        assert open_page(url.rstrip("/")).inner_text(".rb-origin strong") == "recorded"
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
