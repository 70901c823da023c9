"""Whether the CPU's forward can compute a model, and the forward if it can."""

from functools import cache
from typing import TYPE_CHECKING

from torch import nn

from xverse_chat.engine.cpu.compiler import NoKernelsError, load_library
from xverse_chat.engine.cpu.forward import CpuForward, CpuLayer
from xverse_chat.engine.cpu.library import Kernels
from xverse_chat.engine.cpu.products import Product, make_product

if TYPE_CHECKING:
    from transformers import LlamaForCausalLM

_LANES = 8


def make_cpu_forward(model: "LlamaForCausalLM") -> CpuForward | None:
    """Return the fast forward for ``model`` as it is now, or None where only the plain one can.

    That is so without a C++ compiler or AVX2, for weights elsewhere than on the CPU, odd widths,
    parts that are no plain linear (adapters), and where hooks wait to be called. Quantizing or
    moving the model afterwards needs a new one.
    """
    if not _has_known_shape(model):
        return None
    try:
        kernels = _load_kernels()
    except NoKernelsError:
        return None
    layers = [_make_layer(kernels, layer) for layer in model.model.layers]
    head = make_product(kernels, [model.lm_head])
    if head is None or any(layer is None for layer in layers):
        return None
    return CpuForward(model, kernels, [layer for layer in layers if layer is not None], head)


@cache
def _load_kernels() -> Kernels:
    return Kernels(load_library())


def _has_known_shape(model: "LlamaForCausalLM") -> bool:
    config = model.config
    heads = config.num_attention_heads
    size = config.hidden_size // heads
    rotary = model.model.rotary_emb
    return (
        model.device.type == "cpu"
        and config.hidden_act == "silu"
        and config.num_key_value_heads == heads
        and rotary.rope_type == "default"
        and rotary.inv_freq.shape == (size // 2,)
        and size % (2 * _LANES) == 0
        and config.intermediate_size % _LANES == 0
        and not any(part._forward_hooks or part._forward_pre_hooks for part in model.modules())
    )


def _make_layer(kernels: Kernels, layer: nn.Module) -> CpuLayer | None:
    def product(*names: str) -> Product | None:
        return make_product(kernels, [layer.get_submodule(name) for name in names])

    qkv = product("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj")
    output = product("self_attn.o_proj")
    gate_up = product("mlp.gate_proj", "mlp.up_proj")
    down = product("mlp.down_proj")
    if qkv is None or output is None or gate_up is None or down is None:
        return None
    return CpuLayer(layer, qkv=qkv, output=output, gate_up=gate_up, down=down)
