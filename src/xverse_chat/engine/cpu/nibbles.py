"""A 4-bit matrix packed for torch's own operator, which reads it with activations in bfloat16."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache

import torch
from torch import Tensor, nn

from xverse_chat.engine.cpu.operators import multiply_nibbles
from xverse_chat.engine.cpu.threads import one_thread
from xverse_chat.engine.packed_linear import PackedLinear
from xverse_chat.engine.quant import GROUP_SIZE, Codes

# The operator wants whole multiples of 16 rows.
_ROW_STEP = 16
# Codes that become words of 32 bits at once: they stay in the cache until they are packed.
_PART_CODES = 2**18
_MIDDLE = 8  # the operator counts codes from -8


class NibbleMatrix:
    """A ``PackedMatrix`` of 4 bits, and a ``Product``.

    ``packed`` (N, K/2) uint8, ``scales_zeros`` (K/64, N, 2) bfloat16: the scale, and what a code
    of 8 stands for.
    """

    bits = 4

    def __init__(self, packed: Tensor, scales_zeros: Tensor) -> None:
        self.weights = packed
        self.scales_zeros = scales_zeros
        self.rows = len(packed)
        self.columns = 2 * packed.shape[1]

    def __call__(self, x: Tensor) -> Tensor:
        """Return (T, N) float32 for ``x`` (T, K), contiguous float32."""
        return multiply_nibbles(x, self.weights, self.scales_zeros)

    def multiply(self, x: Tensor) -> Tensor:
        """Return (T, N) in the dtype of ``x`` (T, K)."""
        return self(x).to(x.dtype)


def pack_nibbles(codes: Codes) -> NibbleMatrix | None:
    """Return 4-bit codes (N, K) packed, or None for a height that the operator does not take."""
    if len(codes.values) % _ROW_STEP:
        return None
    assert codes.zeros is not None
    # From the rounded scales, so that most zero points are exact.
    scales = codes.scales.bfloat16()
    zeros = (_MIDDLE - codes.zeros.float()) * scales.float()
    both = torch.stack((scales.t(), zeros.bfloat16().t()), dim=-1)
    return NibbleMatrix(_packed(codes.values), both.contiguous())


def _packed(values: Tensor) -> Tensor:
    """Return codes (N, K/2), the even column in the low half, in the operator's order.

    That keeps blocks of rows together, column by column. So 64 columns of a block can be packed as
    if they were a block of their own, five times as fast as longer rows, which lie so that they
    drive each other out of the cache.
    """
    packed = torch.empty_like(values)
    tall = len(values) // _block_rows() * _block_rows()
    width = GROUP_SIZE // 2
    short = values[:tall].view(-1, _block_rows(), values.shape[1] // width, width)
    rows = short.transpose(1, 2).reshape(-1, width)
    step = _PART_CODES // GROUP_SIZE
    parts = torch.split(rows, step), torch.split(packed[:tall].view(-1, width), step)
    with one_thread() as threads, ThreadPoolExecutor(threads) as pool:
        list(pool.map(_pack_part, *parts))
    if tall < len(values):
        packed[tall:] = _pack_words(values[tall:])
    return packed


def _pack_part(values: Tensor, place: Tensor) -> None:
    place.copy_(_pack_words(values))


def _pack_words(values: Tensor) -> Tensor:
    """Return codes (N, K/2) packed, by way of a word for each, as the operator wants them."""
    words = torch.stack((values & 15, values >> 4), dim=-1).flatten(1).int()
    packed: Tensor = torch.ops.aten._convert_weight_to_int4pack_for_cpu(words, 1)
    return packed


@cache
def _block_rows() -> int:
    """Return how many rows the operator keeps together: 64, 32 or 16, as its vectors are long."""
    values = torch.zeros(64, GROUP_SIZE // 2, dtype=torch.uint8)
    values[:, 0] = 1  # the first column of each row
    return 2 * int(_pack_words(values).flatten().argmin())


def shared_matrix(linears: Sequence[nn.Module]) -> NibbleMatrix | None:
    """Return the matrix that all ``linears``, and no others, were packed into before, or None."""
    packed = [linear for linear in linears if isinstance(linear, PackedLinear)]
    if len(packed) != len(linears):
        return None
    matrix = packed[0].matrix
    rows = sum(linear.out_features for linear in packed if linear.matrix is matrix)
    return matrix if isinstance(matrix, NibbleMatrix) and rows == matrix.rows else None
