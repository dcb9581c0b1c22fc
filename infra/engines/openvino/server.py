"""OpenVINO over the hub's ONNX export with task_id, in the Jina protocol.  Intel hardware: it has no NVIDIA device.

    python server.py MODEL_DIR [--device cpu|gpu]

MODEL_DIR: onnx/model.onnx with its data file, tokenizer.json.
"""
import os
import sys

import numpy as np
import openvino

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from serving import TASKS, arguments, mean_pool, serve  # noqa: E402


def main():
    parser = arguments(__doc__, ["cpu", "gpu"])
    parser.add_argument("--precision", choices=["f32", "bf16", "f16", "own"], default="f32",
                        help="own: OpenVINO's choice, which is bf16 where the processor has it")
    options = parser.parse_args()
    path = os.path.join(options.model_dir, "onnx", "model.onnx")
    hint = {} if options.precision == "own" else {"INFERENCE_PRECISION_HINT": options.precision}
    compiled = openvino.Core().compile_model(path, options.device.upper(), hint)
    request = compiled.create_infer_request()

    def run(ids, mask, task):
        feeds = {"input_ids": ids, "attention_mask": mask, "task_id": np.array(TASKS.index(task), np.int64)}
        return mean_pool(request.infer(feeds)[compiled.output(0)], mask)

    serve(run, options)


if __name__ == "__main__":
    main()
