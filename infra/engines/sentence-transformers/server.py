"""sentence-transformers over a merged checkpoint, behind an OpenAI-shaped route.  python server.py MERGED PORT [cpu|cuda]

The client adds the instruction; longer texts than the window are cut, which the client avoids by counting.
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
    encoding_format: str = "float"


def main():
    folder, port = sys.argv[1], int(sys.argv[2])
    device = sys.argv[3] if len(sys.argv) > 3 else "cpu"
    # transformers 5 loads the checkpoint's dtype, bfloat16, unless it is told otherwise.
    body = Transformer(folder, model_args={"dtype": torch.float32 if device == "cpu" else torch.float16})
    model = SentenceTransformer(modules=[body, Pooling(body.get_word_embedding_dimension(), "mean"), Normalize()], device=device)
    model.max_seq_length = 8192
    app = FastAPI()

    @app.post("/v1/embeddings")
    def embeddings(request: Request):
        vectors = [np.asarray(v, "<f4") for v in model.encode(request.input, batch_size=2)]
        shown = [base64.b64encode(v.tobytes()).decode() if request.encoding_format == "base64" else v.tolist() for v in vectors]
        return {"object": "list", "model": request.model, "data": [{"object": "embedding", "index": i, "embedding": e} for i, e in enumerate(shown)]}

    @app.get("/health")
    def health():
        return {"status": "ok"}

    uvicorn.run(app, host="127.0.0.1", port=port, log_level="warning")


if __name__ == "__main__":
    main()
