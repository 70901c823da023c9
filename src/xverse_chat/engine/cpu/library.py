"""The compiled functions as Python calls them: tensors in, tensors out.

The structures are those of ``matrix.h`` and ``layer.h``. They hold addresses: whoever makes one
keeps the tensors.
"""

import ctypes
from ctypes import c_float, c_long, c_void_p
from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from xverse_chat.engine.cpu.cache import CpuCache

# ``enum Kind`` in matrix.h.
KINDS = {torch.float16: 16, torch.bfloat16: 17, torch.float32: 32}
_MOST_MATRICES = 3
_SIGNATURES = {
    "multiply": (c_void_p, c_void_p, c_long, c_void_p),
    "norm": (c_void_p, c_void_p, c_float, c_long, c_long, c_void_p),
    "gate": (c_void_p, c_long, c_long, c_void_p),
    "rotate": (c_void_p, c_void_p, c_void_p, c_void_p, c_long, c_long),
    "pass": (c_void_p, c_void_p, c_long, c_void_p, c_void_p, c_float, c_void_p, c_void_p),
}


class MatrixAddress(ctypes.Structure):
    """Where a matrix lies; scales and zeros of codes only."""

    _fields_ = [
        ("values", c_void_p),
        ("scales", c_void_p),
        ("zeros", c_void_p),
        ("rows", c_long),
    ]


class ProductAddress(ctypes.Structure):
    """Matrices of one kind that share their input: bits of codes, or one of ``KINDS``."""

    _fields_ = [
        ("kind", c_long),
        ("count", c_long),
        ("columns", c_long),
        ("matrices", MatrixAddress * _MOST_MATRICES),
    ]

    @property
    def rows(self) -> int:
        """The width of the output."""
        return sum(int(matrix.rows) for matrix in self.matrices[: self.count])


class CacheAddress(ctypes.Structure):
    """Keys and values of a layer (H, capacity, D), float16 or float32."""

    _fields_ = [
        ("kind", c_long),
        ("keys", c_void_p),
        ("values", c_void_p),
        ("heads", c_long),
        ("capacity", c_long),
        ("size", c_long),
    ]


class LayerAddress(ctypes.Structure):
    """Weights of a layer."""

    _fields_ = [
        ("attention_norm", c_void_p),
        ("mlp_norm", c_void_p),
        ("qkv", ProductAddress),
        ("output", ProductAddress),
        ("gate_up", ProductAddress),
        ("down", ProductAddress),
    ]


class Kernels:
    """The functions, on contiguous float32 tensors; norm, gate and rotate are ``Steps``."""

    def __init__(self, library: ctypes.CDLL) -> None:
        self._functions = {}
        for name, arguments in _SIGNATURES.items():
            function = getattr(library, name)
            function.argtypes, function.restype = arguments, None
            self._functions[name] = function

    def multiply(self, product: ProductAddress, x: Tensor) -> Tensor:
        """Return (T, N) of ``x`` (T, K), N over all matrices; T is 1 where they are no codes."""
        out = torch.empty(len(x), product.rows)
        self._functions["multiply"](ctypes.addressof(product), x.data_ptr(), len(x), out.data_ptr())
        return out

    def norm(self, x: Tensor, weight: Tensor, epsilon: float) -> Tensor:
        """Return the RMS norm of ``x`` (T, K) with ``weight`` (K,)."""
        out = torch.empty_like(x)
        self._functions["norm"](x.data_ptr(), weight.data_ptr(), epsilon, *x.shape, out.data_ptr())
        return out

    def gate(self, x: Tensor) -> Tensor:
        """Return (T, K) of ``x`` (T, 2K): SiLU of the first half times the second."""
        tokens, width = x.shape
        out = torch.empty(tokens, width // 2)
        self._functions["gate"](x.data_ptr(), tokens, width // 2, out.data_ptr())
        return out

    def rotate(
        self, cache: "CpuCache", layer: int, qkv: Tensor, angles: tuple[Tensor, Tensor]
    ) -> None:
        """Rotate q in ``qkv`` (T, 3HD); write k, rotated, and v to the end of the cache.

        Angles are cosines and sines (T, D/2); the cache has room.
        """
        cosines, sines = angles
        self._functions["rotate"](
            ctypes.addressof(cache.addresses[layer]),
            qkv.data_ptr(),
            cosines.data_ptr(),
            sines.data_ptr(),
            len(qkv),
            cache.length,
        )

    def pass_layer(
        self,
        layer: LayerAddress,
        cache: CacheAddress,
        position: int,
        angles: tuple[Tensor, Tensor],
        epsilon: float,
        hidden: Tensor,
        room: Tensor,
    ) -> None:
        """Let ``hidden`` (1, K) of the token at ``position`` pass through a layer, in place.

        ``room`` is for what is computed on the way: 5K and three times the width of the MLP.
        """
        cosines, sines = angles
        self._functions["pass"](
            ctypes.addressof(layer),
            ctypes.addressof(cache),
            position,
            cosines.data_ptr(),
            sines.data_ptr(),
            epsilon,
            hidden.data_ptr(),
            room.data_ptr(),
        )
