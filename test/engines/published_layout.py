"""A checkpoint with five adapters in the names and the stacking of the published one.

    python published_layout.py NATIVE OUT [MERGED_FOR_VLLM]

NATIVE: base and adapters in the native layout.  MERGED_FOR_VLLM: what merge_adapter.py --for vllm made; its configuration is kept, its
weights are not, and vLLM reads OUT.  Without it OUT is as the hub has it, with a configuration for its remote code and names that begin
with `roberta.`.
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


def as_on_the_hub(native, config, out):
    """Configuration and tokenizer.  No model_type, and keys of the remote code."""
    os.makedirs(out)
    own = {key: value for key, value in config.items() if key not in ("model_type", "rope_parameters")}
    remote = "jinaai/xlm-roberta-flash-implementation--"
    with open(os.path.join(out, "config.json"), "w", encoding="utf-8") as file:
        json.dump({**own, "architectures": ["XLMRobertaLoRA"], "position_embedding_type": "rotary", "use_flash_attn": True, "emb_pooler": None,
                   "rotary_emb_base": config["rope_parameters"]["rope_theta"], "load_trained_adapters": True,
                   "auto_map": {"AutoConfig": remote + "configuration_xlm_roberta.XLMRobertaFlashConfig",
                                "AutoModel": remote + "modeling_lora.XLMRobertaLoRA"}}, file)
    for name in ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"):
        shutil.copy(os.path.join(native, name), out)


def main():
    native, out, *merged = sys.argv[1:]
    shutil.rmtree(out, ignore_errors=True)
    with open(os.path.join(native, "config.json"), encoding="utf-8") as file:
        config = json.load(file)
    if merged:
        shutil.copytree(merged[0], out)
    else:
        as_on_the_hub(native, config, out)
    layers = config["num_hidden_layers"]
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
    prefix = "" if merged else "roberta."
    save_file({prefix + name: tensor.contiguous() for name, tensor in weights.items()}, os.path.join(out, "model.safetensors"), metadata={"format": "pt"})


if __name__ == "__main__":
    main()
