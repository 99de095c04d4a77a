"""The app over a tiny student: two named endpoints, one address, every outside text as text."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys

import psutil
import pytest
from gradio_client import Client

from workbench.comparison import compare, read_comparisons
from workbench.interventions import Budget, Guidance, PlanFirst, Verify
from workbench.views.app import compare_app, page_html
from workbench.views.desk import Desk

ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}


@pytest.fixture
def client(served):
    return Client(served.url, verbose=False)


def test_the_app_builds_on_recorded_comparisons_without_loading_a_student(recorded):
    app = compare_app("nobody-has-this-name", recorded)
    first = next(block for block in app.blocks.values() if getattr(block, "elem_id", "") == "rb-page").value
    assert "recorded" in first
    assert "A worked solution by a program, not a language model" in first
    assert not app.analytics_enabled


def test_there_are_two_endpoints_and_they_are_named(client):
    described = client.view_api(return_format="dict", print_info=False)
    assert set(described["named_endpoints"]) == {"/problems", "/compare"}
    assert not described["unnamed_endpoints"]


def test_problems_are_listed_with_what_is_known_of_them(client, recorded):
    listed = client.predict(api_name="/problems")
    problems = [comparison.problem for comparison in read_comparisons(recorded)]
    assert [entry["id"] for entry in listed] == [problem.id for problem in problems]
    assert listed[-1]["question"] == problems[-1].question
    assert set(listed[0]) == {"id", "question", "domain", "family", "reference", "recorded"}


def test_compare_streams_snapshots_and_ends_with_what_the_engine_writes(client, served):
    job = client.submit(question="What is 1 + 1?", reference="2", max_tokens=40, api_name="/compare")
    snapshots = list(job)
    assert snapshots[-1]["state"] == "finished"
    assert all(not snapshot["finished"] for snapshot in snapshots[:-1])
    guidance = Guidance([PlanFirst(), Verify(), Budget(max_tokens=40)])
    *_, drafts = compare("What is 1 + 1?", served.student, guidance, max_tokens=40)
    teacher, *panes = snapshots[-1]["panes"]
    assert (teacher["arm"], teacher["verdict"], teacher["sections"]) == ("teacher", None, [])
    for pane, draft in zip(panes, drafts, strict=True):
        assert (pane["arm"], pane["text"], pane["tokens"]) == (draft.arm, draft.text, len(draft.token_ids))
        assert [event["reason"] for event in pane["events"]] == [event.reason for event in draft.events]
        assert pane["verdict"] in ("correct", "wrong")
        assert pane["finished"]
    assert panes[-1]["events"]


def test_an_embedded_problem_comes_with_its_worked_solution(client):
    name = client.predict(api_name="/problems")[0]["id"]
    last = client.predict(problem_id=name, guidance=[], max_tokens=16, api_name="/compare")
    assert last["panes"][0]["verdict"] == "correct"
    assert "not a language model's" in last["panes"][0]["label"]
    assert [pane["arm"] for pane in last["panes"]] == ["teacher", "base", "student", "student_guided"]
    assert last["panes"][-1]["text"] == ""


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"question": " "}, "the question is empty; type one, or choose a problem"),
        ({"question": "x" * 100_000}, "the question has 100,000 characters; 4,000 is the most, shorten it"),
        ({"problem_id": "nothing"}, "there is no such problem"),
        ({"question": "q", "guidance": ["Nothing"]}, "no intervention 'Nothing'"),
        ({"question": "q", "max_tokens": 1}, "max_tokens=1 must lie between"),
    ],
)
def test_bad_input_is_one_line(client, arguments, said):
    with pytest.raises(Exception, match=said) as caught:
        client.predict(**arguments, api_name="/compare")
    assert "\n" not in str(caught.value)


def test_two_visitors_are_served_one_after_the_other(client, served):
    other = Client(served.url, verbose=False)
    jobs = [each.submit(question="What is 1 + 1?", max_tokens=64, api_name="/compare") for each in (client, other)]
    first, second = ([pane["text"] for pane in job.result(timeout=60)["panes"]] for job in jobs)
    assert first == second


def test_only_this_computer_gets_in_and_pages_forbid_themselves_other_hosts(served):
    import httpx

    port = int(served.url.rsplit(":", 1)[1])
    listening = [c for c in psutil.Process().net_connections("inet") if c.status == "LISTEN" and c.laddr.port == port]
    assert {connection.laddr.ip for connection in listening} == {"127.0.0.1"}
    assert served.app.share_url is None
    page = httpx.get(served.url)
    assert page.headers["content-security-policy"].startswith("default-src 'self';")
    assert "fonts.googleapis" not in page.text


def test_a_hostile_recording_is_escaped(recorded):
    page = page_html(Desk(lambda: None, read_comparisons(recorded)).shown("hostile"))
    for forbidden in ("<script", "<img", "<a ", "javascript:alert(1)'", "</p></details>["):
        assert forbidden not in page
    assert page.count("&lt;script&gt;") > 10
    assert "{{7*7}} \u202eleft" in page


def test_a_broken_recording_is_one_line_before_the_page_opens(tmp_path):
    (tmp_path / "problems.jsonl").write_text("nonsense\n")
    done = workbench("compare", "--recorded", tmp_path)
    assert done.returncode == 2
    assert done.stderr.strip().splitlines()[-1].startswith(f"workbench: {tmp_path}/problems.jsonl holds no Problem")
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("port", ["busy", "70000"])
def test_a_port_that_cannot_be_used_is_one_line(port):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        number = str(taken.getsockname()[1]) if port == "busy" else port
        done = workbench("compare", "--port", number)
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"workbench: port {number} cannot be used")
    assert "--port" in line


def test_torch_waits_until_the_page_is_up():
    code = (
        "import sys, json; from workbench.views.server import make_desk, build; build(make_desk('x', None)); "
        "print(json.dumps([name in sys.modules for name in ('torch', 'transformers', 'reasoning_gym')]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, env=ENVIRONMENT)
    assert json.loads(done.stdout) == [False, False, False]


def workbench(*arguments: object) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "workbench", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, env=ENVIRONMENT)
