"""A model in the shape of XVERSE-7B-Chat with random weights, made where it is measured."""

import torch
from transformers import GenerationConfig, LlamaConfig

from xverse_chat.engine.model import XverseForCausalLM

VOCABULARY = 100_534
CONTEXT_TOKENS = 8192


def config_7b(layers: int = 32) -> LlamaConfig:
    """Return the shape of XVERSE-7B-Chat, perhaps with fewer layers."""
    return LlamaConfig(
        hidden_size=4096,
        intermediate_size=11008,
        num_hidden_layers=layers,
        num_attention_heads=32,
        num_key_value_heads=32,
        vocab_size=VOCABULARY,
        max_position_embeddings=CONTEXT_TOKENS,
        rms_norm_eps=1e-6,
        tie_word_embeddings=False,
    )


def random_model(
    config: LlamaConfig, *, bits: int, device: torch.device, dtype: torch.dtype
) -> XverseForCausalLM:
    """Return a model with weights from N(0, 0.02²), quantized where ``bits`` are 8 or 4."""
    with torch.device("meta"):
        model: XverseForCausalLM = XverseForCausalLM(config).to(dtype)
    model = model.to_empty(device=device)
    with torch.device(device):
        model.model.rotary_emb = type(model.model.rotary_emb)(config)
    generator = torch.Generator(device).manual_seed(0)
    for name, parameter in model.named_parameters():
        if "norm" in name:
            parameter.data.fill_(1)
        else:
            parameter.data.normal_(0, 0.02, generator=generator)
    model.generation_config = GenerationConfig(eos_token_id=3, pad_token_id=1)
    model.requires_grad_(False)
    model.eval()
    return model if bits == 16 else model.quantize(bits)


def random_ids(count: int, seed: int = 0) -> list[int]:
    """Return token ids without control tokens."""
    generator = torch.Generator().manual_seed(seed)
    ids: list[int] = torch.randint(10, VOCABULARY, (count,), generator=generator).tolist()
    return ids
