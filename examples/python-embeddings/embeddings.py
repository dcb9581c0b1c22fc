"""Embedding classes of LangChain and LlamaIndex that speak rightly to `sluice engine`, jina-on-prem and the hosted Jina API.

`retrieval.passage` goes with documents and `retrieval.query` with queries, so that both meet what Sluice has stored.  Take the one you need.
"""
import json
import urllib.request

from langchain_core.embeddings import Embeddings
from llama_index.core.base.embeddings.base import BaseEmbedding
from pydantic import PrivateAttr

PASSAGE, QUERY = "retrieval.passage", "retrieval.query"


def create_embed(url, dimension=1024, api_key=None):
    """embed(texts, task).  url, api_key, dimension: as in SLUICE_ENGINE_URL, SLUICE_ENGINE_API_KEY, SLUICE_DIMENSION."""
    headers = {"content-type": "application/json", **({"authorization": f"Bearer {api_key}"} if api_key else {})}

    def embed(texts, task):
        body = {"model": "jina-embeddings-v3", "input": list(texts), "task": task, "dimensions": dimension, "normalized": True}
        request = urllib.request.Request(f"{url}/v1/embeddings", json.dumps(body).encode(), headers)
        with urllib.request.urlopen(request, timeout=300) as response:
            data = json.load(response)["data"]
        return [item["embedding"] for item in sorted(data, key=lambda item: item["index"])]

    return embed


class SluiceLangChain(Embeddings):
    def __init__(self, url, **options):
        self._embed = create_embed(url, **options)

    def embed_documents(self, texts):
        return self._embed(texts, PASSAGE)

    def embed_query(self, text):
        return self._embed([text], QUERY)[0]


class SluiceLlamaIndex(BaseEmbedding):
    _embed = PrivateAttr()

    def __init__(self, url, dimension=1024, api_key=None, **options):
        super().__init__(model_name="jina-embeddings-v3", **options)
        self._embed = create_embed(url, dimension, api_key)

    def _get_text_embedding(self, text):
        return self._embed([text], PASSAGE)[0]

    def _get_text_embeddings(self, texts):
        return self._embed(texts, PASSAGE)

    def _get_query_embedding(self, query):
        return self._embed([query], QUERY)[0]

    async def _aget_query_embedding(self, query):
        return self._get_query_embedding(query)
