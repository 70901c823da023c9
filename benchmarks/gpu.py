"""The engine on one GPU, at the size of XVERSE-7B-Chat, beside transformers in the same run.

``python -m benchmarks.gpu --out RESULT.json``. Random weights: speed and memory do not depend on
them. For each precision: decode, decode with much context, sampling, prefill, turns, memory.
Written after each measurement, so that one that fails takes nothing with it.
"""

import argparse
import json
import time
import traceback
from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch

from benchmarks.gpu_clock import copy_rate
from benchmarks.gpu_measures import (
    Measured,
    measure_decode,
    measure_memory,
    measure_prefill,
    measure_turns,
)
from benchmarks.machine import describe_machine
from benchmarks.random_model import config_7b, random_model
from benchmarks.transformers_generate import measure_transformers

CUDA = torch.device("cuda:0")


def main() -> None:
    """Measure and write the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--bits", type=int, nargs="*", default=[16, 8, 4])
    parser.add_argument("--layers", type=int, default=32)
    parser.add_argument("--no-transformers", action="store_true")
    options = parser.parse_args()
    rate = copy_rate()
    torch.cuda.empty_cache()  # a block kept and used in part would count as reserved
    result: dict[str, object] = {
        "machine": describe_machine(),
        "date": time.strftime("%Y-%m-%d"),
        "weights": "random, in the shape of XVERSE-7B-Chat, float16 activations",
        "layers": options.layers,
        "copy_gb_per_s": round(rate / 1e9, 1),
    }
    config = config_7b(options.layers)

    def save(name: str, measure: Callable[[], Measured]) -> None:
        began = time.monotonic()
        try:
            result[name] = measure()
        except Exception as failure:
            traceback.print_exc()
            result[name] = {"error": f"{type(failure).__name__}: {failure}"[:500]}
        print(f"{name} ({time.monotonic() - began:.0f} s)", json.dumps(result[name]), flush=True)
        options.out.write_text(json.dumps(result, indent=1) + "\n", "utf-8")

    for bits in options.bits:
        model = random_model(config, bits=bits, device=CUDA, dtype=torch.float16)
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
        engine = model.engine
        save(f"decode_{bits}", partial(measure_decode, engine, bits, config, rate))
        save(f"memory_{bits}", partial(measure_memory, engine))
        save(f"prefill_{bits}", partial(measure_prefill, engine))
        save(f"turns_{bits}", partial(measure_turns, engine))
        if bits == 16 and not options.no_transformers:
            save("transformers_16", partial(measure_transformers, model))
        del model, engine
        torch.cuda.empty_cache()


if __name__ == "__main__":
    main()
