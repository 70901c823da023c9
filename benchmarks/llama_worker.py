"""llama.cpp as a process that is told what to compute, in a Python that has llama-cpp-python.

Writes a model of random weights with the package gguf, lets llama.cpp itself quantize it, then
answers each line ``prefill TOKENS`` or ``decode TOKENS`` with the seconds it took. Needs
``pip install llama-cpp-python gguf`` and nothing of this project.
"""

import argparse
import ctypes
import json
import random
import sys
import time
from pathlib import Path
from typing import Any

# Numbers of ``enum llama_ftype`` in llama.h. Their files have the output matrix in Q6_K or Q8_0.
_FILE_TYPES = {"Q4_0": 2, "Q8_0": 7}
_CONTEXT_TOKENS = 1024


def main() -> None:
    """Serve one model until the input ends."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="for the model files, some GB")
    parser.add_argument("--format", choices=["F16", *_FILE_TYPES], required=True)
    parser.add_argument("--shape", type=json.loads, required=True)
    parser.add_argument("--threads", type=int, required=True)
    options = parser.parse_args()
    import llama_cpp

    llama_cpp.llama_backend_init()
    quiet = llama_cpp.llama_log_callback(lambda level, text, data: None)
    llama_cpp.llama_log_set(quiet, ctypes.c_void_p(0))
    exact = options.folder / "F16.gguf"
    if not exact.exists():
        write_model(exact, options.shape)
    path = options.folder / f"{options.format}.gguf"
    if not path.exists():
        quantize(llama_cpp, exact, path, options.format)
    context = load(llama_cpp, path, options.threads)
    _say({"version": llama_cpp.__version__, "size_bytes": path.stat().st_size})
    memory = llama_cpp.llama_get_memory(context)
    for line in sys.stdin:
        work, count = line.split()
        if work == "prefill":
            llama_cpp.llama_memory_clear(memory, True)
        batches = [int(count)] if work == "prefill" else [1] * int(count)
        began = time.perf_counter()
        for size in batches:
            compute(llama_cpp, context, size, options.shape["vocab"])
        _say({"seconds": time.perf_counter() - began})


def write_model(path: Path, shape: dict[str, int]) -> None:
    """Write a Llama in float16 without a vocabulary: it is driven by token ids."""
    import gguf
    import numpy

    numbers = numpy.random.default_rng(0)
    writer = gguf.GGUFWriter(str(path), "llama")
    writer.add_block_count(shape["layers"])
    writer.add_context_length(8192)
    writer.add_embedding_length(shape["hidden"])
    writer.add_feed_forward_length(shape["intermediate"])
    writer.add_head_count(shape["heads"])
    writer.add_head_count_kv(shape["heads"])
    writer.add_layer_norm_rms_eps(1e-6)
    writer.add_rope_dimension_count(shape["hidden"] // shape["heads"])
    writer.add_rope_freq_base(10000.0)
    writer.add_vocab_size(shape["vocab"])
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_F16)
    writer.add_tokenizer_model("no_vocab")

    def add(name: str, rows: int, columns: int) -> None:
        values = numbers.standard_normal((rows, columns), dtype=numpy.float32) * 0.02
        writer.add_tensor(f"{name}.weight", values.astype(numpy.float16))

    def add_norm(name: str) -> None:
        writer.add_tensor(f"{name}.weight", numpy.ones(hidden, dtype=numpy.float32))

    hidden, intermediate = shape["hidden"], shape["intermediate"]
    add("token_embd", shape["vocab"], hidden)
    add("output", shape["vocab"], hidden)
    add_norm("output_norm")
    for layer in range(shape["layers"]):
        add_norm(f"blk.{layer}.attn_norm")
        add_norm(f"blk.{layer}.ffn_norm")
        for name in ("q", "k", "v", "output"):
            add(f"blk.{layer}.attn_{name}", hidden, hidden)
        add(f"blk.{layer}.ffn_gate", intermediate, hidden)
        add(f"blk.{layer}.ffn_up", intermediate, hidden)
        add(f"blk.{layer}.ffn_down", hidden, intermediate)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def quantize(llama_cpp: Any, exact: Path, path: Path, format_name: str) -> None:
    """Let llama.cpp make the file that its own program would."""
    options = llama_cpp.llama_model_quantize_default_params()
    options.ftype = _FILE_TYPES[format_name]
    failed = llama_cpp.llama_model_quantize(
        str(exact).encode(), str(path).encode(), ctypes.byref(options)
    )
    assert not failed


def load(llama_cpp: Any, path: Path, threads: int) -> Any:
    """Return a context with llama.cpp's defaults, but for its length and the threads."""
    model = llama_cpp.llama_model_load_from_file(
        str(path).encode(), llama_cpp.llama_model_default_params()
    )
    options = llama_cpp.llama_context_default_params()
    options.n_ctx = _CONTEXT_TOKENS
    options.n_threads = options.n_threads_batch = threads
    return llama_cpp.llama_init_from_model(model, options)


def compute(llama_cpp: Any, context: Any, tokens: int, vocab: int) -> None:
    """Compute random tokens; the logits of the last one are fetched, as for sampling."""
    ids = (llama_cpp.llama_token * tokens)(*(random.randrange(vocab) for _ in range(tokens)))
    failed = llama_cpp.llama_decode(context, llama_cpp.llama_batch_get_one(ids, tokens))
    assert not failed
    assert llama_cpp.llama_get_logits_ith(context, -1)[0] is not None


def _say(message: dict[str, object]) -> None:
    print(json.dumps(message), flush=True)


if __name__ == "__main__":
    main()
