"""Which classes are right, seen on `sluice engine` with the toy model: what is right was computed by the Python reference stack."""
import base64
import json
import math
import os
import struct
import subprocess
import unittest
import unittest.mock

from langchain_community.embeddings import jina
from llama_index.embeddings.jinaai import JinaEmbedding

from embeddings import PASSAGE, QUERY, SluiceLangChain, SluiceLlamaIndex

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../..")
TINY = os.path.join(ROOT, "test/fixtures/jina-v3-tiny")
DIMENSION = 64

with open(os.path.join(TINY, "golden.json"), encoding="utf-8") as file:
    KNOWN = [text for text in json.load(file)["texts"] if len(text["text"]) < 500 and text["text"].strip()]
TEXTS = [known["text"] for known in KNOWN]


def cosine(a, b):
    return sum(x * y for x, y in zip(a, b)) / (math.hypot(*a) * math.hypot(*b))


class Classes(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        command = ["node", os.path.join(ROOT, "apps/cli/bin/sluice.mjs"), "engine", "--model-dir", TINY, "--port", "0", "--json"]
        cls.engine = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        cls.url = json.loads(cls.engine.stdout.readline())["url"]

    @classmethod
    def tearDownClass(cls):
        cls.engine.terminate()
        cls.engine.wait()
        cls.engine.stdout.close()

    def lowest(self, vectors, variant):
        golden = [struct.unpack(f"<{DIMENSION}f", base64.b64decode(known["vectors"][variant]["v"])) for known in KNOWN]
        self.assertGreaterEqual(len(golden), 5)
        return min(cosine(vector, right) for vector, right in zip(vectors, golden, strict=True))

    def test_langchain_class_of_this_example(self):
        embeddings = SluiceLangChain(self.url, dimension=DIMENSION)
        self.assertGreater(self.lowest(embeddings.embed_documents(TEXTS), PASSAGE), 0.99999)
        self.assertGreater(self.lowest([embeddings.embed_query(text) for text in TEXTS], QUERY), 0.99999)

    def test_llamaindex_class_of_this_example(self):
        embeddings = SluiceLlamaIndex(self.url, dimension=DIMENSION)
        self.assertGreater(self.lowest(embeddings.get_text_embedding_batch(TEXTS), PASSAGE), 0.99999)
        self.assertGreater(self.lowest([embeddings.get_query_embedding(text) for text in TEXTS], QUERY), 0.99999)

    def test_langchain_jina_sends_no_task_and_the_engine_refuses_it(self):
        embeddings = jina.JinaEmbeddings(jina_api_key="none", model_name="jina-embeddings-v3")
        with unittest.mock.patch.object(jina, "JINA_API_URL", f"{self.url}/v1/embeddings"):
            with self.assertRaises(RuntimeError):
                embeddings.embed_documents(TEXTS)

    def test_llamaindex_jina_has_one_task_so_its_queries_are_passages(self):
        embeddings = JinaEmbedding(api_key="none", task=PASSAGE, dimensions=DIMENSION)
        embeddings._api.api_url = f"{self.url}/v1/embeddings"
        self.assertGreater(self.lowest(embeddings.get_text_embedding_batch(TEXTS), PASSAGE), 0.99999)
        queries = [embeddings.get_query_embedding(text) for text in TEXTS]
        self.assertGreater(self.lowest(queries, PASSAGE), 0.99999)
        self.assertLess(self.lowest(queries, QUERY), 0.9)


if __name__ == "__main__":
    unittest.main()
