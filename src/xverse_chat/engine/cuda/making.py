"""From a loaded model to its decoder on a GPU, or a reason why there is none."""

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from xverse_chat.engine.cuda.compiler import load_or_compile
from xverse_chat.engine.cuda.decoder import CudaDecoder
from xverse_chat.engine.cuda.fusing import fuse_weights
from xverse_chat.engine.cuda.program import Program
from xverse_chat.engine.cuda.shape import HEAD_DIMS, Shape
from xverse_chat.engine.cuda.step import StepBuffers
from xverse_chat.engine.cuda.tuning import SHARED_LIMITS, tuning_for
from xverse_chat.engine.cuda.unpacking import Unpacker
from xverse_chat.engine.memory import LEAST_CONTEXT_TOKENS, gigabytes
from xverse_chat.engine.quant import LM_HEAD_BITS
from xverse_chat.engine.unavailable import KernelsUnavailableError
from xverse_chat.errors import MemoryShortageError
from xverse_chat.wording import Sentence, say

if TYPE_CHECKING:
    from xverse_chat.engine.llama import LlamaModel

# What a prompt needs on the way beside weights and cache: chunks of 2048 tokens, cuBLAS's space.
PREFILL_BYTES = 400_000_000
_CAPACITY_STEP = 256


def make_cuda_decoder(model: "LlamaModel", *, quantization_bits: int | None) -> CudaDecoder:
    """Return a decoder that shares the model's weights, with as much cache as the context needs.

    The cache is smaller where the GPU has no room for all of it. Raises KernelsUnavailableError
    for a model or a GPU that the kernels are not made for, MemoryShortageError when there is
    no room for the least context that is of use.
    """
    shape = _shape_of(model, quantization_bits)
    device = model.device
    if (fault := kernel_fault(model, shape)) is not None:
        raise KernelsUnavailableError(fault)
    tuning = tuning_for(device, heads=shape.heads)
    capability = torch.cuda.get_device_capability(device)
    code = load_or_compile(capability, [*shape.defines(), *tuning.defines()])
    program = Program(code, device)
    if not program.starts_together():
        raise KernelsUnavailableError(
            say("the GPU does not start all blocks of a kernel together (cooperative launch)")
        )
    unpacker = Unpacker(program, model.dtype, device)
    weights = fuse_weights(model, unpacker)
    capacity = _fitting_capacity(model, shape)
    buffers = StepBuffers(shape, tuning, capacity, device, rotation_angles(model, capacity))
    return CudaDecoder(program, shape, tuning, weights, buffers, unpacker)


def kernel_fault(model: "LlamaModel", shape: Shape) -> Sentence | None:
    """Return why the kernels cannot compute this model on its GPU, or None when they can."""
    config = model.config
    capability = torch.cuda.get_device_capability(model.device)
    if capability not in SHARED_LIMITS:
        return say(
            "no kernels are made for GPUs of compute capability {capability}",
            capability=".".join(map(str, capability)),
        )
    if model.dtype not in (torch.float16, torch.bfloat16):
        return say("the kernels compute in float16 and bfloat16, not {dtype}", dtype=model.dtype)
    if len({weight.device for weight in model.parameters()}) != 1:
        return say("the model lies on several devices")
    if config.num_key_value_heads != shape.heads or config.hidden_act != "silu":
        return say("the kernels know neither grouped queries nor other activations than SiLU")
    if shape.head_dim not in HEAD_DIMS or shape.hidden % 64 or shape.intermediate % 64:
        return say(
            "the kernels are not made for widths of {hidden} and {intermediate}",
            hidden=shape.hidden,
            intermediate=shape.intermediate,
        )
    if shape.bits < 16 and config.tie_word_embeddings:
        return say("the kernels want lm_head quantized as well, and it is the embedding")
    rotary = model.model.rotary_emb
    if rotary.rope_type not in ("default", "linear") or rotary.attention_scaling != 1.0:
        return say("the kernels know no rotary embedding of type {kind}", kind=rotary.rope_type)
    return None


def rotation_angles(model: "LlamaModel", positions: int) -> Tensor:
    """Return cos and sin (positions, head_dim / 2, 2) float32 of the rotary embedding."""
    frequencies = model.model.rotary_emb.inv_freq.double()
    places = torch.arange(positions, dtype=torch.float64, device=frequencies.device)
    turns = torch.outer(places, frequencies)
    return torch.stack((turns.cos(), turns.sin()), dim=-1).float().contiguous()


def _shape_of(model: "LlamaModel", quantization_bits: int | None) -> Shape:
    bits = quantization_bits or 16
    return Shape.of(
        model.config,
        bits=bits,
        head_bits=16 if bits == 16 else LM_HEAD_BITS,
        is_bfloat16=model.dtype == torch.bfloat16,
    )


def _fitting_capacity(model: "LlamaModel", shape: Shape) -> int:
    context: int = model.config.max_position_embeddings
    token_bytes = 2 * shape.layers * shape.hidden * model.dtype.itemsize
    torch.cuda.empty_cache()
    free, _ = torch.cuda.mem_get_info(model.device)
    room: int = max(0, free - PREFILL_BYTES) // token_bytes
    if room >= context:
        return context
    capacity = room // _CAPACITY_STEP * _CAPACITY_STEP
    if capacity < LEAST_CONTEXT_TOKENS:
        needed = LEAST_CONTEXT_TOKENS * token_bytes + PREFILL_BYTES
        raise MemoryShortageError(
            say(
                "Beside the weights the GPU has {free} free; a context of "
                "{tokens} tokens needs {needed}.",
                free=gigabytes(free),
                tokens=LEAST_CONTEXT_TOKENS,
                needed=gigabytes(needed),
            ),
            hint=say(
                "Close what else uses the GPU, or load the model with --quant 8 or --quant 4."
            ),
        )
    return capacity
