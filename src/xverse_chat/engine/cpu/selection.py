"""Which forward a model gets on a CPU: the kernels', that of torch's operators, or none."""

from collections.abc import Callable, Sequence
from functools import cache
from typing import TYPE_CHECKING, TypeVar

from xverse_chat.engine.cpu.compiler import load_library
from xverse_chat.engine.cpu.forward import CpuForward, CpuLayer, float32_copy
from xverse_chat.engine.cpu.kernel_products import KernelProduct, make_kernel_product
from xverse_chat.engine.cpu.library import Kernels
from xverse_chat.engine.cpu.operators import choose_operators
from xverse_chat.engine.cpu.products import Product
from xverse_chat.engine.cpu.torch_products import make_torch_product
from xverse_chat.engine.cpu.torch_steps import TorchSteps
from xverse_chat.engine.cpu.whole_layers import WholeLayers
from xverse_chat.engine.unavailable import KernelsUnavailableError
from xverse_chat.wording import Sentence, say

if TYPE_CHECKING:
    from xverse_chat.engine.llama import LlamaModel

_LANES = 8
Made = TypeVar("Made", bound=Product)


def make_cpu_forward(model: "LlamaModel", note: Callable[[Sentence], None]) -> CpuForward | None:
    """Return a fast forward for ``model`` as it is now, or None where only the plain one can.

    That is so for weights elsewhere than on the CPU, parts that are no plain linear (adapters),
    other shapes than Llama's without grouped queries, and where hooks wait to be called.
    Quantizing or moving the model afterwards needs a new one. ``note`` is told where it is not the
    fastest.
    """
    if not _has_known_shape(model):
        return None
    try:
        return make_kernel_forward(model)
    except KernelsUnavailableError as error:
        forward = make_operator_forward(model)
        if forward is not None:
            note(error.note)
        return forward


def make_kernel_forward(model: "LlamaModel") -> CpuForward:
    """Return the forward of the compiled kernels; weights stay where they are.

    Raises KernelsUnavailableError for a machine or a shape that they are not made for.
    """
    kernels = _load_kernels()
    config = model.config
    size = config.hidden_size // config.num_attention_heads

    def make(names: Sequence[str]) -> KernelProduct | None:
        return make_kernel_product(kernels, [model.get_submodule(name) for name in names])

    made = _make_layers(model, make)
    if made is None or size % (2 * _LANES) or config.intermediate_size % _LANES:
        raise KernelsUnavailableError(
            say("the fast kernels are not made for a model of this shape")
        )
    layers, head = made
    whole = WholeLayers(kernels, layers, config.rms_norm_eps)
    return CpuForward(model, kernels, layers, head, whole)


def make_operator_forward(model: "LlamaModel") -> CpuForward | None:
    """Return the forward of torch's operators, or None where linears are none.

    They want 4-bit codes in another order: the model's modules then share those.
    """
    operators = choose_operators()
    made = _make_layers(model, lambda names: make_torch_product(model, names, operators))
    return None if made is None else CpuForward(model, TorchSteps(), *made)


@cache
def _load_kernels() -> Kernels:
    return Kernels(load_library())


def _has_known_shape(model: "LlamaModel") -> bool:
    config = model.config
    heads = config.num_attention_heads
    rotary = model.model.rotary_emb
    return (
        model.device.type == "cpu"
        and config.hidden_act == "silu"
        and config.num_key_value_heads == heads
        and rotary.rope_type == "default"
        and rotary.inv_freq.shape == (config.hidden_size // heads // 2,)
        and not any(part._forward_hooks or part._forward_pre_hooks for part in model.modules())
    )


def _make_layers(
    model: "LlamaModel", make: Callable[[Sequence[str]], Made | None]
) -> tuple[list[CpuLayer[Made]], Made] | None:
    """Return layers and lm_head, or None when the product of some linears cannot be made."""
    layers = []
    for number, layer in enumerate(model.model.layers):
        at = f"model.layers.{number}."
        qkv = make([f"{at}self_attn.{name}_proj" for name in "qkv"])
        output = make([f"{at}self_attn.o_proj"])
        gate_up = make([f"{at}mlp.gate_proj", f"{at}mlp.up_proj"])
        down = make([f"{at}mlp.down_proj"])
        if qkv is None or output is None or gate_up is None or down is None:
            return None
        attention_norm = float32_copy(layer.input_layernorm.weight)
        mlp_norm = float32_copy(layer.post_attention_layernorm.weight)
        layers.append(CpuLayer(attention_norm, mlp_norm, qkv, output, gate_up, down))
    head = make(["lm_head"])
    return None if head is None else (layers, head)
