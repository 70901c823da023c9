"""One decode step: from the token chosen last to the next, all on the device.

About five kernels a layer, in the order in which a Llama computes; what they share is allocated
once, so that the whole of it can be recorded as a CUDA graph.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from xverse_chat.engine.cuda.arguments import Launcher
from xverse_chat.engine.cuda.layout import DeviceMatrix
from xverse_chat.engine.cuda.shape import Shape
from xverse_chat.engine.cuda.tuning import Tuning

ROW_THREADS = 256
TEAM_THREADS = 256
ATTENTION_THREADS = 128
SAMPLING_THREADS = 1024
RING = 8
# float, float, float, int, 2 x unsigned: struct SamplingSettings of kernels/sampling.cuh.
SETTINGS_WORDS = 6


@dataclass(frozen=True, slots=True)
class LayerWeights:
    """The weights of one decoder layer; norms (hidden,) of the model's type."""

    input_norm: Tensor
    qkv: DeviceMatrix
    output: DeviceMatrix
    post_norm: Tensor
    gate_up: DeviceMatrix
    down: DeviceMatrix


@dataclass(frozen=True, slots=True)
class ModelWeights:
    """All weights as the kernels read them; ``embedding`` (vocab, hidden)."""

    embedding: Tensor
    layers: Sequence[LayerWeights]
    norm: Tensor
    head: DeviceMatrix

    @property
    def size_bytes(self) -> int:
        """What a step reads of them: all but the embedding."""
        matrices = [self.head]
        for layer in self.layers:
            matrices += [layer.qkv, layer.output, layer.gate_up, layer.down]
        return sum(matrix.size_bytes for matrix in matrices)


class StepBuffers:
    """What the kernels of a step hand to each other, and the KV cache of ``capacity`` tokens.

    ``cache`` (layers, 2, heads, capacity, head_dim) of the model's type; ``state`` int32: the
    token chosen last, the tokens in the cache, the tokens drawn; ``ring`` int32 on the host, where
    the device may write: the token of step n at n % RING, -1 when logits were no numbers.
    """

    def __init__(
        self, shape: Shape, tuning: Tuning, capacity: int, device: torch.device, angles: Tensor
    ) -> None:
        dtype = torch.bfloat16 if shape.is_bfloat16 else torch.float16

        def floats(*sizes: int) -> Tensor:
            return torch.zeros(sizes, dtype=torch.float32, device=device)

        self.capacity = capacity
        self.cache = torch.empty(
            (shape.layers, 2, shape.heads, capacity, shape.head_dim), dtype=dtype, device=device
        )
        self.angles = angles
        self.hidden = floats(shape.hidden)
        self.qkv = floats(3 * shape.hidden)
        self.mixed = torch.zeros(shape.hidden, dtype=dtype, device=device)
        self.gated = torch.zeros(shape.intermediate, dtype=dtype, device=device)
        self.logits = floats(shape.vocab)
        self.partials = floats(shape.heads, tuning.attention_splits, shape.head_dim + 2)
        self.arrivals = torch.zeros(shape.heads, dtype=torch.int32, device=device)
        self.seen = torch.zeros(shape.vocab, dtype=torch.uint8, device=device)
        self.settings = torch.zeros(SETTINGS_WORDS, dtype=torch.int32, device=device)
        self.state = torch.zeros(3, dtype=torch.int32, device=device)
        self.ring = torch.zeros(RING, dtype=torch.int32, pin_memory=device.type == "cuda")


class Step:
    """Starts the kernels of a step, in order."""

    def __init__(
        self,
        launcher: Launcher,
        shape: Shape,
        tuning: Tuning,
        weights: ModelWeights,
        buffers: StepBuffers,
    ) -> None:
        self._launcher = launcher
        self._shape = shape
        self._tuning = tuning
        self._weights = weights
        self._buffers = buffers

    def run(self) -> None:
        """Compute the token chosen last and choose the next."""
        buffers = self._buffers
        blocks = -(-self._shape.hidden // ROW_THREADS)
        self._launcher.launch(
            "embed",
            grid=(blocks, 1),
            threads=ROW_THREADS,
            arguments=[self._weights.embedding, buffers.state, buffers.hidden],
        )
        for number, layer in enumerate(self._weights.layers):
            self._run_layer(number, layer)
        self.choose(overlaps=True)

    def choose(self, *, overlaps: bool = False) -> None:
        """Choose a token from ``hidden``: norm, lm_head, sampling."""
        buffers = self._buffers
        self._multiply(
            "head_gemv",
            self._weights.head,
            [buffers.hidden, self._weights.norm, buffers.logits],
            overlaps=overlaps,
        )
        self._launcher.launch(
            "sample",
            grid=(1, 1),
            threads=SAMPLING_THREADS,
            arguments=[
                buffers.logits,
                buffers.seen,
                buffers.settings,
                buffers.state,
                buffers.ring,
            ],
            overlaps=True,
        )

    def _run_layer(self, number: int, layer: LayerWeights) -> None:
        buffers = self._buffers
        hidden = buffers.hidden
        self._multiply("qkv_gemv", layer.qkv, [hidden, layer.input_norm, buffers.qkv])
        self._launcher.launch(
            "attend",
            grid=(self._shape.heads, self._tuning.attention_splits),
            threads=ATTENTION_THREADS,
            arguments=[
                buffers.qkv,
                buffers.cache[number, 0],
                buffers.cache[number, 1],
                buffers.state,
                buffers.angles,
                buffers.capacity,
                buffers.partials,
                buffers.arrivals,
                buffers.mixed,
            ],
            overlaps=True,
        )
        self._multiply("output_gemv", layer.output, [buffers.mixed, hidden])
        self._multiply("gate_up_gemv", layer.gate_up, [hidden, layer.post_norm, buffers.gated])
        self._multiply("down_gemv", layer.down, [buffers.gated, hidden])

    def _multiply(
        self, kernel: str, matrix: DeviceMatrix, rest: list[Tensor], *, overlaps: bool = True
    ) -> None:
        blocks = min(self._tuning.gemv_blocks, -(-matrix.tiles // self._tuning.teams))
        self._launcher.launch(
            kernel,
            grid=(blocks, 1),
            threads=self._tuning.teams * TEAM_THREADS,
            arguments=[matrix, *rest],
            overlaps=overlaps,
        )
