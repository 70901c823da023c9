"""The compiled functions as Python calls them: tensors in, tensors out."""

import ctypes
from ctypes import c_float, c_long, c_void_p

import torch
from torch import Tensor

_TYPES = {torch.float32: "float32", torch.float16: "float16", torch.bfloat16: "bfloat16"}
_MATRICES = (c_void_p, c_long)
_SIGNATURES = {
    "multiply_codes_4": (*_MATRICES, c_void_p, c_long, c_long, c_void_p, c_long),
    "multiply_codes_8": (*_MATRICES, c_void_p, c_long, c_long, c_void_p, c_long),
    "multiply_float32": (*_MATRICES, c_void_p, c_long, c_void_p),
    "multiply_float16": (*_MATRICES, c_void_p, c_long, c_void_p),
    "multiply_bfloat16": (*_MATRICES, c_void_p, c_long, c_void_p),
    "norm": (c_void_p, c_void_p, c_float, c_long, c_long, c_void_p),
    "gate": (c_void_p, c_long, c_long, c_void_p),
    "rotate_float32": (*(c_void_p,) * 3, *(c_long,) * 3, c_void_p, c_void_p, c_long, c_long),
    "rotate_float16": (*(c_void_p,) * 3, *(c_long,) * 3, c_void_p, c_void_p, c_long, c_long),
    "attend_float32": (*(c_void_p,) * 3, *(c_long,) * 4, c_void_p),
    "attend_float16": (*(c_void_p,) * 3, *(c_long,) * 4, c_void_p),
}


class CodesMatrix(ctypes.Structure):
    """Where a quantized matrix lies, as ``Codes`` in ``codes.h``."""

    _fields_ = [
        ("values", c_void_p),
        ("scales", c_void_p),
        ("zeros", c_void_p),
        ("rows", c_long),
    ]


class FloatsMatrix(ctypes.Structure):
    """Where a matrix in 16 or 32 bits lies, as ``Floats`` in ``floats.h``."""

    _fields_ = [("values", c_void_p), ("rows", c_long)]


class Kernels:
    """The functions. Tensors are contiguous, and float32 where nothing else is said."""

    def __init__(self, library: ctypes.CDLL) -> None:
        self._functions = {}
        for name, arguments in _SIGNATURES.items():
            function = getattr(library, name)
            function.argtypes, function.restype = arguments, None
            self._functions[name] = function

    def multiply_codes(
        self, matrices: "ctypes.Array[CodesMatrix]", x: Tensor, *, bits: int, rows: int
    ) -> Tensor:
        """Return (T, ``rows``) of ``x`` (T, K): the products with all matrices side by side."""
        out = torch.empty(len(x), rows)
        self._functions[f"multiply_codes_{bits}"](
            ctypes.addressof(matrices),
            len(matrices),
            x.data_ptr(),
            *x.shape,
            out.data_ptr(),
            rows,
        )
        return out

    def multiply_floats(
        self, matrices: "ctypes.Array[FloatsMatrix]", x: Tensor, *, dtype: torch.dtype, rows: int
    ) -> Tensor:
        """Return (1, ``rows``) of ``x`` (1, K): the products with all matrices side by side."""
        out = torch.empty(1, rows)
        self._functions[f"multiply_{_TYPES[dtype]}"](
            ctypes.addressof(matrices), len(matrices), x.data_ptr(), x.shape[1], out.data_ptr()
        )
        return out

    def norm(self, x: Tensor, weight: Tensor, epsilon: float) -> Tensor:
        """Return the RMS norm of ``x`` (T, K) with ``weight`` (K,)."""
        out = torch.empty_like(x)
        self._functions["norm"](
            x.data_ptr(), weight.data_ptr(), epsilon, *x.shape, out.data_ptr()
        )
        return out

    def gate(self, x: Tensor) -> Tensor:
        """Return (T, K) of ``x`` (T, 2K): SiLU of the first half times the second."""
        tokens, width = x.shape
        out = torch.empty(tokens, width // 2)
        self._functions["gate"](x.data_ptr(), tokens, width // 2, out.data_ptr())
        return out

    def rotate(
        self, qkv: Tensor, angles: tuple[Tensor, Tensor], keys: Tensor, values: Tensor, first: int
    ) -> None:
        """Rotate q in ``qkv`` (T, 3HD); write k, rotated, and v to the cache from ``first`` on.

        Angles are cosines and sines (T, D/2); keys and values (H, capacity, D) float32 or
        float16, with room for T tokens.
        """
        heads, capacity, size = keys.shape
        self._functions[f"rotate_{_TYPES[keys.dtype]}"](
            qkv.data_ptr(),
            angles[0].data_ptr(),
            angles[1].data_ptr(),
            len(qkv),
            heads,
            size,
            keys.data_ptr(),
            values.data_ptr(),
            capacity,
            first,
        )

    def attend(self, qkv: Tensor, keys: Tensor, values: Tensor, length: int) -> Tensor:
        """Return (1, HD): what the q in ``qkv`` (1, 3HD) finds in the first ``length`` tokens."""
        heads, capacity, size = keys.shape
        out = torch.empty(1, heads * size)
        self._functions[f"attend_{_TYPES[keys.dtype]}"](
            qkv.data_ptr(),
            keys.data_ptr(),
            values.data_ptr(),
            heads,
            size,
            capacity,
            length,
            out.data_ptr(),
        )
        return out
