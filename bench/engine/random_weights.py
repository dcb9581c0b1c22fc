"""A model of any size in the architecture of jina-embeddings-v3, with random weights and in half precision, for measuring speed.

    python random_weights.py OUT [--layers 24 --hidden 1024 --heads 16 --ffn 4096]

The graph is the toy's, test/fixtures/jina-v3-tiny/make_fixture.py, with its five adapters; the weights lie beside it as external data.
The table of pieces is the toy's too, 4,096 instead of 250,002: looking a row up costs nothing that depends on how many there are.
Its vectors mean nothing.
"""
import argparse
import json
import os
import shutil
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

TOY = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../test/fixtures/jina-v3-tiny")
sys.path.insert(0, TOY)
import make_fixture as toy  # noqa: E402

DATA = "model_fp16.onnx_data"
# What half precision cannot count: positions, and the angles that come of them.
IN_FLOAT = {"pos32", "inv_freq"}


def weights(random):
    """Of unit variance through every layer, so that nothing overflows; exact in half precision."""
    def matrix(rows, cols, size=1.0):
        return (random.standard_normal((rows, cols), np.float32) * (size / cols ** 0.5)).astype(np.float16)

    base, lora = {}, {task: {} for task in toy.TASKS}
    for name, rows, cols, kind in toy.modules():
        base[name + ".weight"] = matrix(rows, cols, cols ** 0.5 if kind == "embedding" else 1.0)
        if kind == "linear":
            base[name + ".bias"] = np.zeros(rows, np.float16)
        for task in toy.TASKS:
            lora[task][name] = (matrix(toy.RANK, rows if kind == "embedding" else cols), matrix(cols if kind == "embedding" else rows, toy.RANK, 0.1))
    norms = ["embeddings.LayerNorm"] + [f"layers.{layer}.{name}" for layer in range(toy.LAYERS) for name in ("post_attention_layernorm", "post_mlp_layernorm")]
    for name in norms:
        base[name + ".weight"], base[name + ".bias"] = np.ones(toy.H, np.float16), np.zeros(toy.H, np.float16)
    return base, lora


def in_half(model):
    """Computes in half precision whatever the toy's graph computes in float32, except for the angles."""
    nodes = []
    for node in model.graph.node:
        if node.op_type == "Cast" and node.name not in IN_FLOAT:
            for attribute in node.attribute:
                if attribute.i == TensorProto.FLOAT:
                    attribute.i = TensorProto.FLOAT16
        nodes.append(node)
        if node.op_type in ("Cos", "Sin"):
            name = node.output[0]
            node.output[0] = name + "/f32"
            nodes.append(helper.make_node("Cast", [name + "/f32"], [name], name=name + "/f16", to=TensorProto.FLOAT16))
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    for tensor in model.graph.initializer:
        if tensor.data_type == TensorProto.FLOAT and tensor.name not in IN_FLOAT:
            half = np.clip(numpy_helper.to_array(tensor), -65504, 65504).astype(np.float16)
            tensor.CopyFrom(numpy_helper.from_array(half, tensor.name))
    for output in model.graph.output:
        output.type.tensor_type.elem_type = TensorProto.FLOAT16
    return model


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out")
    for name, value in (("layers", 24), ("hidden", 1024), ("heads", 16), ("ffn", 4096)):
        parser.add_argument(f"--{name}", type=int, default=value)
    args = parser.parse_args()
    h, f = args.hidden, args.ffn
    linear = [(f"self_attn.{name}", h, h) for name in ("q_proj", "k_proj", "v_proj", "o_proj")] + [("mlp.fc1", f, h), ("mlp.fc2", h, f)]
    shutil.rmtree(args.out, ignore_errors=True)
    path = os.path.join(args.out, "onnx", "model_fp16.onnx")
    with toy.other(H=h, FFN=f, LAYERS=args.layers, HEADS=args.heads, LINEAR=linear):
        base, lora = weights(np.random.default_rng(1))
        toy.build_onnx(path, base, lora, external=DATA)
    model = in_half(onnx.load(path))
    for name in (path, os.path.join(os.path.dirname(path), DATA)):
        os.remove(name)
    onnx.save(model, path, save_as_external_data=True, all_tensors_to_one_file=True, location=DATA, size_threshold=256)
    shutil.copy(os.path.join(TOY, "tokenizer.json"), args.out)
    with open(os.path.join(args.out, "config.json"), "w", encoding="utf-8") as file:
        json.dump({"hidden_size": h, "pad_token_id": 1}, file)


if __name__ == "__main__":
    main()
