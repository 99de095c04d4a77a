"""The data card as the Hub reads it, and the upload, against a small Hub of our own on this machine."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import DatasetCard

from workbench.curation import CurationConfig, CurationReport, curate
from workbench.curation.hub import UPLOADED, push
from workbench.errors import InputError
from workbench.records import Trace, write_records

ADDRESS = "https://huggingface.co/datasets/me/reason1k"
MakePool = Callable[[int], list[Trace]]


class Hub(ThreadingHTTPServer):
    """Answers the three requests of an upload as the Hub documents them, and keeps what was sent."""

    refusal: int | None = None

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.made: list[dict[str, Any]] = []
        self.files: dict[str, bytes] = {}

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    server: Hub

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        if self.server.refusal:
            return self._answer({"error": "not with this token"}, self.server.refusal)
        if self.path == "/api/repos/create":
            self.server.made.append(json.loads(body))
            return self._answer({"url": ADDRESS})
        if "/preupload/" in self.path:
            files = [
                {"path": file["path"], "uploadMode": "regular", "shouldIgnore": False}
                for file in json.loads(body)["files"]
            ]
            return self._answer({"files": files})
        if "/commit/" in self.path:
            for line in map(json.loads, body.splitlines()):
                if line["key"] == "file":
                    self.server.files[line["value"]["path"]] = base64.b64decode(line["value"]["content"])
            url = f"{ADDRESS}/commit/1"
            return self._answer({"success": True, "commitOid": "1", "commitUrl": url})
        return self._answer({}, 200)

    def do_GET(self) -> None:
        self._answer({"id": "me/reason1k", "sha": "1", "siblings": []}, self.server.refusal or 200)

    def _answer(self, value: dict[str, Any], status: int = 200) -> None:
        content = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing on standard error."""


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    monkeypatch.setenv("HF_TOKEN", "hf_of_a_test")
    server = Hub()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def curated(sound_pool: MakePool, tmp_path: Path) -> CurationReport:
    traces = sound_pool(80)
    for place, trace in enumerate(traces[::2]):
        problem = replace(trace.problem, license="Own terms")
        traces[2 * place] = replace(trace, teacher="some-model", problem=problem)
    write_records(tmp_path / "pool.jsonl", traces)
    return curate(tmp_path / "pool.jsonl", tmp_path / "out", CurationConfig(size=20))


def test_the_hub_can_read_the_card(curated: CurationReport) -> None:
    card = DatasetCard.load(curated.out / "README.md")
    data = card.data.to_dict()
    assert data["license"] == ["apache-2.0", "other"]
    assert data["language"] == ["en"]
    assert data["task_categories"] == ["text-generation"]
    assert data["size_categories"] == ["n<1K"]
    assert "selection-joint" in data["tags"]
    assert data["configs"] == [{"config_name": "default", "data_files": "curated.jsonl"}]
    for told in ("some-model", "Own terms", "worked-solution", "quality (weight 0.5)", "No model has tried", "20%"):
        assert told in card.text


def test_a_baseline_says_so_on_its_card(sound_pool: MakePool, tmp_path: Path) -> None:
    write_records(tmp_path / "pool.jsonl", sound_pool(40))
    report = curate(tmp_path / "pool.jsonl", tmp_path / "out", CurationConfig(size=10, strategy="longest"))
    card = DatasetCard.load(report.out / "README.md")
    assert "baseline strategy `longest`" in card.text
    assert "selection-longest" in card.data.to_dict()["tags"]


@pytest.mark.parametrize("private", [True, False])
def test_what_is_uploaded_is_what_lies_in_the_folder(private: bool, curated: CurationReport, hub: Hub) -> None:
    address = push(curated.out, "me/reason1k", private=private, endpoint=hub.address)
    assert address == f"{hub.address}/datasets/me/reason1k"
    assert hub.made[0]["visibility"] == ("private" if private else "public")
    assert hub.made[0]["type"] == "dataset"
    assert hub.files == {name: (curated.out / name).read_bytes() for name in UPLOADED}


def test_a_refusal_is_one_clear_line(curated: CurationReport, hub: Hub) -> None:
    hub.refusal = 403
    with pytest.raises(InputError, match=r"the Hub refuses me/reason1k: .*hf auth login") as caught:
        push(curated.out, "me/reason1k", endpoint=hub.address)
    assert "\n" not in str(caught.value)


def test_an_id_that_cannot_be_one_and_a_folder_that_is_not_whole(curated: CurationReport, hub: Hub) -> None:
    with pytest.raises(InputError, match="'a b/c' is no id of a data set"):
        push(curated.out, "a b/c", endpoint=hub.address)
    curated.funnel_path.unlink()
    with pytest.raises(InputError, match=r"funnel\.json is missing"):
        push(curated.out, "me/reason1k", endpoint=hub.address)
    assert not hub.files


def test_no_hub_is_one_clear_line(curated: CurationReport, hub: Hub) -> None:
    address = hub.address
    hub.shutdown()
    hub.server_close()
    with pytest.raises(InputError, match="the Hub cannot be reached for me/reason1k"):
        push(curated.out, "me/reason1k", endpoint=address)
