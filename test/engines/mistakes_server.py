"""What goes wrong in process with no error: one server, a mistake by the name of the model in the request.

    python mistakes_server.py FIXTURE PORT

FIXTURE: test/fixtures/jina-v3-tiny.  Each mistake is the call that a reader of the library's documentation would write.
"""
import base64
import os
import sys
from functools import cache

import numpy as np
import torch
import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel
from sentence_transformers import SentenceTransformer
from sentence_transformers.models import Normalize, Pooling, Transformer
from transformers import AutoTokenizer, JinaEmbeddingsV3Model

INSTRUCTIONS = {"retrieval.query": "Represent the query for retrieving evidence documents: ",
                "retrieval.passage": "Represent the document for retrieval: "}
FOLDER, PORT = sys.argv[1], int(sys.argv[2])
MERGED = os.path.join(FOLDER, "merged-passage")


class Request(BaseModel):
    model: str
    input: list[str]
    task: str | None = None


@cache
def native(*adapters):
    model = JinaEmbeddingsV3Model.from_pretrained(FOLDER, dtype=torch.float32)
    for adapter in adapters:
        model.load_adapter(FOLDER, adapter_name=adapter, adapter_kwargs={"subfolder": adapter})
    return model.eval()


def transformers_vectors(model, texts, task, pooling="mean"):
    tokenizer = AutoTokenizer.from_pretrained(FOLDER)
    batch = tokenizer([INSTRUCTIONS.get(task, "") + text for text in texts], return_tensors="pt", padding=True)
    batch.pop("token_type_ids", None)
    with torch.inference_mode():
        states = model(**batch).last_hidden_state
    mask = batch["attention_mask"].unsqueeze(-1)
    vectors = states[:, 0] if pooling == "cls" else (states * mask).sum(1) / mask.sum(1)
    return torch.nn.functional.normalize(vectors).numpy()


def with_adapters(texts, task, choose=None, pooling="mean"):
    model = native("retrieval_passage", "retrieval_query", "text_matching") if choose else native("retrieval_passage", "retrieval_query")
    if choose:
        model.set_adapter(choose)
    return transformers_vectors(model, texts, task, pooling)


@cache
def sentence_model(folder, dtype=torch.float32, normalize=True, window=None, **options):
    body = Transformer(folder, max_seq_length=window, model_args={"dtype": dtype})
    modules = [body, Pooling(body.get_word_embedding_dimension(), "mean")] + ([Normalize()] if normalize else [])
    return SentenceTransformer(modules=modules, device="cpu", **options)


def instructed(texts, task):
    return [INSTRUCTIONS.get(task, "") + text for text in texts]


MISTAKES = {
    # The adapter that was loaded last is active.
    "last-loaded-adapter": lambda texts, task: with_adapters(texts, task),
    "no-adapter": lambda texts, task: transformers_vectors(native(), texts, task),
    "two-adapters": lambda texts, task: with_adapters(texts, task, ["retrieval_passage", "text_matching"]),
    "another-adapter": lambda texts, task: with_adapters(texts, task, "text_matching"),
    "first-token": lambda texts, task: with_adapters(texts, task, (task or "retrieval.passage").replace(".", "_").replace("-", "_"), "cls"),
    # Accepted and ignored: the checkpoint's own class knows no task.
    "encode-task": lambda texts, task: sentence_model(FOLDER).encode(texts, **({"task": task} if task else {})),
    # Without prompts in the checkpoint it is `encode`.
    "encode-document": lambda texts, task: sentence_model(MERGED).encode_document(texts),
    # The default of many checkpoints: texts above it are cut, and nobody hears of it.
    "short-window": lambda texts, task: sentence_model(MERGED, window=512).encode(texts),
    "no-normalize": lambda texts, task: sentence_model(MERGED, normalize=False).encode(instructed(texts, task)),
    "truncate-dim": lambda texts, task: sentence_model(MERGED, truncate_dim=32).encode(instructed(texts, task)),
    # No mistake: lengths are off by up to 0.4 %, and the directions are right.
    "bfloat16": lambda texts, task: sentence_model(MERGED, dtype=torch.bfloat16).encode(instructed(texts, task)),
}


def main():
    app = FastAPI()

    @app.post("/v1/embeddings")
    def embeddings(request: Request):
        vectors = [np.asarray(vector, "<f4") for vector in MISTAKES[request.model](request.input, request.task)]
        data = [{"object": "embedding", "index": i, "embedding": base64.b64encode(v.tobytes()).decode()} for i, v in enumerate(vectors)]
        return {"object": "list", "model": request.model, "data": data}

    @app.get("/health")
    def health():
        return {"status": "ok"}

    uvicorn.run(app, host="127.0.0.1", port=PORT, log_level="warning")


if __name__ == "__main__":
    main()
