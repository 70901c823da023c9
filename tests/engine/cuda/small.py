"""A small model, and a decoder of it whose kernels run on the CPU."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from transformers import LlamaConfig

from tests.engine.cuda.emulator import Emulator
from xverse_chat.engine.cuda.decoder import CudaDecoder
from xverse_chat.engine.cuda.fusing import fuse_weights
from xverse_chat.engine.cuda.making import rotation_angles
from xverse_chat.engine.cuda.shape import Shape
from xverse_chat.engine.cuda.step import ModelWeights, StepBuffers
from xverse_chat.engine.cuda.tuning import Tuning
from xverse_chat.engine.cuda.unpacking import Unpacker
from xverse_chat.engine.model import XverseForCausalLM

CPU = torch.device("cpu")
CAPACITY = 160
VOCAB = 301
TUNING = Tuning(blocks=5, teams=1, splits=2, row_piece=2048, shared_limit_bytes=101_376)

Emulate = Callable[[Shape, Tuning], Emulator]


def small_model(
    bits: int = 16, dtype: torch.dtype = torch.float16, *, layers: int = 2, heads: int = 2
) -> XverseForCausalLM:
    """Return a seeded model with heads of 64, quantized where ``bits`` are 8 or 4."""
    torch.manual_seed(5)
    config = LlamaConfig(
        hidden_size=64 * heads,
        intermediate_size=192,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        num_key_value_heads=heads,
        vocab_size=VOCAB,
        max_position_embeddings=CAPACITY,
        rms_norm_eps=1e-6,
        tie_word_embeddings=False,
    )
    model: XverseForCausalLM = XverseForCausalLM(config).to(dtype).eval()
    for name, parameter in model.named_parameters():
        if "norm" in name:
            parameter.data.uniform_(0.5, 1.5)
        else:
            parameter.data.mul_(3)
    return model if bits == 16 else model.quantize(bits)


@dataclass
class Built:
    """A model whose modules share the weights of a decoder."""

    model: XverseForCausalLM
    shape: Shape
    launcher: Emulator
    weights: ModelWeights
    buffers: StepBuffers
    decoder: CudaDecoder


def build(
    emulate: Emulate, model: XverseForCausalLM, tuning: Tuning = TUNING, capacity: int = CAPACITY
) -> Built:
    """Return what ``making`` makes on a GPU, with its kernels on the CPU."""
    bits = model.quantization_bits or 16
    shape = Shape.of(
        model.config,
        bits=bits,
        head_bits=16 if bits == 16 else 8,
        is_bfloat16=model.dtype == torch.bfloat16,
    )
    launcher = emulate(shape, tuning)
    unpacker = Unpacker(launcher, model.dtype, CPU)
    weights = fuse_weights(model, unpacker)
    buffers = StepBuffers(shape, tuning, capacity, CPU, rotation_angles(model, capacity))
    buffers.cache.fill_(torch.nan)  # nothing may be read before it was written
    decoder = CudaDecoder(launcher, shape, tuning, weights, buffers, unpacker)
    return Built(model, shape, launcher, weights, buffers, decoder)


def exact(model: XverseForCausalLM) -> XverseForCausalLM:
    """Return a copy in float64 with just the weights that ``model`` computes with."""
    copy: XverseForCausalLM = XverseForCausalLM(model.config).double().eval()
    copy.config._attn_implementation = "eager"
    wanted = dict(copy.named_parameters())
    for name, parameter in model.named_parameters():
        wanted[name].data = parameter.data.double()
    for name, module in model.named_modules():
        if hasattr(module, "bits"):
            wanted[f"{name}.weight"].data = weight_of(module)
    return copy


def weight_of(module: torch.nn.Module) -> Tensor:
    """Return (N, K) float64 of a quantized linear, whatever holds its codes."""
    from xverse_chat.engine.cuda.fusing import UnpackedMatrix
    from xverse_chat.engine.cuda.layout import unpack
    from xverse_chat.engine.packed_linear import PackedLinear
    from xverse_chat.engine.quant import Codes, QuantizedLinear, dequantize

    if isinstance(module, PackedLinear):
        assert isinstance(module.matrix, UnpackedMatrix)
        rows = unpack(module.matrix.matrix, torch.float64)
        return rows[module.first_row : module.first_row + module.out_features]
    assert isinstance(module, QuantizedLinear)
    return dequantize(Codes(module.values, module.scales, module.zeros), torch.float64)
