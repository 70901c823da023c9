"""From the start of the process to the first token, from a prepared folder of random weights.

``python -m benchmarks.start WORK_FOLDER --out RESULT.json``. The folder is made where it is not
there yet. The first start compiles the kernels, the others find them; what importing and reading
the files cost by themselves stands beside it.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.machine import describe_machine
from benchmarks.prepared_folder import build_prepared_folder

SHAPE_7B = {
    "hidden_size": 4096,
    "intermediate_size": 11008,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "num_key_value_heads": 32,
    "head_dim": 128,
    "vocab_size": 100_534,
    "max_position_embeddings": 8192,
}
WARM_STARTS = 3


def main() -> None:
    """Measure and write the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("work", type=Path, help="folder for 9 GB")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--bits", type=int, default=4)
    parser.add_argument("--layers", type=int, default=32)
    options = parser.parse_args()
    shape = SHAPE_7B | {"num_hidden_layers": options.layers}
    folder = options.work / f"int{options.bits}-{options.layers}-layers"
    if not folder.exists():
        build_prepared_folder(folder, bits=options.bits, shape=shape)
    cache = options.work / "cache"
    shutil.rmtree(cache, ignore_errors=True)
    os.environ["XDG_CACHE_HOME"] = str(cache)
    os.environ["CUDA_CACHE_PATH"] = str(cache / "cuda")  # NVRTC keeps what it compiled as well
    result: dict[str, object] = {
        "machine": describe_machine(),
        "date": time.strftime("%Y-%m-%d"),
        "bits": options.bits,
        "folder_bytes": sum(path.stat().st_size for path in folder.iterdir()),
        "read_s": _read_seconds(folder),
        "import_torch_s": _seconds([sys.executable, "-c", "import torch"]),
        "import_transformers_llama_s": _seconds(
            [sys.executable, "-c", "from transformers import LlamaForCausalLM"]
        ),
        "first_start": _start(folder),
        "warm_starts": [_start(folder) for _ in range(WARM_STARTS)],
        "told": _told(folder),
    }
    options.out.write_text(json.dumps(result, indent=1) + "\n", "utf-8")
    print(json.dumps(result))


def _start(folder: Path) -> dict[str, float]:
    """Return seconds from the start of the process: to the reply's first text, to the end."""
    began = time.perf_counter()
    with subprocess.Popen(_command(folder), stdout=subprocess.PIPE, bufsize=0) as process:
        assert process.stdout is not None
        first = process.stdout.read(1)
        first_s = time.perf_counter() - began
        process.stdout.read()
    if process.returncode != 0 or not first:
        raise SystemExit(f"exit code {process.returncode}")
    return {
        "first_token_s": round(first_s, 2),
        "process_s": round(time.perf_counter() - began, 2),
    }


def _told(folder: Path) -> dict[str, object]:
    """Return what the program says of a start: where it computed, the time of loading."""
    done = subprocess.run([*_command(folder), "--json"], capture_output=True, text=True, check=True)
    reply = json.loads(done.stdout)
    return {"device": reply["model"]["device"], "load_s": round(reply["timings"]["load_s"], 2)}


def _command(folder: Path) -> list[str]:
    start = [sys.executable, "-m", "xverse_chat", "--model", str(folder), "-p", "你好"]
    return [*start, "--greedy", "--max-new-tokens", "8"]


def _seconds(command: list[str]) -> float:
    began = time.perf_counter()
    subprocess.run(command, check=True)
    return round(time.perf_counter() - began, 2)


def _read_seconds(folder: Path) -> float:
    """Return the time to read all weights once; the files are then in the page cache."""
    began = time.perf_counter()
    for path in folder.glob("*.safetensors"):
        with path.open("rb", buffering=0) as file:
            block = bytearray(2**24)
            while file.readinto(block):
                pass
    return round(time.perf_counter() - began, 2)


if __name__ == "__main__":
    main()
