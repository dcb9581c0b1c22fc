"""The native class of transformers 5 with its five adapters, in the Jina protocol.

    python server.py MODEL_DIR [--device cuda --dtype float16]

MODEL_DIR: a checkpoint in the native layout, one PEFT adapter a sub-folder (retrieval_passage, ...), tokenizer.json.
"""
import os
import sys

import torch
from transformers import JinaEmbeddingsV3Model

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from serving import TASKS, arguments, serve  # noqa: E402


def folder_of(task):
    return task.replace(".", "_").replace("-", "_")


def main():
    parser = arguments(__doc__, ["cpu", "cuda"])
    parser.add_argument("--dtype", choices=["float32", "float16", "bfloat16"], default="float32")
    options = parser.parse_args()
    # The dtype is said: left out, transformers 5 takes the checkpoint's own, bfloat16.
    model = JinaEmbeddingsV3Model.from_pretrained(options.model_dir, dtype=getattr(torch, options.dtype))
    for task in TASKS:
        model.load_adapter(options.model_dir, adapter_name=folder_of(task), adapter_kwargs={"subfolder": folder_of(task)})
    model = model.eval().to(options.device)

    @torch.inference_mode()
    def run(ids, mask, task):
        # The adapter loaded last is the active one until another is set, so it is set for every group.
        model.set_adapter(folder_of(task))
        mask = torch.from_numpy(mask).to(options.device)
        states = model(input_ids=torch.from_numpy(ids).to(options.device), attention_mask=mask).last_hidden_state
        weights = mask.unsqueeze(-1)
        return ((states.float() * weights).sum(1) / weights.sum(1)).cpu().numpy()

    serve(run, options, lambda error: isinstance(error, (torch.OutOfMemoryError, MemoryError)))


if __name__ == "__main__":
    main()
