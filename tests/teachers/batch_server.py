"""The batch APIs of both providers on this computer, after the types of their own clients.

A batch is answered when `release` is called, or at once; what becomes of a request stands in its question, as for
single calls, and beside those faults there are `expire`, `cancel`, `drop` and `error`.
"""

from __future__ import annotations

import email
import email.policy
import json
import re
import time
from datetime import UTC, datetime

from tests.teachers.conftest import FaultyServer, Handler, asked_of, chat, message, response

UNBILLED = {"expire", "cancel", "drop", "error", "structured"}


def fault_of(body: dict) -> str:
    """What becomes of a request; `structured` fails only while structured output is asked for."""
    found = re.search(r"\[([\w-]+)\]", asked_of(body))
    is_plain = not ({"response_format", "output_config", "text"} & set(body))
    return "" if not found or (found[1] == "structured" and is_plain) else found[1]


class BatchServer(FaultyServer):
    """Keeps files and batches; `billed` counts the requests that were answered."""

    def __init__(self) -> None:
        super().__init__(BatchHandler)
        self.files: dict[str, bytes] = {}
        self.batches: dict[str, dict] = {}
        self.created = 0
        """Batches that were accepted."""
        self.is_held = False
        """Whether new batches wait for `release`."""
        self.status = "completed"
        """How batches of OpenAI end."""
        self.faults: list[str] = []
        """What happens to the next requests, one each: a status code, `hang`, `cut`, `html`; `late` accepts before it
        hangs, `half` breaks off a stream of results."""
        self.polls = 0

    def accept(self, requests: list[tuple[str, dict]], provider: str, metadata: dict | None) -> dict:
        self.created += 1
        batch = {"id": f"batch_{self.created}", "requests": requests, "provider": provider, "metadata": metadata,
                 "created": time.time(), "ended": not self.is_held}  # fmt: skip
        self.batches[batch["id"]] = batch
        for _, body in requests:
            self.billed[asked_of(body)] += fault_of(body) not in UNBILLED
        return batch

    def release(self) -> None:
        self.is_held = False
        for batch in self.batches.values():
            batch["ended"] = True


class BatchHandler(Handler):
    """One connection."""

    server: BatchServer
    is_cut_short = False

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.keys.add(self.headers.get("Authorization", ""))
        fault = self.server.faults.pop(0) if self.server.faults else ""
        if fault and fault != "late":
            return self.fail(fault)
        if self.path == "/v1/files":
            return self.upload(body)
        sent = json.loads(body)
        if self.path == "/v1/batches":
            lines = map(json.loads, self.server.files[sent["input_file_id"]].splitlines())
            requests = [(line["custom_id"], line["body"]) for line in lines]
            batch = self.server.accept(requests, "openai", sent["metadata"])
        else:
            requests = [(one["custom_id"], one["params"]) for one in sent["requests"]]
            batch = self.server.accept(requests, "anthropic", None)
        assert len({name for name, _ in requests}) == len(requests)
        return self.fail("hang") if fault == "late" else self.send(200, self.shown(batch), "")

    def do_GET(self) -> None:
        fault = self.server.faults.pop(0) if self.server.faults else ""
        self.is_cut_short = fault == "half"
        if fault and not self.is_cut_short:
            return self.fail(fault)
        path = self.path.partition("?")[0].removeprefix("/v1/")
        if path in ("batches", "messages/batches"):
            listed = [self.shown(batch) for batch in reversed(self.server.batches.values())]
            return self.send(200, {"object": "list", "data": listed, "has_more": False}, "")
        if found := re.fullmatch(r"files/(batch_\d+)-(output|error)/content", path):
            return self.stream(self.lines(self.server.batches[found[1]], found[2]))
        found = re.fullmatch(r"(?:messages/)?batches/(batch_\d+)(/results)?", path)
        if not found or found[1] not in self.server.batches:
            return self.send(404, {"error": {"type": "not_found_error", "message": f"no {path}"}}, "")
        batch = self.server.batches[found[1]]
        self.server.polls += 1
        return self.stream(self.results(batch)) if found[2] else self.send(200, self.shown(batch), "")

    def fail(self, fault: str) -> None:
        if fault.isdigit():
            return self.send(int(fault), {"error": {"type": "error", "message": f"failure {fault}"}}, "")
        if fault == "html":
            return self.send_bytes(200, b"<html>busy</html>", "text/html")
        if fault == "hang":
            time.sleep(3)
        self.close_connection = True
        return None

    def upload(self, body: bytes) -> None:
        head = f"Content-Type: {self.headers['Content-Type']}\r\n\r\n".encode()
        parts = list(email.message_from_bytes(head + body, policy=email.policy.HTTP).iter_parts())
        fields = {part.get_param("name", header="content-disposition"): part for part in parts}
        assert fields["purpose"].get_content().strip() == "batch"
        name = f"file-{len(self.server.files)}"
        self.server.files[name] = fields["file"].get_payload(decode=True)
        self.send(200, {"id": name, "object": "file", "bytes": 1, "created_at": 1, "filename": "x", "purpose": "batch",
                        "status": "processed"}, "")  # fmt: skip

    def shown(self, batch: dict) -> dict:
        """As `openai.types.Batch` and `anthropic.types.messages.MessageBatch` have it."""
        created, total = int(batch["created"]), len(batch["requests"])
        if batch["provider"] == "openai":
            ended = {"status": self.server.status, "output_file_id": f"{batch['id']}-output",
                     "error_file_id": f"{batch['id']}-error"}  # fmt: skip
            if self.server.status == "failed":
                errors = {"object": "list", "data": [{"code": "token_limit_exceeded", "message": "too many tokens"}]}
                ended = {"status": "failed", "errors": errors}
            return {"id": batch["id"], "object": "batch", "endpoint": "/v1/chat/completions", "input_file_id": "f",
                    "completion_window": "24h", "created_at": created, "metadata": batch["metadata"],
                    **(ended if batch["ended"] else {"status": "in_progress"})}  # fmt: skip
        counts = dict.fromkeys(("canceled", "errored", "expired", "processing", "succeeded"), 0)
        stamp = datetime.fromtimestamp(created, UTC).isoformat()
        url = f"{self.server.url}/v1/messages/batches/{batch['id']}/results" if batch["ended"] else None
        return {"id": batch["id"], "type": "message_batch", "created_at": stamp, "expires_at": stamp,
                "processing_status": "ended" if batch["ended"] else "in_progress", "results_url": url,
                "request_counts": counts | {"succeeded" if batch["ended"] else "processing": total}}  # fmt: skip

    def answered(self, batch: dict):
        """Yields name, fault and body of what the provider wrote, last request first."""
        for name, body in reversed(batch["requests"]):
            question, fault = asked_of(body), fault_of(body)
            own = response if "input" in body else chat
            write = own if batch["provider"] == "openai" else message
            yield name, fault, write(self.text(question, fault), fault)

    def lines(self, batch: dict, kind: str) -> list[dict]:
        """The lines of OpenAI's two files."""
        rows = []
        for name, fault, body in self.answered(batch):
            row = {"id": "r", "custom_id": name, "response": {"status_code": 200, "request_id": "q", "body": body},
                   "error": None}  # fmt: skip
            where = "output"
            if fault in ("expire", "cancel"):
                where, row = "error", row | {"response": None, "error": {"code": f"batch_{fault}", "message": fault}}
            if fault in ("error", "structured"):
                said = {"error": "bad request", "structured": "response_format is not supported"}[fault]
                response = {"status_code": 400, "request_id": "q", "body": {"error": {"message": said, "code": None}}}
                where, row = "error", row | {"response": response}
            if where == kind and fault != "drop":
                rows.append(row)
        return rows

    def results(self, batch: dict) -> list[dict]:
        """The lines of Anthropic's results."""
        rows = []
        for name, fault, body in self.answered(batch):
            result = {"type": "succeeded", "message": body}
            if fault in ("expire", "cancel"):
                result = {"type": {"expire": "expired", "cancel": "canceled"}[fault]}
            if fault in ("error", "structured"):
                said = {"error": "bad request", "structured": "output_config is not supported"}[fault]
                error = {"type": "invalid_request_error", "message": said}
                result = {"type": "errored", "error": {"type": "error", "error": error, "request_id": "q"}}
            if fault != "drop":
                rows.append({"custom_id": name, "result": result})
        return rows

    def stream(self, rows: list[dict]) -> None:
        data = b"".join(json.dumps(row).encode() + b"\n" for row in rows)
        if self.is_cut_short:
            self.send_response(200)
            self.send_header("Content-Type", "application/x-jsonl")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data[: 2 * len(data) // 3])
            self.close_connection = True
            return
        self.send_bytes(200, data, "application/x-jsonl")
