"""What a layer computes beside its products, in torch's own operators."""

import torch
from torch import Tensor
from torch.nn import functional

from xverse_chat.engine.cpu.cache import CpuCache


class TorchSteps:
    """``Steps`` of torch's, on contiguous float32 tensors."""

    def norm(self, x: Tensor, weight: Tensor, epsilon: float) -> Tensor:
        """Return the RMS norm of ``x`` (T, K) with ``weight`` (K,)."""
        return functional.rms_norm(x, weight.shape, weight, epsilon)

    def gate(self, x: Tensor) -> Tensor:
        """Return (T, K) of ``x`` (T, 2K): SiLU of the first half times the second."""
        gate, up = x.chunk(2, dim=1)
        return functional.silu(gate).mul_(up)

    def rotate(
        self, cache: CpuCache, layer: int, qkv: Tensor, angles: tuple[Tensor, Tensor]
    ) -> None:
        """Rotate q in ``qkv`` (T, 3HD); write k, rotated, and v to the end of the cache.

        Angles are cosines and sines (T, D/2); the cache has room.
        """
        keys, values = cache.keys[layer], cache.values[layer]
        heads, _, size = keys.shape
        parts = qkv.view(len(qkv), 3 * heads, size)
        cosines, sines = (part.unsqueeze(1) for part in angles)
        first, second = parts[:, : 2 * heads].chunk(2, dim=-1)
        turned = torch.cat(
            (first * cosines - second * sines, second * cosines + first * sines), dim=-1
        )
        parts[:, :heads] = turned[:, :heads]
        new = slice(cache.length, cache.length + len(qkv))
        keys[:, new] = _within(turned[:, heads:], keys.dtype).transpose(0, 1)
        values[:, new] = _within(parts[:, 2 * heads :], values.dtype).transpose(0, 1)


def _within(tensor: Tensor, dtype: torch.dtype) -> Tensor:
    """Return what ``dtype`` can hold: an infinity would end in NaN."""
    if dtype == torch.float32:
        return tensor
    largest = torch.finfo(dtype).max
    return tensor.clamp(-largest, largest)
