"""A model of 1B shape on a CPU, beside llama.cpp in the same run, in 16, 8 and 4 bits.

``python -m benchmarks.cpu --out FILE.json --llama-python PYTHON``, where PYTHON is that of a
virtual environment with llama-cpp-python and gguf. The two take turns round by round. Close what
else uses the processor: the result tells how busy it was with other work. Needs 8 GB of disk.
"""

import argparse
import json
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import torch
from transformers import LlamaConfig

from benchmarks.machine import describe_machine
from benchmarks.random_model import config_1b, linear_parameters, random_model
from xverse_chat.engine.cpu.selection import make_kernel_forward
from xverse_chat.engine.forward import Forward
from xverse_chat.engine.transformers_forward import TransformersForward

PROMPT_TOKENS = 128
# Bits of ours, and the format that llama.cpp has beside them.
PAIRS = {4: "Q4_0", 8: "Q8_0", 16: "F16"}
Work = Callable[[str, int], float]


def main() -> None:
    """Measure, print and write the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--llama-python", default=sys.executable)
    parser.add_argument("--folder", type=Path, help="keeps llama.cpp's model files for another run")
    parser.add_argument("--threads", type=int, default=psutil.cpu_count(logical=False))
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--new-tokens", type=int, default=64)
    parser.add_argument("--bits", type=int, nargs="*", default=list(PAIRS))
    parser.add_argument("--layers", type=int, default=config_1b().num_hidden_layers)
    parser.add_argument("--plain", action="store_true", help="measure transformers' forward too")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    config = config_1b(options.layers)
    result: dict[str, object] = {
        "machine": describe_machine(),
        "capability": torch.backends.cpu.get_cpu_capability(),
        "threads": options.threads,
        "shape": {**shape_of(config), "linear_parameters": linear_parameters(config)},
        "prompt_tokens": PROMPT_TOKENS,
        "new_tokens": options.new_tokens,
        "date": time.strftime("%Y-%m-%d"),
    }
    with tempfile.TemporaryDirectory() as temporary:
        options.folder = options.folder or Path(temporary)
        for bits in options.bits:
            result[f"{bits} bits"] = figures = compare(bits, config, options)
            print(bits, json.dumps(figures), flush=True)
            options.out.write_text(json.dumps(result, indent=1) + "\n", "utf-8")


def compare(bits: int, config: LlamaConfig, options: argparse.Namespace) -> dict[str, object]:
    """Return tokens per second of both engines, medians and all rounds, and their ratio."""
    dtype = torch.bfloat16 if bits == 16 else torch.float32
    began = time.perf_counter()
    model = random_model(config, bits=bits, device=torch.device("cpu"), dtype=dtype)
    made = time.perf_counter()
    ours = make_kernel_forward(model)
    figures: dict[str, object] = {
        "random_model_s": made - began,
        "make_forward_s": time.perf_counter() - made,
    }
    plan = {"prefill": PROMPT_TOKENS, "decode": options.new_tokens}
    with llama(PAIRS[bits], config, options) as (their_work, about):
        engines = {"ours": work_of(ours, config), "llama.cpp": their_work}
        rates: dict[str, dict[str, list[float]]] = {
            name: {work: [] for work in plan} for name in engines
        }
        for work in plan:  # what is done once: pages, threads, llama.cpp's own layout
            for engine in engines.values():
                engine(work, 8)
        busy = Busy()
        for _ in range(options.rounds):
            for name, engine in engines.items():
                for work, tokens in plan.items():
                    rates[name][work].append(round(tokens / engine(work, tokens), 2))
        figures["other_work"] = busy.share_of_others()
    figures["llama.cpp"] = {"format": PAIRS[bits], **about}
    if options.plain:
        plain = work_of(TransformersForward(model), config)
        rates["transformers"] = {
            "prefill": [round(PROMPT_TOKENS / plain("prefill", PROMPT_TOKENS), 2)],
            "decode": [round(2 / plain("decode", 2), 2)],
        }
    for work in plan:
        medians = {name: statistics.median(rates[name][work]) for name in rates}
        figures[work] = {
            "tokens_per_s": medians,
            "ratio": round(medians["ours"] / medians["llama.cpp"], 3),
            "rounds": {name: rates[name][work] for name in rates},
        }
    return figures


def work_of(forward: Forward, config: LlamaConfig) -> Work:
    """Return what computes so many random tokens, at once or one by one, and tells the seconds."""

    def work(kind: str, tokens: int) -> float:
        if kind == "prefill":
            forward.truncate(0)
        ids = [random.randrange(config.vocab_size) for _ in range(tokens)]
        batches = [ids] if kind == "prefill" else [[token] for token in ids]
        began = time.perf_counter()
        for batch in batches:
            forward.run(batch, lambda: None)
        return time.perf_counter() - began

    return work


def shape_of(config: LlamaConfig) -> dict[str, int]:
    """Return what llama.cpp's model is made of."""
    return {
        "hidden": config.hidden_size,
        "intermediate": config.intermediate_size,
        "layers": config.num_hidden_layers,
        "heads": config.num_attention_heads,
        "vocab": config.vocab_size,
    }


@contextmanager
def llama(
    format_name: str, config: LlamaConfig, options: argparse.Namespace
) -> Iterator[tuple[Work, dict[str, object]]]:
    """Start llama.cpp with a model in ``format_name``; yield its work and its version."""
    command = [options.llama_python, str(Path(__file__).with_name("llama_worker.py"))]
    command += [str(options.folder), "--format", format_name, "--threads", str(options.threads)]
    command += ["--shape", json.dumps(shape_of(config))]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        questions, answers = process.stdin, process.stdout

        def work(kind: str, tokens: int) -> float:
            questions.write(f"{kind} {tokens}\n")
            questions.flush()
            return float(json.loads(answers.readline())["seconds"])

        yield work, json.loads(answers.readline())
        questions.close()


class Busy:
    """How much of the processor others had since this was made."""

    def __init__(self) -> None:
        self._before = psutil.cpu_times()
        self._own_before = _own_seconds()

    def share_of_others(self) -> float:
        """Return the processor time that was neither idle nor ours, as a share of all."""
        now = psutil.cpu_times()
        total = float(sum(now) - sum(self._before))
        idle = now.idle + now.iowait - self._before.idle - self._before.iowait
        others = total - idle - (_own_seconds() - self._own_before)
        return round(max(0.0, float(others)) / total, 3)


def _own_seconds() -> float:
    me = psutil.Process()
    own = [process.cpu_times() for process in (me, *me.children())]
    return float(sum(times.user + times.system for times in own))


if __name__ == "__main__":
    main()
