"""ONNX Runtime over the hub's export with task_id, in the Jina protocol; with --device tensorrt through its TensorRT provider.

    python server.py MODEL_DIR [--device cuda|tensorrt]

MODEL_DIR: onnx/model.onnx with its data file, tokenizer.json.  TensorRT builds an engine for each of three ranges of lengths on the first
run and keeps them in MODEL_DIR/trt (or --engine-cache), which takes minutes once for every driver and card.
"""
import os
import sys

import numpy as np
import onnxruntime

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from groups import bucket_of, buckets  # noqa: E402
from serving import TASKS, WINDOW, arguments, mean_pool, serve  # noqa: E402


def providers(options, bucket=None):
    if options.device == "cpu":
        return ["CPUExecutionProvider"]
    if options.device == "cuda":
        return ["CUDAExecutionProvider", "CPUExecutionProvider"]
    longest, rows = bucket
    cache = os.path.join(options.engine_cache or os.path.join(options.model_dir, "trt"), f"{rows}x{longest}")
    os.makedirs(cache, exist_ok=True)
    shape = lambda rows, length: f"input_ids:{rows}x{length},attention_mask:{rows}x{length}"  # noqa: E731
    # One range of shapes for a whole bucket: without it TensorRT builds a new engine for every new length.
    return [("TensorrtExecutionProvider", {"trt_fp16_enable": True, "trt_engine_cache_enable": True, "trt_engine_cache_path": cache,
                                           "trt_profile_min_shapes": shape(1, 2), "trt_profile_opt_shapes": shape(rows, longest),
                                           "trt_profile_max_shapes": shape(rows, longest)}),
            "CUDAExecutionProvider", "CPUExecutionProvider"]


def open_session(options, wanted):
    session = onnxruntime.InferenceSession(os.path.join(options.model_dir, "onnx", "model.onnx"), providers=wanted)
    first = wanted[0] if isinstance(wanted[0], str) else wanted[0][0]
    if session.get_providers()[0] != first:
        sys.exit(f"{first} is not to be had here, and ONNX Runtime would take {session.get_providers()[0]} in its place: its libraries are missing.")
    if "task_id" not in {one.name for one in session.get_inputs()}:
        sys.exit("This export has no task_id: it has one adapter merged, or none. Use the hub's export.")
    return session


def main():
    parser = arguments(__doc__, ["cpu", "cuda", "tensorrt"])
    parser.add_argument("--engine-cache", help="folder for what TensorRT builds")
    options = parser.parse_args()
    if options.device != "cpu":
        onnxruntime.preload_dlls()  # CUDA and cuDNN of the nvidia-* packages, where they are installed
    if options.device == "tensorrt":
        import tensorrt  # noqa: F401  its import loads the libraries that the provider looks for
    # TensorRT plans memory for the largest shape it is built for, so it is built once a bucket of lengths.
    shapes = buckets(options.padded_tokens, WINDOW) if options.device == "tensorrt" else [(WINDOW, None)]
    ceiling = (lambda length: bucket_of(length, shapes)) if options.device == "tensorrt" else (lambda length: length)
    sessions = {shape[0]: open_session(options, providers(options, shape)) for shape in shapes}
    session = sessions[WINDOW]
    # By place: the hub calls it text_embeds. Output 1 is another pooling and the wrong one.
    states = session.get_outputs()[0].name

    def run(ids, mask, task):
        feeds = {"input_ids": ids, "attention_mask": mask, "task_id": np.array(TASKS.index(task), np.int64)}
        return mean_pool(sessions[bucket_of(ids.shape[1], shapes)].run([states], feeds)[0], mask)

    # The binding has one class for every failure of a run; its allocators say this and nothing else when memory ends.
    no_memory = ("Failed to allocate memory", "bad allocation", "bad_alloc")
    serve(run, options, lambda error: any(words in str(error) for words in no_memory), ceiling)


if __name__ == "__main__":
    main()
