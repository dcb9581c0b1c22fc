#!/usr/bin/env python3
"""The published checkpoint of jina-embeddings-v3 (jinaai/jina-embeddings-v3) in the native layout of transformers 5, without its remote code.

    python published.py CHECKPOINT OUT

The published one has five adapters stacked in one tensor a weight, names of its own, and q, k and v in one; OUT gets the same numbers as
base weights and one PEFT adapter a sub-folder (retrieval_passage, ...).
"""
import json
import os
import shutil
import sys

from safetensors import safe_open
from safetensors.torch import load_file, save_file

TASKS = ["retrieval.query", "retrieval.passage", "separation", "classification", "text-matching"]
NAMES = [("emb_ln", "embeddings.LayerNorm"), ("encoder.layers", "layers"), ("mixer.out_proj", "self_attn.o_proj"),
         ("norm1", "post_attention_layernorm"), ("norm2", "post_mlp_layernorm")]
FUSED = "mixer.Wqkv"
PLACE = ".parametrizations.weight."
TOKENIZER = ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json")
KEPT = ("vocab_size", "hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size", "hidden_act", "hidden_dropout_prob",
        "attention_probs_dropout_prob", "max_position_embeddings", "type_vocab_size", "layer_norm_eps", "pad_token_id", "bos_token_id",
        "eos_token_id", "initializer_range", "matryoshka_dimensions", "task_instructions")


def is_published(checkpoint):
    path = os.path.join(checkpoint, "model.safetensors")
    if not os.path.exists(path):
        return False
    with safe_open(path, "pt") as file:
        return any(PLACE in name for name in file.keys())


def folder_of(task):
    return task.replace(".", "_").replace("-", "_")


def native(name):
    for theirs, ours in NAMES:
        name = name.replace(theirs, ours)
    return name


def split(name, tensor, halves):
    """What is named after the fused projection, as q, k and v; the rest as it is.  halves: whether the tensor has the rows of all three."""
    if FUSED not in name:
        return [(native(name), tensor)]
    parts = tensor.chunk(3) if halves else [tensor] * 3
    return [(native(name.replace(FUSED, f"self_attn.{one}_proj")), part) for one, part in zip("qkv", parts)]


def unstack(weights):
    """weights of the published file, to base weights and one dictionary an adapter, in native names."""
    base, adapters = {}, []
    for name, tensor in weights.items():
        name = name.removeprefix("roberta.")
        module, place, kind = name.partition(PLACE)
        if not place:
            base.update(split(name, tensor, True))
        elif kind == "original":
            base.update(split(module + ".weight", tensor, True))
        else:
            part = kind[-1]  # 0.lora_A, 0.lora_B
            adapters = adapters or [{} for _ in range(len(tensor))]
            for adapter, one in zip(adapters, tensor):
                if "embeddings." in module:  # whose factors are stored the other way round
                    adapter[f"{native(module)}.lora_embedding_{part}"] = one.T
                else:
                    adapter.update((f"{own}.lora_{part}.weight", rows) for own, rows in split(module, one, part == "B"))
    return base, adapters


def write_json(path, value):
    with open(path, "w", encoding="utf-8") as file:
        json.dump(value, file, ensure_ascii=False, indent=1)
        file.write("\n")


def save(path, tensors):
    # Of its own memory each: q, k and v share a factor, which the format does not allow.
    save_file({name: tensor.clone().contiguous() for name, tensor in tensors.items()}, path, metadata={"format": "pt"})


def to_native(checkpoint, out):
    with open(os.path.join(checkpoint, "config.json"), encoding="utf-8") as file:
        config = json.load(file)
    tasks = config.get("lora_adaptations") or TASKS
    base, adapters = unstack(load_file(os.path.join(checkpoint, "model.safetensors")))
    if sorted(tasks) != sorted(TASKS) or len(adapters) != len(tasks):
        sys.exit(f"{checkpoint} has {len(adapters)} adapters, named {', '.join(tasks)}: this reads the five of jina-embeddings-v3.")
    os.makedirs(out, exist_ok=True)
    save(os.path.join(out, "model.safetensors"), base)
    write_json(os.path.join(out, "config.json"), {
        "architectures": ["JinaEmbeddingsV3Model"], "model_type": "jina_embeddings_v3", "dtype": str(next(iter(base.values())).dtype).removeprefix("torch."),
        **{key: config[key] for key in KEPT if config.get(key) is not None},
        "rope_parameters": {"rope_type": "default", "rope_theta": config["rotary_emb_base"]}, "lora_adaptations": tasks,
        "lora_rank": config["lora_rank"], "lora_alpha": config["lora_alpha"]})
    for task, adapter in zip(tasks, adapters):
        folder = os.path.join(out, folder_of(task))
        os.makedirs(folder, exist_ok=True)
        modules = {name.split(".lora_")[0].rpartition(".")[2] for name in adapter}
        save(os.path.join(folder, "adapter_model.safetensors"), {f"base_model.model.{name}": tensor for name, tensor in adapter.items()})
        write_json(os.path.join(folder, "adapter_config.json"), {
            "peft_type": "LORA", "task_type": "FEATURE_EXTRACTION", "r": config["lora_rank"], "lora_alpha": config["lora_alpha"], "lora_dropout": 0.0,
            "bias": "none", "fan_in_fan_out": False, "inference_mode": True, "target_modules": sorted(modules)})
    for name in TOKENIZER:
        if os.path.exists(os.path.join(checkpoint, name)):
            shutil.copy(os.path.join(checkpoint, name), out)


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    checkpoint, out = sys.argv[1:]
    if not is_published(checkpoint):
        sys.exit(f"{checkpoint} has no stacked adapters: this reads the layout of jinaai/jina-embeddings-v3.")
    to_native(checkpoint, out)
    print(f"{out} has the native layout")


if __name__ == "__main__":
    main()
