"""Codes as a quantized model folder stores them, and back, without any loss but the scales' dtype.

compressed-tensors packs along int32 words, the first value in the lowest bits: on a little-endian
machine our bytes are those words already. It counts codes from -8 or -128, and stores them from 0.
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from xverse_chat.checkpoint.quantization import linear_bits, part_names
from xverse_chat.engine.quant import Codes, quantize_int4, quantize_int8
from xverse_chat.errors import EngineError
from xverse_chat.wording import say

_WORD_BYTES = 4
_NIBBLES = 8  # in a word
_SIGN = 0x80


def quantized_parts(
    name: str, weight: Tensor, config: Mapping[str, Any], *, bits: int
) -> dict[str, Tensor]:
    """Return what a folder of ``bits`` stores in place of the tensor ``name``, on the CPU.

    Computes on the GPU where there is one with room. What is no linear's comes back as it is.
    """
    own_bits = linear_bits(name, config, bits)
    if own_bits is None:
        return {name: weight}
    try:
        codes = _quantize(weight.to("cuda" if torch.cuda.is_available() else "cpu"), own_bits)
    except torch.OutOfMemoryError:
        codes = _quantize(weight, own_bits)
    return pack(name, codes)


def pack(name: str, codes: Codes) -> dict[str, Tensor]:
    """Return the stored tensors of the linear weight ``name``, on the CPU.

    Raises EngineError for a matrix (N, K) whose rows do not fill whole words.
    """
    values = codes.values.contiguous()
    rows, row_bytes = values.shape
    columns = row_bytes * (1 if codes.zeros is None else 2)
    if row_bytes % _WORD_BYTES:
        raise EngineError(
            say(
                "{name} has {columns} columns: a quantized folder needs a multiple of {step}.",
                name=name,
                columns=columns,
                step=_WORD_BYTES * columns // row_bytes,
            )
        )
    names = part_names(name)
    stored = values if codes.zeros is not None else values.view(torch.uint8) ^ _SIGN
    parts = {
        names["packed"]: stored.view(torch.int32),
        names["scale"]: codes.scales.to(scale_dtype(codes.scales)),
        names["shape"]: torch.tensor([rows, columns]),
    }
    if codes.zeros is not None:
        parts[names["zero_point"]] = _pack_zeros(codes.zeros)
    return {part: tensor.cpu().contiguous() for part, tensor in parts.items()}


def unpack(packed: Tensor, scale: Tensor, zero_point: Tensor | None) -> Codes:
    """Return the codes of a linear (N, K), with float32 scales, where the parts lie.

    Codes of 4 bits are the parts' own memory.
    """
    stored = packed.contiguous().view(torch.uint8)
    scales = scale.to(torch.float32, copy=True)
    if zero_point is None:
        return Codes((stored ^ _SIGN).view(torch.int8), scales, None)
    return Codes(stored, scales, _unpack_zeros(zero_point, len(packed)))


def scale_dtype(scales: Tensor) -> torch.dtype:
    """Return the 16-bit type that keeps ``scales`` best.

    float16 keeps them eight times closer than bfloat16 as long as the largest lies in its range.
    Smaller ones lose digits below 6e-5 there, of weights that are nothing beside the others.
    """
    limits = torch.finfo(torch.float16)
    return torch.float16 if limits.tiny <= scales.max() <= limits.max else torch.bfloat16


def _quantize(weight: Tensor, bits: int) -> Codes:
    return quantize_int4(weight) if bits == 4 else quantize_int8(weight)


def _pack_zeros(zeros: Tensor) -> Tensor:
    """Pack (N, G) uint8, 0 to 15, to (N/8, G) int32."""
    rows, groups = zeros.shape
    padded = functional.pad(zeros, (0, 0, 0, -rows % _NIBBLES)).t()
    pairs = padded[:, 0::2] | padded[:, 1::2] << 4
    # Flat, because a dimension of one may have any stride, which a view as words refuses.
    return pairs.reshape(-1).view(torch.int32).view(groups, -1).t()


def _unpack_zeros(packed: Tensor, rows: int) -> Tensor:
    """Return (N, G) uint8 of (N/8, G) int32."""
    pairs = packed.t().reshape(-1).view(torch.uint8)
    zeros = torch.stack((pairs & 15, pairs >> 4), dim=-1).view(packed.shape[1], -1)
    return zeros[:, :rows].t().contiguous()
