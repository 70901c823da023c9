"""Models of XVERSE's architecture with random weights, made in memory in any precision.

Random codes stand for quantized weights: speed and memory do not depend on them.
"""

import torch
from torch import Tensor, nn
from transformers import GenerationConfig, LlamaConfig

from xverse_chat.engine.model import XverseForCausalLM
from xverse_chat.engine.quant import GROUP_SIZE, Codes, QuantizedLinear, bits_of

VOCABULARY = 100_534
CONTEXT_TOKENS = 8192


def config_7b(layers: int = 32) -> LlamaConfig:
    """Return the shape of XVERSE-7B-Chat, perhaps with fewer layers."""
    return _config(hidden=4096, intermediate=11_008, layers=layers, heads=32)


def config_1b(layers: int = 24) -> LlamaConfig:
    """Return a shape of about a billion weights in XVERSE's proportions."""
    return _config(hidden=2048, intermediate=5504, layers=layers, heads=16)


def linear_parameters(config: LlamaConfig) -> int:
    """Return the weights that are read for each token: all but the embedding."""
    hidden: int = config.hidden_size
    layer: int = 4 * hidden**2 + 3 * hidden * config.intermediate_size
    total: int = config.num_hidden_layers * layer + config.vocab_size * hidden
    return total


def random_model(
    config: LlamaConfig, *, bits: int, device: torch.device, dtype: torch.dtype
) -> XverseForCausalLM:
    """Return a model on ``device`` whose linears have ``bits``: 16 of ``dtype``, 8 or 4."""
    with torch.device("meta"):
        model = XverseForCausalLM(config)
    with torch.device(device):
        for name, parameter in list(model.named_parameters()):
            owner, _, leaf = name.rpartition(".")
            module = model.get_submodule(owner)
            if isinstance(module, nn.Linear) and bits in (4, 8):
                codes = _random_codes(*parameter.shape, bits=bits_of(owner, bits))
                model.set_submodule(owner, QuantizedLinear(codes))
                continue
            setattr(module, leaf, nn.Parameter(_random(parameter, dtype), requires_grad=False))
        model.model.rotary_emb = type(model.model.rotary_emb)(config)
    model.quantization_bits = bits if bits in (4, 8) else None
    model.generation_config = GenerationConfig(eos_token_id=3, pad_token_id=1)
    model.eval()
    return model


def random_ids(count: int, seed: int = 0) -> list[int]:
    """Return token ids without control tokens."""
    generator = torch.Generator().manual_seed(seed)
    ids: list[int] = torch.randint(10, VOCABULARY, (count,), generator=generator).tolist()
    return ids


def _config(*, hidden: int, intermediate: int, layers: int, heads: int) -> LlamaConfig:
    return LlamaConfig(
        hidden_size=hidden,
        intermediate_size=intermediate,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        num_key_value_heads=heads,
        vocab_size=VOCABULARY,
        max_position_embeddings=CONTEXT_TOKENS,
        rms_norm_eps=1e-6,
        tie_word_embeddings=False,
    )


def _random(like: Tensor, dtype: torch.dtype) -> Tensor:
    """Return ones for a norm, else values from N(0, 0.02²)."""
    if like.dim() == 1:
        return torch.ones(like.shape, dtype=dtype)
    return torch.randn(like.shape, dtype=dtype) * 0.02


def _random_codes(rows: int, columns: int, *, bits: int) -> Codes:
    """Return codes of about the size of Gaussian weights with a deviation of 0.02."""
    if bits == 8:
        values = torch.randint(-127, 128, (rows, columns), dtype=torch.int8)
        return Codes(values, torch.full((rows, 1), 3e-4), None)
    values = torch.randint(0, 256, (rows, columns // 2), dtype=torch.uint8)
    groups = rows, columns // GROUP_SIZE
    zeros = torch.randint(7, 9, groups, dtype=torch.uint8)
    return Codes(values, torch.full(groups, 0.0043), zeros)
