"""What a user would write instead of `workbench collect`: the official asynchronous client and a semaphore.

It keeps no ledger and no cap, grades nothing, retries nothing, and writes when all is there.

``python -m tests.benchmarks.plain_client http://127.0.0.1:8000/v1 problems.jsonl replies.jsonl 64``
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

from openai import AsyncOpenAI


async def ask_all(url: str, problems: str, out: str, concurrency: int) -> None:
    """Asks for every problem of a file, so many at a time."""
    client = AsyncOpenAI(api_key="unused", base_url=url, max_retries=0)
    free = asyncio.Semaphore(concurrency)

    async def ask(problem: dict) -> dict:
        async with free:
            reply = await client.chat.completions.create(
                model="tiny", messages=[{"role": "user", "content": problem["question"]}]
            )
        return {**problem, "reply": json.loads(reply.choices[0].message.content or "")}

    with open(problems) as stream:
        replies = await asyncio.gather(*[ask(json.loads(line)) for line in stream])
    Path(out).write_text("".join(json.dumps(reply) + "\n" for reply in replies))


if __name__ == "__main__":
    asyncio.run(ask_all(*sys.argv[1:4], int(sys.argv[4])))
