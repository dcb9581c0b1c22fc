"""FastEmbed behind an OpenAI-shaped route: FastEmbed has no server of its own.  python server.py MODEL_DIR PORT [cpu|cuda]"""
import base64
import sys

import numpy as np
import onnxruntime
import uvicorn
from fastapi import FastAPI
from fastembed import TextEmbedding
from pydantic import BaseModel


class Request(BaseModel):
    model: str = ""
    input: list[str]
    encoding_format: str = "float"


def main():
    cuda = sys.argv[3:] == ["cuda"]
    if cuda:
        onnxruntime.preload_dlls()  # CUDA and cuDNN of the nvidia-* packages, where they are installed
        if "CUDAExecutionProvider" not in onnxruntime.get_available_providers():
            sys.exit("This onnxruntime has no CUDA: install fastembed-gpu in an environment without fastembed.")
    model = TextEmbedding("jinaai/jina-embeddings-v3", specific_model_path=sys.argv[1], cuda=cuda)
    app = FastAPI()

    @app.post("/v1/embeddings")
    def embeddings(request: Request):
        # passage_embed chooses the passage adapter; the instruction is the client's to add.
        vectors = [np.asarray(vector, "<f4") for vector in model.passage_embed(request.input, batch_size=4)]
        shown = [base64.b64encode(v.tobytes()).decode() if request.encoding_format == "base64" else v.tolist() for v in vectors]
        return {"object": "list", "model": request.model, "data": [{"object": "embedding", "index": i, "embedding": e} for i, e in enumerate(shown)]}

    @app.get("/health")
    def health():
        return {"status": "ok"}

    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[2]), log_level="warning")


if __name__ == "__main__":
    main()
