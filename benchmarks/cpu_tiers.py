"""A CPU's ways to compute a model of 1B shape beside each other: with a C++ compiler and without.

``python -m benchmarks.cpu_tiers --out FILE.json``. Close what else uses the processor: the result
tells how busy it was with other work. The ways take turns, round by round.
"""

import argparse
import json
import statistics
import time
from pathlib import Path

import psutil
import torch
from transformers import LlamaConfig

from benchmarks.cpu import PAIRS, PROMPT_TOKENS, Busy, shape_of, work_of
from benchmarks.machine import describe_machine
from benchmarks.random_model import config_1b, linear_parameters, random_model
from xverse_chat.engine.cpu.operators import choose_operators, multiplies_bfloat16
from xverse_chat.engine.cpu.selection import make_kernel_forward, make_operator_forward


def main() -> None:
    """Measure, print and write the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--threads", type=int, default=psutil.cpu_count(logical=False))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--new-tokens", type=int, default=32)
    parser.add_argument("--bits", type=int, nargs="*", default=list(PAIRS))
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    config = config_1b()
    chosen = choose_operators()
    result: dict[str, object] = {
        "machine": describe_machine(),
        "capability": torch.backends.cpu.get_cpu_capability(),
        "threads": options.threads,
        "shape": {**shape_of(config), "linear_parameters": linear_parameters(config)},
        "prompt_tokens": PROMPT_TOKENS,
        "new_tokens": options.new_tokens,
        "date": time.strftime("%Y-%m-%d"),
        "chosen": {
            "few": chosen.few.__name__,
            "many": chosen.many.__name__,
            "logits": chosen.logits.__name__,
            "packs_nibbles": chosen.packs_nibbles,
            "multiplies_bfloat16": multiplies_bfloat16(),
        },
    }
    for bits in options.bits:
        result[f"{bits} bits"] = figures = compare(bits, config, options)
        print(bits, json.dumps(figures), flush=True)
        options.out.write_text(json.dumps(result, indent=1) + "\n", "utf-8")


def compare(bits: int, config: LlamaConfig, options: argparse.Namespace) -> dict[str, object]:
    """Return tokens per second of both ways, medians and all rounds, and their ratio."""
    dtype = torch.bfloat16 if bits == 16 else torch.float32
    model = random_model(config, bits=bits, device=torch.device("cpu"), dtype=dtype)
    kernels = make_kernel_forward(model)  # first: it keeps the codes that the other one packs
    began = time.perf_counter()
    operators = make_operator_forward(model)
    assert operators is not None
    figures: dict[str, object] = {"make_operator_forward_s": round(time.perf_counter() - began, 3)}
    plan = {"prefill": PROMPT_TOKENS, "decode": options.new_tokens}
    ways = {"kernels": work_of(kernels, config), "operators": work_of(operators, config)}
    rates: dict[str, dict[str, list[float]]] = {name: {work: [] for work in plan} for name in ways}
    for way in ways.values():
        for work in plan:
            way(work, 8)
    busy = Busy()
    for _ in range(options.rounds):
        for name, way in ways.items():
            for work, tokens in plan.items():
                rates[name][work].append(round(tokens / way(work, tokens), 2))
    figures["other_work"] = busy.share_of_others()
    for work in plan:
        medians = {name: statistics.median(rates[name][work]) for name in ways}
        figures[work] = {
            "tokens_per_s": medians,
            "ratio": round(medians["operators"] / medians["kernels"], 3),
            "rounds": {name: rates[name][work] for name in ways},
        }
    return figures


if __name__ == "__main__":
    main()
