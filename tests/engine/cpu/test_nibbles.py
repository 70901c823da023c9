import pytest
import torch

from tests.engine.cpu.matrices import weight
from tests.engine.cpu.rounded import heavy_tailed
from xverse_chat.engine.cpu import nibbles
from xverse_chat.engine.cpu.nibbles import NibbleMatrix, pack_nibbles
from xverse_chat.engine.quant import Codes, dequantize, quantize_int4


def packed(codes: Codes) -> NibbleMatrix:
    matrix = pack_nibbles(codes)
    assert matrix is not None
    return matrix


@pytest.mark.parametrize("part_codes", [2**12, 2**18])
@pytest.mark.parametrize("rows", [16, 48, 64, 80, 336])
def test_packed_in_parts_a_matrix_is_what_torch_makes_of_it_at_once(
    rows: int, part_codes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nibbles, "_PART_CODES", part_codes)
    values = torch.randint(0, 256, (rows, 96), dtype=torch.uint8)
    assert torch.equal(nibbles._packed(values), nibbles._pack_words(values))


def test_codes_and_zero_points_come_back_as_they_were() -> None:
    """What a column of a matrix is multiplied with, tells its weights."""
    codes = quantize_int4(weight(80, 128, 3))
    assert codes.zeros is not None
    # Scales that bfloat16 holds: then nothing at all is rounded but zero points far from 8.
    rounded = Codes(codes.values, torch.ones_like(codes.scales), codes.zeros)
    got = packed(rounded)(torch.eye(128)).t()
    assert torch.equal(got.double(), dequantize(rounded, torch.float64))


@pytest.mark.parametrize("tokens", [1, 5, 40])
def test_the_product_is_as_close_as_bfloat16(tokens: int) -> None:
    codes = quantize_int4(weight(96, 256, 3))
    assert codes.zeros is not None
    x = heavy_tailed(tokens, 256, seed=tokens)
    got = packed(codes)(x)
    assert (got.shape, got.dtype) == ((tokens, 96), torch.float32)
    # The operator adds up two parts of each weight, one with the code and one with the zero point.
    # Scale, second part, activation and result are rounded once each, by half a unit at most.
    whole = dequantize(
        Codes(codes.values, torch.ones_like(codes.scales), codes.zeros), torch.double
    )
    zeros = codes.zeros.double().repeat_interleave(64, dim=1)
    scales = codes.scales.double().repeat_interleave(64, dim=1)
    parts = ((whole + zeros - 8).abs() + (8 - zeros).abs()) * scales
    error = (got - x.double() @ dequantize(codes, torch.float64).T).abs()
    most = 4 * torch.finfo(torch.bfloat16).eps / 2 * (x.double().abs() @ parts.T)
    assert bool((error <= most).all())


def test_a_height_that_the_operator_does_not_take_is_none() -> None:
    assert pack_nibbles(quantize_int4(weight(40, 64, 0))) is None
