"""A checkpoint with five adapters in the names and the stacking of the published one, which vLLM reads.

    python published_layout.py NATIVE MERGED_FOR_VLLM OUT

NATIVE: base and adapters in the native layout.  MERGED_FOR_VLLM: what merge_adapter.py --for vllm made; its configuration is kept, its
weights are not.
"""
import json
import os
import shutil
import sys

import torch
from safetensors.torch import load_file, save_file

TASKS = ["retrieval_query", "retrieval_passage", "separation", "classification", "text_matching"]
NAMES = [("embeddings.LayerNorm", "emb_ln"), ("self_attn.o_proj", "mixer.out_proj"), ("post_attention_layernorm", "norm1"),
         ("post_mlp_layernorm", "norm2"), ("self_attn.Wqkv", "mixer.Wqkv")]


def published(name):
    for ours, theirs in NAMES:
        name = name.replace(ours, theirs)
    return name.replace("layers.", "encoder.layers.", 1) if name.startswith("layers.") else name


def fused(tensors, layers, join):
    """q, k and v in one tensor."""
    for layer in range(layers):
        for kind in {name.split("_proj.", 1)[1] for name in tensors if f"layers.{layer}.self_attn.q_proj." in name}:
            parts = [tensors.pop(f"layers.{layer}.self_attn.{part}_proj.{kind}") for part in "qkv"]
            tensors[f"layers.{layer}.self_attn.Wqkv.{kind}"] = join(kind, parts)
    return tensors


def main():
    native, merged, out = sys.argv[1:4]
    shutil.rmtree(out, ignore_errors=True)
    shutil.copytree(merged, out)
    with open(os.path.join(native, "config.json"), encoding="utf-8") as file:
        layers = json.load(file)["num_hidden_layers"]
    base = fused(load_file(os.path.join(native, "model.safetensors")), layers, lambda _, parts: torch.cat(parts))
    adapters = []
    for task in TASKS:
        tensors = load_file(os.path.join(native, task, "adapter_model.safetensors"))
        tensors = {name.removeprefix("base_model.model."): tensor for name, tensor in tensors.items()}
        # The three share A, as the fused projection of the published checkpoint does.
        adapters.append(fused(tensors, layers, lambda kind, parts: parts[0] if kind.startswith("lora_A") else torch.cat(parts)))
    weights = {}
    for name, tensor in base.items():
        module, _, kind = name.rpartition(".")
        embedding = f"{module}.lora_embedding_A" in adapters[0]
        if kind != "weight" or not (embedding or f"{module}.lora_A.weight" in adapters[0]):
            weights[published(name)] = tensor
            continue
        place = f"{published(module)}.parametrizations.weight"
        weights[f"{place}.original"] = tensor
        for part in "AB":
            found = [adapter[f"{module}.lora_embedding_{part}" if embedding else f"{module}.lora_{part}.weight"] for adapter in adapters]
            # An embedding's factors are stored the other way round.
            weights[f"{place}.0.lora_{part}"] = torch.stack([one.T.contiguous() if embedding else one for one in found])
    save_file({name: tensor.contiguous() for name, tensor in weights.items()}, os.path.join(out, "model.safetensors"), metadata={"format": "pt"})


if __name__ == "__main__":
    main()
