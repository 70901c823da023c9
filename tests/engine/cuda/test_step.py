"""A whole decode step against transformers in float64, on small models."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from transformers import LlamaConfig, LlamaForCausalLM

from tests.engine.cuda.emulator import Emulator
from xverse_chat.engine.cuda.layout import DeviceMatrix, pack, plain_matrix, unpack
from xverse_chat.engine.cuda.shape import Shape
from xverse_chat.engine.cuda.step import LayerWeights, ModelWeights, Step, StepBuffers
from xverse_chat.engine.cuda.tuning import Tuning
from xverse_chat.engine.quant import quantize_int4, quantize_int8

CPU = torch.device("cpu")
CAPACITY = 96


def small_model() -> LlamaForCausalLM:
    torch.manual_seed(5)
    config = LlamaConfig(
        hidden_size=128,
        intermediate_size=192,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=2,
        vocab_size=301,
        max_position_embeddings=CAPACITY,
        rms_norm_eps=1e-6,
        tie_word_embeddings=False,
    )
    model = LlamaForCausalLM(config).half().eval()
    for name, parameter in model.named_parameters():
        if "norm" in name:
            parameter.data.uniform_(0.5, 1.5)
        else:
            parameter.data.mul_(3)
    return model


class Built:
    """Kernels' weights of a model, and the model in float64 with exactly those weights."""

    def __init__(self, bits: int) -> None:
        self.model = small_model()
        head_bits = 16 if bits == 16 else 8
        self.shape = Shape.of(self.model.config, bits=bits, head_bits=head_bits, is_bfloat16=False)
        layers = []
        for layer in self.model.model.layers:
            attention, mlp = layer.self_attn, layer.mlp
            layers.append(
                LayerWeights(
                    layer.input_layernorm.weight.data,
                    self._fused(attention.q_proj, attention.k_proj, attention.v_proj, bits=bits),
                    self._fused(attention.o_proj, bits=bits),
                    layer.post_attention_layernorm.weight.data,
                    self._fused(mlp.gate_proj, mlp.up_proj, bits=bits, is_gated=True),
                    self._fused(mlp.down_proj, bits=bits),
                )
            )
        self.weights = ModelWeights(
            self.model.model.embed_tokens.weight.data,
            layers,
            self.model.model.norm.weight.data,
            self._fused(self.model.lm_head, bits=head_bits),
        )
        self.model.double()
        for parts, exact in self._exact:
            for part, weight in zip(parts, exact, strict=True):
                part.weight.data = weight

    _exact: list[tuple[tuple[torch.nn.Linear, ...], tuple[Tensor, ...]]]

    def _fused(self, *parts: torch.nn.Linear, bits: int, is_gated: bool = False) -> DeviceMatrix:
        weight = torch.cat([part.weight.data for part in parts])
        if bits == 16:
            matrix = plain_matrix(weight, is_gated=is_gated)
        else:
            quantize = quantize_int8 if bits == 8 else quantize_int4
            matrix = pack(quantize(weight), is_gated=is_gated)
        exact = unpack(matrix, torch.float64).split([part.out_features for part in parts])
        if not hasattr(self, "_exact"):
            self._exact = []
        self._exact.append((parts, tuple(exact)))
        return matrix


def angles_of(model: LlamaForCausalLM) -> Tensor:
    positions = torch.arange(CAPACITY, dtype=torch.float64)
    turns = torch.outer(positions, model.model.rotary_emb.inv_freq.double())
    return torch.stack((turns.cos(), turns.sin()), dim=-1).float().contiguous()


@pytest.mark.parametrize("bits", [16, 8, 4])
def test_a_step_computes_what_transformers_does(
    bits: int, emulate: Callable[[Shape, Tuning], Emulator]
) -> None:
    built = Built(bits)
    tuning = Tuning(blocks=1, teams=2, splits=1, shared_limit_bytes=101_376)
    buffers = StepBuffers(built.shape, tuning, CAPACITY, CPU, angles_of(built.model))
    buffers.cache.zero_()
    buffers.settings.view(torch.float32)[:3] = torch.tensor([0.0, 1.0, 1.0])
    step = Step(emulate(built.shape, tuning), built.shape, tuning, built.weights, buffers)
    ids = torch.randint(0, 301, (40,)).tolist()
    built.model.config._attn_implementation = "eager"
    with torch.no_grad():
        expected = built.model(torch.tensor([ids])).logits[0]
    for position, token in enumerate(ids):
        buffers.state[:3] = torch.tensor([token, position, position])
        step.run()
        error = (buffers.logits.double() - expected[position]).norm() / expected[position].norm()
        assert error < 4e-3
        assert buffers.state[:3].tolist() == [
            int(buffers.logits.argmax()),
            position + 1,
            position + 1,
        ]
        assert buffers.ring[position % 8] == buffers.state[0]
