"""Hands documents to Sluice through its queue, from Python.

    pip install -r requirements.txt
    python submit.py redis://localhost:6379 main documents.ndjson

Each line of the file is a document: {"id": "…", "text": "…"} and, if you like, "format", "title", "metadata" and "tenant".
The form of a job is docs/schemas/submission.v1.json; what refuses a document is said where it is consumed (`sluice serve`,
`sluice chunk-worker`) and shown in Bull Board.
"""

import asyncio
import json
import sys

from bullmq import Queue

# Lower goes first; the same words as in the job. Its consumer then gives the document the place that is its tenant's turn.
PRIORITY = {"live": 1, "bulk": 1_048_576}


def open_queue(redis_url: str, line: str) -> Queue:
    """The submissions of one line. The braces are part of the prefix: they keep a line's keys together on a cluster."""
    return Queue("submissions", {"connection": redis_url, "prefix": "{sluice:" + line + "}"})


async def submit(queue: Queue, document: dict, *, submission: str, priority: str = "live") -> None:
    """Adds one document. `submission` is an idempotency key: adding the same one again changes nothing."""
    job = {"v": 1, "priority": priority, "submission": submission, **document}
    await queue.add("document", job, {"priority": PRIORITY[priority], "removeOnComplete": True})


async def main(redis_url: str, line: str, path: str) -> None:
    queue = open_queue(redis_url, line)
    count = 0
    with open(path, encoding="utf-8") as file:
        for number, text in enumerate(file, start=1):
            if text.strip():
                await submit(queue, json.loads(text), submission=f"{path}:{number}", priority="bulk")
                count += 1
    await queue.close()
    print(f"{count} documents submitted to the line {line}")


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:4]))
