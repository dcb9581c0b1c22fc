"""One exact splitter for Python on the texts that peers.ts hands over on standard input; its pieces and CPU seconds come back as JSON.

prepare.py makes the Python that runs this.
"""
import json, sys, time

from tokenizers import Tokenizer

job = json.load(sys.stdin)
texts, room = job["texts"], job["room"]
tokenizer = Tokenizer.from_str(job["tokenizerJson"])


def count(text):
    return len(tokenizer.encode(text, add_special_tokens=False).ids)


def chonkie():
    from chonkie import RecursiveChunker
    chunker = RecursiveChunker(tokenizer=tokenizer, chunk_size=room)
    return lambda text: [chunk.text for chunk in chunker.chunk(text)]


def semchunk():
    import semchunk
    chunker = semchunk.chunkerify(count, room)
    return lambda text: chunker(text)


def semantic_text_splitter():
    from semantic_text_splitter import MarkdownSplitter
    chunker = MarkdownSplitter.from_huggingface_tokenizer(tokenizer, (job["target"], room), trim=False)
    return lambda text: chunker.chunks(text)


split = {"chonkie": chonkie, "semchunk": semchunk, "semantic-text-splitter": semantic_text_splitter}[job["peer"]]()
before = time.process_time()
pieces = [split(text) for text in texts]
seconds = time.process_time() - before
print(json.dumps({"seconds": seconds, "pieces": pieces}))
