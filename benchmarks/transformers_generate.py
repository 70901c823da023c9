"""transformers' ``generate`` on the same weights: a growing cache, and a static one compiled."""

import statistics
import time

import torch
from transformers import LlamaForCausalLM

from benchmarks.random_model import random_ids

CONTEXT, NEW_TOKENS, REPEATS = 512, 200, 5


def measure_transformers(model: LlamaForCausalLM) -> dict[str, object]:
    """Return tokens per second of both, and what compiling cost."""
    figures: dict[str, object] = {}
    _seconds(model, 4)
    figures["dynamic_tokens_per_s"] = _rate(model, repeats=3)
    began = time.perf_counter()
    _seconds(model, NEW_TOKENS, cache_implementation="static")
    figures["static_compile_first_reply_s"] = round(time.perf_counter() - began, 1)
    _seconds(model, NEW_TOKENS, cache_implementation="static")
    figures["static_compile_tokens_per_s"] = _rate(
        model, repeats=REPEATS, cache_implementation="static"
    )
    return figures


def _rate(model: LlamaForCausalLM, *, repeats: int, **options: str) -> float:
    """Return the median rate of the tokens behind the first one."""
    rates = []
    for _ in range(repeats):
        whole, first = _seconds(model, NEW_TOKENS, **options), _seconds(model, 1, **options)
        rates.append((NEW_TOKENS - 1) / (whole - first))
    return round(statistics.median(rates), 1)


@torch.inference_mode()
def _seconds(model: LlamaForCausalLM, tokens: int, **options: str) -> float:
    ids = torch.tensor([random_ids(CONTEXT)], device=model.device)
    torch.cuda.synchronize()
    began = time.perf_counter()
    model.generate(
        ids,
        attention_mask=torch.ones_like(ids),
        max_new_tokens=tokens,
        min_new_tokens=tokens,
        do_sample=False,
        **options,
    )
    torch.cuda.synchronize()
    return time.perf_counter() - began
