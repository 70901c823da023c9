"""What is measured of an engine on a GPU: each function returns figures for a result file."""

import os
import statistics
import threading
import time
from collections.abc import Sequence

import pynvml
import torch
from transformers import LlamaConfig

from benchmarks.random_model import linear_parameters, random_ids
from xverse_chat.config import GenerationSettings
from xverse_chat.engine.generate import Engine, Outcome

Measured = dict[str, object]

CONTEXT, NEW_TOKENS, REPEATS = 512, 200, 5
LONG_CONTEXT, LONG_NEW_TOKENS = 7900, 100
PREFILL_TOKENS = 2048
TURNS, TURN_TOKENS, ANSWER_TOKENS, CONVERSATIONS = 20, 100, 100, 5
_NEVER = -1  # an end token that never comes
# The family's usual settings.
SAMPLING = GenerationSettings(
    do_sample=True, temperature=0.5, top_p=0.85, top_k=30, repetition_penalty=1.1, seed=1
)


def reply(
    engine: Engine, prompt: Sequence[int], tokens: int, settings: GenerationSettings | None = None
) -> tuple[list[int], Outcome]:
    """Return a reply of just so many tokens, greedy unless settings are given."""
    chosen = (settings or GenerationSettings()).overridden({"max_new_tokens": tokens})
    events = engine.reply(prompt, chosen, eos_token_id=_NEVER, stop=threading.Event())
    *said, outcome = events
    assert isinstance(outcome, Outcome)
    assert outcome.tokens == tokens
    return [token for token in said if isinstance(token, int)], outcome


def decode_rates(
    engine: Engine, context: int, tokens: int, settings: GenerationSettings | None = None
) -> list[float]:
    """Return tokens per second behind the first one, of several replies."""
    rates = []
    for number in range(REPEATS):
        _, outcome = reply(engine, random_ids(context, seed=number), tokens, settings)
        rates.append((outcome.tokens - 1) / outcome.decode_s)
    return rates


def measure_decode(engine: Engine, bits: int, config: LlamaConfig, copy_rate: float) -> Measured:
    """Return the speed of decoding at two lengths of context, greedy and with sampling."""
    began = time.perf_counter()
    reply(engine, random_ids(16), 4)  # the first ones load what is loaded late
    warm_up_s = time.perf_counter() - began
    rates = decode_rates(engine, CONTEXT, NEW_TOKENS)
    sampled = decode_rates(engine, CONTEXT, NEW_TOKENS, SAMPLING)
    long = decode_rates(engine, LONG_CONTEXT, LONG_NEW_TOKENS)
    median, long_median = statistics.median(rates), statistics.median(long)
    weights = weight_bytes(config, bits)
    middle = LONG_CONTEXT + LONG_NEW_TOKENS / 2 - CONTEXT - NEW_TOKENS / 2
    cache_s = middle * 4 * config.num_hidden_layers * config.hidden_size / copy_rate
    explained = 1 / (1 / median + cache_s)
    return {
        "tokens_per_s": round(median, 1),
        "all": [round(rate, 1) for rate in rates],
        "weight_bytes_per_token": weights,
        "copy_share": round(weights * median / copy_rate, 4),
        "sampling_tokens_per_s": round(statistics.median(sampled), 1),
        "tokens_per_s_at_8k": round(long_median, 1),
        "tokens_per_s_at_8k_explained_by_cache_bytes": round(explained, 1),
        "at_8k_against_explained": round(long_median / explained, 4),
        "warm_up_s": round(warm_up_s, 2),
    }


def measure_prefill(engine: Engine) -> Measured:
    """Return tokens per second of a prompt, up to its first token."""
    seconds = []
    for number in range(REPEATS):
        engine.forget()
        _, outcome = reply(engine, random_ids(PREFILL_TOKENS, seed=number), 1)
        seconds.append(outcome.first_token_s)
    median = statistics.median(seconds)
    return {
        "tokens": PREFILL_TOKENS,
        "seconds": round(median, 4),
        "tokens_per_s": round(PREFILL_TOKENS / median),
        "all_seconds": [round(one, 4) for one in seconds],
    }


def measure_turns(engine: Engine) -> Measured:
    """Return the time to the first token in each turn of a conversation with equal messages.

    Medians over several conversations: the host starts some hundred kernels for a prompt, and
    how long that takes varies more from one to the next than between turns.
    """
    conversations = [_conversation(engine, number) for number in range(CONVERSATIONS)]
    medians = [round(statistics.median(turn), 5) for turn in zip(*conversations, strict=True)]
    return {
        "message_tokens": TURN_TOKENS,
        "answer_tokens": ANSWER_TOKENS,
        "conversations": CONVERSATIONS,
        "first_token_s": medians,
        "turn_2_s": medians[1],
        "turn_20_s": medians[19],
    }


def _conversation(engine: Engine, number: int) -> list[float]:
    engine.forget()
    history: list[int] = []
    first_token_s = []
    for turn in range(TURNS):
        history += random_ids(TURN_TOKENS, seed=number * TURNS + turn)
        said, outcome = reply(engine, history, ANSWER_TOKENS)
        history += said
        first_token_s.append(outcome.first_token_s)
    return first_token_s


def measure_memory(engine: Engine) -> Measured:
    """Return the peak of GPU memory since the statistics were reset, a full context included."""
    reply(engine, random_ids(8000, seed=9), 150)
    return {
        "peak_allocated_bytes": torch.cuda.max_memory_allocated(),
        "peak_reserved_bytes": torch.cuda.max_memory_reserved(),
        "process_bytes_now": _process_bytes(),
        "cache_bytes": engine.cache_size_bytes,
        "context_tokens": engine.context_tokens,
    }


def weight_bytes(config: LlamaConfig, bits: int) -> int:
    """Return what is read of the weights for one token: all matrices but the embedding."""
    head: int = config.vocab_size * config.hidden_size
    body = linear_parameters(config) - head
    if bits == 16:
        return 2 * (body + head)
    # 4 bits, and a scale of 16 and a zero point of 4 for each 64: 69 bytes for 128 weights.
    return head + (body * 69 // 128 if bits == 4 else body)


def _process_bytes() -> int | None:
    """Return what the driver says this process has on the GPU, CUDA's own part included."""
    pynvml.nvmlInit()
    handle = pynvml.nvmlDeviceGetHandleByIndex(0)
    for process in pynvml.nvmlDeviceGetComputeRunningProcesses(handle):
        if process.pid == os.getpid() and process.usedGpuMemory:
            return int(process.usedGpuMemory)
    used: int = pynvml.nvmlDeviceGetMemoryInfo(handle).used
    return used
