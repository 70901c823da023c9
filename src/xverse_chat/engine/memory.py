"""Where a model will run and whether it fits there, known without torch.

The figures are sums of what is kept: weights, KV cache, and what one step needs on the way.
"""

import importlib.util
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from xverse_chat.checkpoint.weights import parameter_count
from xverse_chat.engine.folders import inspect_folder, loaded_bits
from xverse_chat.errors import MemoryShortageError, UnavailableError, UsageError
from xverse_chat.wording import Sentence, say

# Of the context at least this much must fit beside the weights: a few turns.
LEAST_CONTEXT_TOKENS = 2048
# CUDA's own context, the libraries' code and work space, and what a step computes on the way.
GPU_WORK_BYTES = 1_000_000_000
CPU_WORK_BYTES = 600_000_000

# A figure that is easier to read, and as good.
_CONTEXT_STEP = 256
_DTYPE_BYTES = {"float16": 2, "bfloat16": 2, "float32": 4}
_DEVICE = re.compile(r"cpu|cuda(?::(\d{1,3}))?")
# 4-bit codes, an 8-bit zero point and a 32-bit scale for each group of 64.
_INT4_BYTES = 0.5 + (1 + 4) / 64
_INT8_BYTES = 1.0


@dataclass(frozen=True, slots=True)
class Gpu:
    """A GPU as the driver describes it, before torch is loaded."""

    name: str
    total_bytes: int
    free_bytes: int


def resolve_device(device: str) -> str:
    """Return ``cpu`` or ``cuda:N`` for ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.

    Raises UsageError for anything else, UnavailableError for a GPU that is not there.
    """
    if device == "auto":
        return "cuda:0" if _torch_has_cuda() and find_gpu(0) is not None else "cpu"
    if not (match := _DEVICE.fullmatch(device)):
        raise UsageError(
            say("--device {device} is unknown.", device=device),
            hint=say("It is auto, cpu, cuda or cuda:N (N from 0)."),
        )
    if device == "cpu":
        return device
    number = int(match[1] or 0)
    if not _torch_has_cuda():
        raise UnavailableError(
            say(
                "--device {device} needs CUDA, and the installed PyTorch was built without it.",
                device=device,
            ),
            hint=say("Use --device cpu, or install a CUDA build of torch."),
        )
    if find_gpu(number) is None:
        raise UnavailableError(
            say(
                "--device {device} needs an NVIDIA GPU with number {number}, and CUDA finds none.",
                device=device,
                number=number,
            ),
            hint=say("See what nvidia-smi shows, or use --device cpu."),
        )
    return f"cuda:{number}"


def resolve_dtype(device: str, dtype: str | None) -> str:
    """Return the precision to compute in: the chosen one, else float16 on a GPU, float32 on CPU."""
    return dtype or ("float32" if device == "cpu" else "float16")


def precision_name(device: str, dtype: str | None, quant: int | None) -> str:
    """Return how precise the weights are, such as ``float16`` or ``int4``."""
    return f"int{quant}" if quant else resolve_dtype(device, dtype)


def weight_bytes(config: Mapping[str, Any], *, dtype: str, quant: int | None) -> int:
    """Return the size of the loaded weights. ``config`` is from ``llama_config``.

    Quantized, the linears have ``quant`` bits and lm_head 8; embedding and norms keep ``dtype``.
    """
    width = _DTYPE_BYTES[dtype]
    total = parameter_count(config)
    if quant is None:
        return int(total * width)
    table = int(config["vocab_size"] * config["hidden_size"])
    head = 0 if config["tie_word_embeddings"] else table
    norms = (2 * config["num_hidden_layers"] + 1) * config["hidden_size"]
    body = total - table - head - norms
    body_width = _INT4_BYTES if quant == 4 else _INT8_BYTES
    return int(body * body_width + head * _INT8_BYTES + (table + norms) * width)


def cache_bytes(config: Mapping[str, Any], *, dtype: str, tokens: int) -> int:
    """Return the size of the KV cache of so many tokens: 512 KiB each for 7B in 16 bits.

    ``dtype`` is that of ``cache_dtype``.
    """
    per_token = 2 * config["num_hidden_layers"] * config["hidden_size"] * _DTYPE_BYTES[dtype]
    return int(per_token * tokens)


def needed_bytes(
    config: Mapping[str, Any], *, device: str, dtype: str, quant: int | None, tokens: int
) -> int:
    """Return the memory for the weights, a context of ``tokens`` and the work of a step."""
    work = CPU_WORK_BYTES if device == "cpu" else GPU_WORK_BYTES
    weights = weight_bytes(config, dtype=dtype, quant=quant)
    kept = cache_dtype(device, dtype, quant)
    return weights + cache_bytes(config, dtype=kept, tokens=tokens) + work


def cache_dtype(device: str, dtype: str, quant: int | None) -> str:
    """Return what keys and values are kept in: on a CPU 16 bits beside all that is not float32."""
    return "float16" if device == "cpu" and (quant or dtype != "float32") else dtype


def fitting_context(
    config: Mapping[str, Any], *, device: str, dtype: str | None, quant: int | None
) -> int:
    """Return how much of the context has room beside the weights, before they are loaded.

    Never less than what ``check_fits`` asks for.
    """
    chosen = resolve_dtype(device, dtype)
    sizes = [
        needed_bytes(config, device=device, dtype=chosen, quant=quant, tokens=tokens)
        for tokens in (0, 1)
    ]
    room = (free_bytes(device) - sizes[0]) // (sizes[1] - sizes[0])
    whole = int(config["max_position_embeddings"])
    return min(whole, max(LEAST_CONTEXT_TOKENS, room // _CONTEXT_STEP * _CONTEXT_STEP))


def check_fits(folder: Path, *, device: str, dtype: str | None, quant: int | None) -> None:
    """Raise MemoryShortageError, with figures and the option that fits, if the model will not.

    Also raises what ``resolve_device`` and ``inspect_folder`` do. Loads nothing.
    """
    where = resolve_device(device)
    files = inspect_folder(folder)
    config, quant = files.config, loaded_bits(files, quant)
    tokens = min(LEAST_CONTEXT_TOKENS, config["max_position_embeddings"])
    free = free_bytes(where)
    chosen = resolve_dtype(where, dtype)
    needed = needed_bytes(config, device=where, dtype=chosen, quant=quant, tokens=tokens)
    if needed <= free:
        return
    place = (
        say("this machine") if where == "cpu" else say("the GPU ({name})", name=_gpu_name(where))
    )
    raise MemoryShortageError(
        say(
            "The model will not fit: in {precision} it needs {needed} with a context of "
            "{tokens} tokens, and {place} has {free} free.",
            precision=precision_name(where, dtype, quant),
            needed=gigabytes(needed),
            tokens=tokens,
            place=place,
            free=gigabytes(free),
        ),
        hint=_advice(config, device=where, free=free, tokens=tokens, quant=quant),
    )


def free_bytes(device: str) -> int:
    """Return the free memory of ``cpu`` or ``cuda:N``."""
    if device == "cpu":
        return int(psutil.virtual_memory().available)
    gpu = find_gpu(int(device.partition(":")[2]))
    return 0 if gpu is None else gpu.free_bytes


def used_bytes(device: str) -> int:
    """Return what this process takes of a device's memory: tensors on a GPU, all of it on a CPU."""
    if device == "cpu":
        return int(psutil.Process().memory_info().rss)
    import torch

    return int(torch.cuda.memory_allocated(device))


def find_gpu(number: int) -> Gpu | None:
    """Return GPU ``number`` as CUDA counts them (CUDA_VISIBLE_DEVICES), or None."""
    import pynvml

    try:
        pynvml.nvmlInit()
        handle = _nvml_handle(pynvml, number)
        if handle is None:
            return None
        memory = pynvml.nvmlDeviceGetMemoryInfo(handle)
        return Gpu(str(pynvml.nvmlDeviceGetName(handle)), int(memory.total), int(memory.free))
    except pynvml.NVMLError:
        return None


def _nvml_handle(pynvml: Any, number: int) -> Any:
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is None:
        if number >= pynvml.nvmlDeviceGetCount():
            return None
        return pynvml.nvmlDeviceGetHandleByIndex(number)
    names = [name.strip() for name in visible.split(",")]
    if number >= len(names) or not names[number] or names[number].startswith("-"):
        return None
    name = names[number]
    if name.isdecimal():
        return pynvml.nvmlDeviceGetHandleByIndex(int(name))
    return pynvml.nvmlDeviceGetHandleByUUID(name)


def _torch_has_cuda() -> bool:
    """Tell whether the installed torch is a CUDA build, without the seconds of importing it."""
    found = importlib.util.find_spec("torch")
    if found is None or found.origin is None:
        return False
    version = Path(found.origin).with_name("version.py").read_text(encoding="utf-8")
    return re.search(r"^cuda\b[^=]*=\s*['\"]", version, re.MULTILINE) is not None


def _advice(
    config: Mapping[str, Any], *, device: str, free: int, tokens: int, quant: int | None
) -> Sentence:
    dtype = resolve_dtype(device, "bfloat16" if device == "cpu" else None)
    options = [("--dtype bfloat16", None)] if device == "cpu" else []
    smaller = [(f"--quant {bits}", bits) for bits in (8, 4) if quant is None or bits < quant]
    extra = " --dtype bfloat16" if device == "cpu" else ""
    for option, bits in [*options, *smaller]:
        needed = needed_bytes(config, device=device, dtype=dtype, quant=bits, tokens=tokens)
        if needed <= free:
            text = option if option.startswith("--dtype") else option + extra
            return say(
                "With {option} it needs {needed} and fits.", option=text, needed=gigabytes(needed)
            )
    if device == "cpu":
        return say("It does not fit in 4 bits either. Close what else uses the memory.")
    return say(
        "It does not fit in 4 bits either. Close what else uses the memory, or use --device cpu."
    )


def _gpu_name(device: str) -> str:
    gpu = find_gpu(int(device.partition(":")[2]))
    return "unknown" if gpu is None else gpu.name


def gigabytes(size_bytes: int) -> str:
    """Return a size as people read it, such as ``4.3 GB``."""
    return f"{size_bytes / 1e9:.1f} GB"
