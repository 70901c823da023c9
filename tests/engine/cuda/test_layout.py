"""Packing for the kernels loses nothing, whatever the shape."""

import pytest
import torch

from xverse_chat.engine.cuda.layout import pack, plain_matrix, unpack
from xverse_chat.engine.quant import dequantize, quantize_int4, quantize_int8
from xverse_chat.errors import EngineError


@pytest.mark.parametrize("is_gated", [False, True])
@pytest.mark.parametrize("shape", [(16, 64), (48, 384), (64, 11008)])
@pytest.mark.parametrize("bits", [4, 8])
def test_what_is_packed_can_be_read_back(bits: int, shape: tuple[int, int], is_gated: bool) -> None:
    weight = torch.randn(shape) * 0.02
    codes = (quantize_int4 if bits == 4 else quantize_int8)(weight)
    matrix = pack(codes, is_gated=is_gated)
    scales = codes.scales.half().float() if bits == 4 else codes.scales
    expected = dequantize(type(codes)(codes.values, scales, codes.zeros), torch.float64)
    assert torch.equal(unpack(matrix, torch.float64), expected)


def test_rows_that_fill_no_tile_come_back_without_padding() -> None:
    codes = quantize_int8(torch.randn(534, 96))
    assert torch.equal(unpack(pack(codes), torch.float64), dequantize(codes, torch.float64))


@pytest.mark.parametrize(("bits", "columns"), [(16, 100), (8, 48)])
def test_odd_widths_are_refused_with_figures(bits: int, columns: int) -> None:
    weight = torch.randn(16, columns)
    with pytest.raises(EngineError, match=rf"{columns} columns.*multiple of 32"):
        plain_matrix(weight.half()) if bits == 16 else pack(quantize_int8(weight))


def test_a_gate_that_fills_no_tile_is_refused() -> None:
    with pytest.raises(EngineError, match="24 rows"):
        plain_matrix(torch.randn(24, 64).half(), is_gated=True)
