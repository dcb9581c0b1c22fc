#!/usr/bin/env python3
"""Merges one adapter of a jina-embeddings-v3 checkpoint into its weights, for engines that take no task.  See README.md.

    python merge_adapter.py CHECKPOINT --out DIR [--task retrieval.passage] [--for native|tei|infinity|vllm] [--revision COMMIT]

CHECKPOINT is a folder with the published checkpoint (jinaai/jina-embeddings-v3), or one in the native layout of transformers 5
(jinaai/jina-embeddings-v3-hf): config.json, model.safetensors, the tokenizer files, and one PEFT adapter a sub-folder.  DIR gets the merged checkpoint in the layout of that engine, and golden.json: vectors
of every variant, right and wrong, computed from these weights, for SLUICE_GOLDEN.
"""
import argparse
import base64
import json
import os
import shutil
import sys
import tempfile

import numpy as np
import torch
from peft import PeftModel
from safetensors.torch import save_file
from tokenizers import Tokenizer
from transformers import JinaEmbeddingsV3Model

from published import TASKS, TOKENIZER, folder_of, is_published, to_native

PROMPTS = {"retrieval.query": "Represent the query for retrieving evidence documents: ",
           "retrieval.passage": "Represent the document for retrieval: "}
PASSAGE, QUERY = PROMPTS["retrieval.passage"], PROMPTS["retrieval.query"]
# name: adapter, what is put before the text, pooling.  What a right engine can be asked for, then what wrong ones return.
VARIANTS = {
    "retrieval.query": ("retrieval.query", QUERY, "mean"), "retrieval.passage": ("retrieval.passage", PASSAGE, "mean"),
    "separation": ("separation", "", "mean"), "classification": ("classification", "", "mean"),
    "text-matching": ("text-matching", "", "mean"), "none": (None, "", "mean"),
    "retrieval.passage/no-prefix": ("retrieval.passage", "", "mean"), "retrieval.query/no-prefix": ("retrieval.query", "", "mean"),
    "retrieval.passage/double-prefix": ("retrieval.passage", PASSAGE * 2, "mean"),
    "retrieval.query/double-prefix": ("retrieval.query", QUERY * 2, "mean"),
    "retrieval.passage/query-prefix": ("retrieval.passage", QUERY, "mean"),
    "retrieval.query/passage-prefix": ("retrieval.query", PASSAGE, "mean"),
    "text-matching/passage-prefix": ("text-matching", PASSAGE, "mean"), "text-matching/query-prefix": ("text-matching", QUERY, "mean"),
    "none/passage-prefix": (None, PASSAGE, "mean"), "none/query-prefix": (None, QUERY, "mean"),
    "retrieval.passage/cls": ("retrieval.passage", PASSAGE, "cls"), "retrieval.passage/no-prefix/cls": ("retrieval.passage", "", "cls"),
    "retrieval.query/cls": ("retrieval.query", QUERY, "cls"), "none/cls": (None, "", "cls"),
}
# Short: the shorter the text, the more an instruction shows.
TEXTS = {"en": "Follow the white rabbit.", "vi": "Hà Nội là thủ đô của Việt Nam.", "zh": "向量数据库保存归一化后的向量。",
         "code": "const x = await embed(texts, 0.125);", "word": "yes"}
POOLING = {"word_embedding_dimension": None, "pooling_mode_cls_token": False, "pooling_mode_mean_tokens": True,
           "pooling_mode_max_tokens": False, "pooling_mode_mean_sqrt_len_tokens": False}
MODULES = [{"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
           {"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
           {"idx": 2, "name": "2", "path": "2_Normalize", "type": "sentence_transformers.models.Normalize"}]
# vLLM chooses its RoPE class by position_embedding_type and asserts this class name; no released transformers has it.
VLLM_CONFIG = '''from transformers import PretrainedConfig


class XLMRobertaFlashConfig(PretrainedConfig):
    model_type = "xlm-roberta-flash-local"
'''


def write_json(path, value):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        json.dump(value, file, ensure_ascii=False, indent=1)
        file.write("\n")


def original_names(weights, layers):
    """The names of the published checkpoint, with q, k and v in one tensor: vLLM knows no others, transformers 5 reads both."""
    out = {}
    for name, tensor in weights.items():
        if any(f".{part}_proj." in name for part in "qkv"):
            continue
        name = name.replace("embeddings.LayerNorm", "emb_ln").replace("self_attn.o_proj", "mixer.out_proj")
        name = name.replace("post_attention_layernorm", "norm1").replace("post_mlp_layernorm", "norm2")
        out[name.replace("layers.", "encoder.layers.", 1) if name.startswith("layers.") else name] = tensor
    for layer in range(layers):
        for kind in ("weight", "bias"):
            parts = [weights[f"layers.{layer}.self_attn.{part}_proj.{kind}"] for part in "qkv"]
            out[f"encoder.layers.{layer}.mixer.Wqkv.{kind}"] = torch.cat(parts)
    return out


def export_onnx(model, path):
    class States(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.model = model

        def forward(self, input_ids, attention_mask):
            return self.model(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state

    model.config._attn_implementation = "eager"
    mask = torch.ones((2, 9), dtype=torch.long)
    mask[1, 6:] = 0
    batch, length = torch.export.Dim("batch", min=1, max=4096), torch.export.Dim("length", min=2, max=8192)
    program = torch.onnx.export(States(), (torch.full((2, 9), 5), mask), dynamo=True, opset_version=18, verbose=False,
                                dynamic_shapes={"input_ids": {0: batch, 1: length}, "attention_mask": {0: batch, 1: length}},
                                input_names=["input_ids", "attention_mask"], output_names=["last_hidden_state"])
    os.makedirs(os.path.dirname(path), exist_ok=True)
    program.save(path, external_data=True)


def golden(checkpoint, tokenizer, name, revision):
    """Vectors of every variant in float32, from the checkpoint with its adapters."""
    base = JinaEmbeddingsV3Model.from_pretrained(checkpoint, dtype=torch.float32).eval()
    model = PeftModel.from_pretrained(base, checkpoint, subfolder=folder_of(TASKS[0]), adapter_name=TASKS[0].replace(".", "_"))
    for task in TASKS[1:]:
        model.load_adapter(checkpoint, subfolder=folder_of(task), adapter_name=task.replace(".", "_"))
    model.eval()

    def embed(text, task, pooling):
        ids = torch.tensor([tokenizer.encode(text).ids])
        with torch.no_grad():
            if task is None:
                with model.disable_adapter():
                    hidden = model(input_ids=ids, attention_mask=torch.ones_like(ids)).last_hidden_state[0]
            else:
                model.set_adapter(task.replace(".", "_"))
                hidden = model(input_ids=ids, attention_mask=torch.ones_like(ids)).last_hidden_state[0]
        vector = (hidden[0] if pooling == "cls" else hidden.mean(0)).double().numpy()
        return vector / np.linalg.norm(vector), ids.shape[1]

    texts = []
    for text_id, text in TEXTS.items():
        vectors = {}
        for variant, (task, prompt, pooling) in VARIANTS.items():
            vector, tokens = embed(prompt + text, task, pooling)
            vectors[variant] = {"tokens": tokens, "v": base64.b64encode(vector.astype("<f4").tobytes()).decode()}
        texts.append({"id": text_id, "text": text, "vectors": vectors})
    variants = {k: {"task": task, "prompt": prompt, "pooling": pooling} for k, (task, prompt, pooling) in VARIANTS.items()}
    return {"format": 1, "model": name, **({"revision": revision} if revision else {}), "dimension": base.config.hidden_size,
            "variants": variants, "texts": texts}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint")
    parser.add_argument("--out", required=True)
    parser.add_argument("--task", choices=["retrieval.passage", "retrieval.query"], default="retrieval.passage")
    parser.add_argument("--for", dest="layout", choices=["native", "tei", "infinity", "vllm"], default="native")
    parser.add_argument("--model", default="jinaai/jina-embeddings-v3", help="name in golden.json: SLUICE_MODEL")
    parser.add_argument("--revision", help="revision in golden.json: SLUICE_MODEL_REVISION")
    args = parser.parse_args()
    if not is_published(args.checkpoint):
        return merge(args)
    with tempfile.TemporaryDirectory() as folder:
        to_native(args.checkpoint, folder)
        args.checkpoint = folder
        merge(args)


def merge(args):
    adapter = os.path.join(args.checkpoint, folder_of(args.task))
    if not os.path.exists(os.path.join(adapter, "adapter_model.safetensors")):
        sys.exit(f"No adapter in {adapter}: this reads jinaai/jina-embeddings-v3, or the native layout of transformers 5, one PEFT adapter a sub-folder.")
    base = JinaEmbeddingsV3Model.from_pretrained(args.checkpoint, dtype=torch.float32)
    model = PeftModel.from_pretrained(base, args.checkpoint, subfolder=folder_of(args.task)).merge_and_unload().eval()
    hidden, layers = model.config.hidden_size, model.config.num_hidden_layers

    os.makedirs(args.out, exist_ok=True)
    for name in TOKENIZER:
        if os.path.exists(os.path.join(args.checkpoint, name)):
            shutil.copy(os.path.join(args.checkpoint, name), args.out)
    with open(os.path.join(args.checkpoint, "config.json"), encoding="utf-8") as file:
        config = {k: v for k, v in json.load(file).items() if k not in ("lora_adaptations", "task_instructions")}
    config["dtype"] = "float32"
    weights = {name: tensor.contiguous() for name, tensor in model.state_dict().items()}
    if args.layout == "vllm":
        config |= {"architectures": ["XLMRobertaModel"], "model_type": "xlm-roberta-flash-local",
                   "auto_map": {"AutoConfig": "configuration_xlm_roberta.XLMRobertaFlashConfig"}, "position_embedding_type": "rotary",
                   "rotary_emb_base": config["rope_parameters"]["rope_theta"], "lora_alpha": 1, "lora_rank": 4, "bias": True}
        weights = original_names(weights, layers)
        with open(os.path.join(args.out, "configuration_xlm_roberta.py"), "w", encoding="utf-8") as file:
            file.write(VLLM_CONFIG)
    elif args.layout in ("tei", "infinity"):
        # Both read the ONNX file and need only a type that they know.
        config |= {"architectures": ["XLMRobertaModel"], "model_type": "xlm-roberta"}
    if args.layout in ("native", "vllm"):
        save_file(weights, os.path.join(args.out, "model.safetensors"), metadata={"format": "pt"})
    if args.layout != "vllm":
        export_onnx(model, os.path.join(args.out, *(["model.onnx"] if args.layout == "infinity" else ["onnx", "model.onnx"])))
    write_json(os.path.join(args.out, "config.json"), config)
    write_json(os.path.join(args.out, "modules.json"), MODULES)
    write_json(os.path.join(args.out, "1_Pooling", "config.json"), {**POOLING, "word_embedding_dimension": hidden})
    tokenizer = Tokenizer.from_file(os.path.join(args.checkpoint, "tokenizer.json"))
    write_json(os.path.join(args.out, "golden.json"), golden(args.checkpoint, tokenizer, args.model, args.revision))
    print(f"{args.task} merged into {args.out}, laid out for {args.layout}")


if __name__ == "__main__":
    main()
