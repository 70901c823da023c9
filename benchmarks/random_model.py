"""A model of XVERSE's architecture with random weights, made in memory in any precision."""

from dataclasses import dataclass

import torch
from torch import nn
from transformers import LlamaConfig

from xverse_chat.engine.model import XverseForCausalLM
from xverse_chat.engine.quant import GROUP_SIZE, Codes, QuantizedLinear, bits_of


@dataclass(frozen=True, slots=True)
class ModelShape:
    """XVERSE's proportions: heads of 128, an MLP 2.6875 times as wide, no tied head."""

    hidden: int = 2048
    intermediate: int = 5504
    layers: int = 24
    heads: int = 16
    vocab: int = 100_534

    @property
    def linear_parameters(self) -> int:
        """The weights that are read for each token."""
        layer = 4 * self.hidden**2 + 3 * self.hidden * self.intermediate
        return self.layers * layer + self.vocab * self.hidden


def random_model(shape: ModelShape, *, bits: int, dtype: torch.dtype) -> XverseForCausalLM:
    """Return a model whose linears have ``bits`` (4, 8, or those of ``dtype``)."""
    config = LlamaConfig(
        hidden_size=shape.hidden,
        intermediate_size=shape.intermediate,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        vocab_size=shape.vocab,
        max_position_embeddings=8192,
        rms_norm_eps=1e-6,
    )
    with torch.device("meta"):
        model = XverseForCausalLM(config)
    for name, parameter in list(model.named_parameters()):
        owner, _, leaf = name.rpartition(".")
        module = model.get_submodule(owner)
        if isinstance(module, nn.Linear) and bits in (4, 8):
            model.set_submodule(
                owner, QuantizedLinear(_random_codes(*parameter.shape, bits=bits_of(owner, bits)))
            )
            continue
        is_norm = parameter.dim() == 1
        values = torch.ones(parameter.shape) if is_norm else torch.randn(parameter.shape) * 0.02
        setattr(module, leaf, nn.Parameter(values.to(dtype), requires_grad=False))
    model.model.rotary_emb = type(model.model.rotary_emb)(config)
    model.eval()
    return model


def _random_codes(rows: int, columns: int, *, bits: int) -> Codes:
    """Return codes of about the size of Gaussian weights with a deviation of 0.02."""
    if bits == 8:
        values = torch.randint(-127, 128, (rows, columns), dtype=torch.int8)
        return Codes(values, torch.full((rows, 1), 3e-4), None)
    values = torch.randint(0, 256, (rows, columns // 2), dtype=torch.uint8)
    groups = rows, columns // GROUP_SIZE
    zeros = torch.randint(7, 9, groups, dtype=torch.uint8)
    return Codes(values, torch.full(groups, 0.0043), zeros)
