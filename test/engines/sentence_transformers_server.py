"""sentence-transformers behind an OpenAI-shaped route.  python sentence_transformers_server.py MODEL_DIR PORT task|merged

task: passes the request's task on as `encode(task=…)`, the obvious call for a checkpoint with adapters.  merged: plain encode, for a
checkpoint whose adapter is merged.
"""
import base64
import sys

import numpy as np
import torch
import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel
from sentence_transformers import SentenceTransformer
from sentence_transformers.models import Normalize, Pooling, Transformer


class Request(BaseModel):
    model: str = ""
    input: list[str]
    task: str | None = None
    encoding_format: str = "float"
    embedding_type: str = "float"


def main():
    folder, port, mode = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    # transformers 5 loads the checkpoint's dtype, bfloat16, unless it is told otherwise.
    body = Transformer(folder, model_args={"dtype": torch.float32})
    model = SentenceTransformer(modules=[body, Pooling(body.get_word_embedding_dimension(), "mean"), Normalize()], device="cpu")
    model.max_seq_length = 8192
    app = FastAPI()

    @app.post("/v1/embeddings")
    def embeddings(request: Request):
        task = {"task": request.task} if mode == "task" and request.task is not None else {}
        vectors = [np.asarray(v, "<f4") for v in model.encode(request.input, batch_size=2, **task)]
        encoded = "base64" in (request.encoding_format, request.embedding_type)
        shown = [base64.b64encode(v.tobytes()).decode() if encoded else v.tolist() for v in vectors]
        return {"object": "list", "model": request.model, "data": [{"object": "embedding", "index": i, "embedding": e} for i, e in enumerate(shown)]}

    @app.get("/health")
    def health():
        return {"status": "ok"}

    uvicorn.run(app, host="127.0.0.1", port=port, log_level="warning")


if __name__ == "__main__":
    main()
