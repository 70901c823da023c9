"""One token through each layer in one call of the kernels."""

from collections.abc import Sequence

import torch
from torch import Tensor

from xverse_chat.engine.cpu.cache import CpuCache
from xverse_chat.engine.cpu.forward import CpuLayer
from xverse_chat.engine.cpu.kernel_products import KernelProduct
from xverse_chat.engine.cpu.library import Kernels, LayerAddress
from xverse_chat.engine.forward import CheckStop


class WholeLayers:
    """A ``OneToken``."""

    def __init__(
        self, kernels: Kernels, layers: Sequence[CpuLayer[KernelProduct]], epsilon: float
    ) -> None:
        self._kernels = kernels
        self._epsilon = epsilon
        self._layers = layers  # they own the memory
        self._addresses = [_address(layer) for layer in layers]
        hidden, inner = layers[0].qkv.address.columns, layers[0].down.address.columns
        self._room = torch.empty(5 * hidden + 3 * inner)

    def run(
        self,
        hidden: Tensor,
        cache: CpuCache,
        angles: tuple[Tensor, Tensor],
        check_stop: CheckStop,
    ) -> None:
        """Let ``hidden`` (1, K) pass through all layers, in place; ``cache`` has room."""
        for layer, cached in zip(self._addresses, cache.addresses, strict=True):
            check_stop()
            self._kernels.pass_layer(
                layer, cached, cache.length, angles, self._epsilon, hidden, self._room
            )


def _address(layer: CpuLayer[KernelProduct]) -> LayerAddress:
    products = (layer.qkv, layer.output, layer.gate_up, layer.down)
    return LayerAddress(
        layer.attention_norm.data_ptr(),
        layer.mlp_norm.data_ptr(),
        *(product.address for product in products),
    )
