"""The exact Python and Rust splitters on the texts that run.ts hands over: one JSON result a line.

    python -m venv DIR && DIR/bin/pip install chonkie==1.7.0 semchunk==4.1.1 semantic-text-splitter==0.33.1 tokenizers brotli
    node bench/chunker/run.ts --python DIR/bin/python
"""
import json, re, statistics, sys, time

import brotli
from tokenizers import Tokenizer

job = json.load(sys.stdin)
texts, limits = job["texts"], job["limits"]
tokenizer = Tokenizer.from_str(brotli.decompress(open(job["tokenizer"], "rb").read()).decode())
around = 2 + limits["instructionTokens"]
room = limits["maxTokens"] - around


def count(text):
    return len(tokenizer.encode(text, add_special_tokens=False).ids)


def bare(text):
    return re.sub(r"\s+", "", text)


def run(name, split):
    before = time.process_time()
    pieces = [split(text) for text in texts]
    seconds = time.process_time() - before
    totals = [[count(piece) + around for piece in document] for document in pieces]
    flat = [total for document in totals for total in document]
    whole = sum(bare("".join(document)) == bare(text) for document, text in zip(pieces, texts))
    print(json.dumps({
        "name": name,
        "megabytesPerCpuSecond": sum(len(text.encode()) for text in texts) / 1e6 / seconds,
        "chunks": len(flat), "meanTokens": round(statistics.fmean(flat)), "spreadTokens": round(statistics.pstdev(flat)),
        "mostTokens": max(flat), "over": sum(total > limits["maxTokens"] for total in flat),
        "tails": sum(len(d) > 1 and d[-1] < limits["targetTokens"] / 4 for d in totals),
        "whole": f"{whole}/{len(texts)}",
    }), flush=True)


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
    chunker = MarkdownSplitter.from_huggingface_tokenizer(tokenizer, (limits["targetTokens"] - around, room), trim=False)
    return lambda text: chunker.chunks(text)


run("chonkie 1.7.0 recursive (Python)", chonkie())
run("semchunk 4.1.1 (Python)", semchunk())
run("semantic-text-splitter 0.33.1 Markdown (Rust)", semantic_text_splitter())
