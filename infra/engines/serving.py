"""What the Python engines of this folder share: the Jina protocol over HTTP, for whatever turns token ids into vectors.

    POST /v1/embeddings {input, task, dimensions?, normalized?, embedding_type?}     GET /health

Invariants: a request without a known task is refused, so that nobody gets the bare model's vectors by accident; a text above the
window is refused and never cut; texts of one request run in groups whose longest x rows is within the budget, longest first; one
group is on the device at a time; no answer to a refused request quotes its text.
"""
import argparse
import base64
import os
import threading

import numpy as np
import uvicorn
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from tokenizers import Tokenizer

from groups import groups

# In the order of the adapters: their place is `task_id`.
TASKS = ["retrieval.query", "retrieval.passage", "separation", "classification", "text-matching"]
# config_sentence_transformers.json of the model, trailing spaces included; the other tasks have none.
INSTRUCTIONS = {"retrieval.query": "Represent the query for retrieving evidence documents: ",
                "retrieval.passage": "Represent the document for retrieval: "}
WINDOW = 8192
PAD = 1


class Request(BaseModel):
    model: str = ""
    input: list[str] | str
    task: str | None = None
    dimensions: int | None = None
    normalized: bool = True
    embedding_type: str = "float"


class Refused(Exception):
    def __init__(self, status, code, message):
        self.status, self.code, self.message = status, code, message


def arguments(description, devices):
    """The command line of every engine here."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("model_dir")
    parser.add_argument("--device", choices=devices, default="cpu")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8080)
    parser.add_argument("--padded-tokens", type=int, default=16384, help="longest x rows of one run at most; a longer text runs alone")
    return parser


def mean_pool(states, mask):
    """Mean over attended tokens.  states: rows x length x width; mask: rows x length.  Sums in float64."""
    weights = mask.astype(np.float64)
    return np.einsum("rld,rl->rd", states.astype(np.float64), weights) / weights.sum(axis=1, keepdims=True)


def serve(run, options, is_out_of_memory=lambda error: False, ceiling=lambda length: length):
    """run(ids, mask, task): int64 arrays of rows x length, padded behind, to means of rows x width, of any length.  ceiling: see groups."""
    tokenizer = Tokenizer.from_file(os.path.join(options.model_dir, "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    device = threading.Lock()
    app = FastAPI()

    def embed(texts, task):
        instruction = INSTRUCTIONS.get(task, "")
        ids = [encoded.ids for encoded in tokenizer.encode_batch([instruction + text for text in texts])]
        if any(len(row) > WINDOW for row in ids):
            raise Refused(400, "INPUT_TOKEN_LIMIT_EXCEEDED", f"A text has more than {WINDOW} tokens, instruction included")
        vectors = [None] * len(ids)
        for group in groups([len(row) for row in ids], options.padded_tokens, ceiling):
            padded = np.full((len(group), len(ids[group[0]])), PAD, np.int64)
            mask = np.zeros_like(padded)
            for place, row in enumerate(group):
                padded[place, :len(ids[row])] = ids[row]
                mask[place, :len(ids[row])] = 1
            with device:
                means = np.asarray(run(padded, mask, task), np.float64)
            for place, row in enumerate(group):
                vectors[row] = means[place]
        own = len(tokenizer.encode(instruction, add_special_tokens=False).ids)
        return vectors, sum(len(row) - own for row in ids)

    @app.post("/v1/embeddings")
    def embeddings(request: Request):
        if request.task not in TASKS:
            raise Refused(400, "unknown_task", "task is one of " + ", ".join(TASKS))
        try:
            vectors, tokens = embed([request.input] if isinstance(request.input, str) else request.input, request.task)
        except Refused:
            raise
        except Exception as error:
            if is_out_of_memory(error):
                raise Refused(413, "out_of_memory", "The device ran out of memory on this request") from None
            raise
        data = [{"object": "embedding", "index": index, "embedding": shown(vector, request)} for index, vector in enumerate(vectors)]
        return {"object": "list", "model": request.model, "data": data, "usage": {"total_tokens": tokens, "prompt_tokens": tokens}}

    @app.get("/health")
    def health():
        return {"status": "ok", "ready": True}

    @app.exception_handler(Refused)
    def refused(_, error):
        return JSONResponse({"detail": {"message": error.message, "code": error.code}}, error.status)

    @app.exception_handler(RequestValidationError)
    def invalid(_, error):
        fields = sorted({".".join(map(str, one["loc"])) for one in error.errors()})
        return JSONResponse({"detail": {"message": "not of the documented form: " + ", ".join(fields), "code": "validation_error"}}, 422)

    uvicorn.run(app, host=options.host, port=options.port, log_level="warning")


def shown(vector, request):
    vector = vector[:request.dimensions]
    if request.normalized:
        length = np.linalg.norm(vector)
        vector = vector / length if length > 0 else vector
    vector = vector.astype("<f4")
    return base64.b64encode(vector.tobytes()).decode() if request.embedding_type == "base64" else vector.tolist()
