"""The modules of a Llama with the names and weights of transformers' and without its forward.

Importing transformers' model takes longer than loading the weights. Every fast path computes from
the weights alone, so it gets these; ``with_forward`` moves them into transformers' model for the
way that needs it.
"""

from collections.abc import Mapping
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, TypeAlias

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from transformers import LlamaForCausalLM

    LlamaModel: TypeAlias = "LlamaForCausalLM | PlainLlama"


class PlainLlama(nn.Module):
    """A Llama's weights. ``config`` is that of ``checkpoint.config_file.llama_config``.

    To be made on the meta device, filled by ``load_weights``, and given its rotary frequencies.
    """

    def __init__(self, config: Mapping[str, Any]) -> None:
        super().__init__()
        self.config = SimpleNamespace(**config)
        self.model = _Body(self.config)
        self.lm_head = _linear(self.config.hidden_size, self.config.vocab_size)

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self.model.embed_tokens.weight.device

    @property
    def dtype(self) -> torch.dtype:
        """What the weights that are not quantized are in."""
        return self.model.embed_tokens.weight.dtype

    def tie_weights(self) -> None:
        """Let lm_head be the embedding."""
        self.lm_head.weight = self.model.embed_tokens.weight

    def place_rotary(self, device: torch.device) -> None:
        """Make the rotary frequencies, which no checkpoint holds, on ``device``."""
        with torch.device(device):
            self.model.rotary_emb = _Rotary(self.config)


def with_forward(model: "LlamaModel") -> "LlamaForCausalLM":
    """Return transformers' model around the same modules, or ``model`` where it is one."""
    if not isinstance(model, PlainLlama):
        return model
    from transformers import LlamaConfig, LlamaForCausalLM

    with torch.device("meta"):
        whole = LlamaForCausalLM(LlamaConfig(**vars(model.config)))
    for name, module in model.named_modules():
        if isinstance(module, _Norm):
            whole.get_submodule(name).weight = module.weight
        elif name and not isinstance(module, _Rotary) and not any(module.children()):
            whole.set_submodule(name, module)
    with torch.device(model.device):
        whole.model.rotary_emb = type(whole.model.rotary_emb)(whole.config)
    whole.eval()
    return whole


class _Body(nn.Module):
    def __init__(self, config: SimpleNamespace) -> None:
        super().__init__()
        self.rotary_emb: _Rotary
        self.embed_tokens = nn.Embedding(
            config.vocab_size,
            config.hidden_size,
            _weight=torch.empty(config.vocab_size, config.hidden_size),
        )
        self.layers = nn.ModuleList(_Layer(config) for _ in range(config.num_hidden_layers))
        self.norm = _Norm(config.hidden_size)


class _Layer(nn.Module):
    def __init__(self, config: SimpleNamespace) -> None:
        super().__init__()
        hidden, wide = config.hidden_size, config.intermediate_size
        self.self_attn = nn.Module()
        for name in "qkvo":
            self.self_attn.add_module(f"{name}_proj", _linear(hidden, hidden))
        self.mlp = nn.Module()
        self.mlp.add_module("gate_proj", _linear(hidden, wide))
        self.mlp.add_module("up_proj", _linear(hidden, wide))
        self.mlp.add_module("down_proj", _linear(wide, hidden))
        self.input_layernorm = _Norm(hidden)
        self.post_attention_layernorm = _Norm(hidden)


class _Norm(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(width))


class _Rotary(nn.Module):
    """``inv_freq`` (D/2,) float32, as transformers' rotary embedding of type "default" has it."""

    rope_type = "default"
    attention_scaling = 1.0
    inv_freq: Tensor

    def __init__(self, config: SimpleNamespace) -> None:
        super().__init__()
        width = config.hidden_size // config.num_attention_heads
        places = torch.arange(0, width, 2, dtype=torch.int64).float() / width
        self.register_buffer("inv_freq", 1.0 / config.rope_theta**places, persistent=False)


def _linear(columns: int, rows: int) -> nn.Linear:
    """Return a Linear as ``nn.Linear`` makes it, but for its first values.

    To draw those on the meta device torch imports its compiler.
    """
    linear = nn.Linear.__new__(nn.Linear)
    nn.Module.__init__(linear)
    linear.in_features, linear.out_features = columns, rows
    linear.weight = nn.Parameter(torch.empty(rows, columns))
    linear.register_parameter("bias", None)
    return linear
