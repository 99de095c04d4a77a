"""A server that speaks OpenAI's chat protocol, answers after a while, and costs little processor time itself.

``python -m tests.benchmarks.slow_server 0.2`` prints its port and answers every question after 200 ms.
"""

from __future__ import annotations

import asyncio
import json
import sys


def _reply() -> bytes:
    solution = {"strategy": "Add.", "steps": ["Add the numbers."], "check": "Subtract one again.", "answer": "7"}
    message = {"role": "assistant", "content": json.dumps(solution), "refusal": None}
    body = json.dumps(
        {
            "id": "c",
            "object": "chat.completion",
            "created": 1,
            "model": "tiny-2026",
            "choices": [{"index": 0, "finish_reason": "stop", "message": message}],
            "usage": {"prompt_tokens": 120, "completion_tokens": 80, "total_tokens": 200},
        }
    ).encode()
    return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)


async def serve(delay_s: float) -> None:
    """Serves until it is stopped."""
    reply = _reply()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).lower()
                length = head.partition(b"content-length:")[2].partition(b"\r\n")[0]
                await reader.readexactly(int(length or 0))
                await asyncio.sleep(delay_s)
                writer.write(reply)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0, backlog=512)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(float(sys.argv[1])))
