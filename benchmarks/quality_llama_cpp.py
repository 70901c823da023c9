"""llama.cpp's own quantization, through the library that the package llama-cpp-python holds.

Only ``libggml-base`` is loaded; no model file is written. ``None`` stands for a machine without it.
"""

import ctypes
import importlib.util
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import torch
from torch import Tensor

# Names of formats and their numbers in ggml.h, ``enum ggml_type``.
_TYPES = {"Q4_0": 2, "Q5_0": 6, "Q8_0": 8, "Q4_K": 12, "Q6_K": 14, "IQ4_NL": 20, "IQ4_XS": 23}
# What llama.cpp takes instead where the width is no multiple of a super-block of 256
# (llama-quant.cpp, tensor_type_fallback).
_FALLBACKS = {"Q4_K": "Q5_0", "Q6_K": "Q8_0", "IQ4_XS": "IQ4_NL"}


@dataclass(frozen=True, slots=True)
class Ggml:
    """The library, loaded."""

    _library: ctypes.CDLL

    def bits(self, format_name: str) -> float:
        """Return the bits of one weight, scales included."""
        self._library.ggml_row_size.restype = ctypes.c_size_t
        row_bytes = self._library.ggml_row_size(_TYPES[format_name], ctypes.c_int64(256))
        return float(row_bytes) * 8 / 256

    def restored(self, weight: Tensor, format_name: str) -> Tensor:
        """Return (N, K) as it comes back from the format. K is a multiple of its block."""
        exact = weight.float().contiguous()
        rows, columns = exact.shape
        packed = torch.empty(int(rows * columns * self.bits(format_name) / 8), dtype=torch.uint8)
        quantize = self._library.ggml_quantize_chunk
        quantize.restype = ctypes.c_size_t
        written = quantize(
            _TYPES[format_name],
            ctypes.c_void_p(exact.data_ptr()),
            ctypes.c_void_p(packed.data_ptr()),
            ctypes.c_int64(0),
            ctypes.c_int64(rows),
            ctypes.c_int64(columns),
            None,  # no importance matrix: nobody else gets to see activations either
        )
        assert written == len(packed)
        back = torch.empty_like(exact)
        # The functions are called dequantize_row_q4_0, dequantize_row_q4_K: only K is a capital.
        symbol = "dequantize_row_" + format_name.lower().replace("_k", "_K")
        getattr(self._library, symbol)(
            ctypes.c_void_p(packed.data_ptr()),
            ctypes.c_void_p(back.data_ptr()),
            ctypes.c_int64(exact.numel()),
        )
        return back


@cache
def load_ggml() -> Ggml | None:
    """Return the library of llama-cpp-python, or None where that is not installed."""
    found = importlib.util.find_spec("llama_cpp")
    if found is None or found.origin is None:
        return None
    for path in sorted(Path(found.origin).parent.glob("lib/*ggml-base.*")):
        return Ggml(ctypes.CDLL(str(path)))
    return None


def fitting_format(format_name: str, columns: int) -> str:
    """Return the format that llama.cpp really takes for a matrix of ``columns``."""
    return _FALLBACKS.get(format_name, format_name) if columns % 256 else format_name


def q4_k_m_format(name: str, *, layer: int, layers: int) -> str:
    """Return the format of a Linear in a Q4_K_M file (llama-quant.cpp, use_more_bits).

    Half of the matrices ``v_proj`` and ``down_proj`` get Q6_K, the rest Q4_K.
    """
    eighth = layers // 8
    is_chosen = layer < eighth or layer >= 7 * layers // 8 or (layer - eighth) % 3 == 2
    return "Q6_K" if is_chosen and name in ("v_proj", "down_proj") else "Q4_K"
