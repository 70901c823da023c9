"""One decode step: from the token chosen last to the next, one kernel, all on the device.

What it needs is allocated once, so that it can be recorded as a CUDA graph.
"""

import ctypes
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from xverse_chat.engine.cuda.arguments import Launcher, Matrix
from xverse_chat.engine.cuda.layout import WARPS, DeviceMatrix
from xverse_chat.engine.cuda.shape import Shape
from xverse_chat.engine.cuda.tuning import Tuning

# Figures of kernels/sampling.cuh: tokens that the host may be late to read, and 32-bit words of
# the settings, of the state and of the histograms (counts and 64-bit masses of 1024 bins, thrice).
RING = 8
SETTINGS_WORDS = 6
STATE_WORDS = 5
HISTOGRAM_WORDS = 3 * 1024 * 3
# Of a block, beside those that compute: kernels/ring.cuh.
READING_WARPS = 4


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
    """What the blocks of a step hand to each other, and the KV cache of ``capacity`` tokens.

    ``cache`` (layers, 2, heads, capacity, head_dim) of the model's type; ``angles`` cos and sin
    (capacity or more, head_dim / 2, 2) float32; ``state`` int32: the token chosen last, the tokens
    in the cache, the tokens drawn, the last meeting of the blocks, the last round of layers;
    ``ring`` int32 on the host, where the device may write: the token of step n at n % RING, -1
    when logits were no numbers.
    """

    def __init__(
        self, shape: Shape, tuning: Tuning, capacity: int, device: torch.device, angles: Tensor
    ) -> None:
        dtype = torch.bfloat16 if shape.is_bfloat16 else torch.float16

        def zeros(*sizes: int, of: torch.dtype) -> Tensor:
            return torch.zeros(sizes, dtype=of, device=device)

        self.capacity = capacity
        self.cache = torch.empty(
            (shape.layers, 2, shape.heads, capacity, shape.head_dim), dtype=dtype, device=device
        )
        self.angles = angles
        # Words of kernels/exchange.cuh.
        self.hidden = zeros(2, shape.hidden, of=torch.int32)
        self.qkv = zeros(3 * shape.hidden, of=torch.int32)
        self.gated = zeros(shape.intermediate, of=torch.int32)
        self.mixes = zeros(shape.heads, tuning.splits, shape.head_dim, of=torch.int32)
        self.weights = zeros(shape.heads, tuning.splits, 2, of=torch.int32)
        self.arrivals = zeros(1, of=torch.int32)
        self.phases = zeros(1, of=torch.int32)
        self.logits = zeros(shape.vocab, of=torch.float32)
        self.seen = zeros(shape.vocab, of=torch.uint8)
        self.settings = zeros(SETTINGS_WORDS, of=torch.int32)
        self.state = zeros(STATE_WORDS, of=torch.int32)
        self.ring = torch.zeros(RING, dtype=torch.int32, pin_memory=device.type == "cuda")
        self.bests = zeros(2, tuning.blocks, 2, of=torch.int32)
        self.faults = zeros(tuning.blocks, of=torch.int32)
        self.histograms = zeros(HISTOGRAM_WORDS, of=torch.int32)

    def reset(self) -> None:
        """Make of everything but the cache what it was at first: after a step that failed."""
        for words in (
            self.hidden,
            self.qkv,
            self.gated,
            self.mixes,
            self.weights,
            self.arrivals,
            self.phases,
            self.state,
        ):
            words.zero_()


class _Arguments(ctypes.Structure):
    """``struct StepArguments`` of kernels/step.cuh."""

    _fields_ = (
        ("layers", ctypes.c_void_p),
        ("embedding", ctypes.c_void_p),
        ("norm", ctypes.c_void_p),
        ("head", Matrix),
        *(
            (name, ctypes.c_void_p)
            for name in (
                "angles",
                "hidden",
                "qkv",
                "gated",
                "mixes",
                "weights",
                "arrivals",
                "phases",
            )
        ),
        *(
            (name, ctypes.c_void_p)
            for name in ("logits", "seen", "settings", "state", "ring", "bests", "faults")
        ),
        ("histograms", ctypes.c_void_p),
        ("capacity", ctypes.c_int),
        ("layer_count", ctypes.c_int),
    )


class Step:
    """Starts the kernel of a step."""

    def __init__(
        self,
        launcher: Launcher,
        shape: Shape,
        tuning: Tuning,
        weights: ModelWeights,
        buffers: StepBuffers,
    ) -> None:
        self._launcher = launcher
        self._tuning = tuning
        self._layer_count = shape.layers
        self._layers = _layer_table(weights.layers, buffers)
        self._kept = weights, buffers
        own = (
            "angles",
            "hidden",
            "qkv",
            "gated",
            "mixes",
            "weights",
            "arrivals",
            "phases",
            "logits",
            "seen",
        )
        rest = ("settings", "state", "ring", "bests", "faults", "histograms")
        self._addresses = {
            "layers": self._layers.data_ptr(),
            "embedding": weights.embedding.data_ptr(),
            "norm": weights.norm.data_ptr(),
            "head": Matrix.of(weights.head),
            **{name: getattr(buffers, name).data_ptr() for name in (*own, *rest)},
            "capacity": buffers.capacity,
        }
        self._shared_bytes = launcher.constant("step_shared_bytes")

    def run(self) -> None:
        """Compute the token chosen last, append its keys and values, choose the next."""
        self._launch(self._layer_count)

    def choose(self) -> None:
        """Choose a token from ``hidden`` (hidden,), what the last layer left of the last token.

        The cache is taken to hold that token already: ``state`` must count one token less.
        """
        self._launch(0)

    def _launch(self, layer_count: int) -> None:
        self._launcher.launch(
            "decode_step",
            blocks=self._tuning.blocks,
            threads=32 * (self._tuning.teams * WARPS + READING_WARPS),
            arguments=[_Arguments(**self._addresses, layer_count=layer_count)],
            shared_bytes=self._shared_bytes,
            together=True,
        )


def _layer_table(layers: Sequence[LayerWeights], buffers: StepBuffers) -> Tensor:
    """Return ``struct Layer`` of kernels/stream.cuh for each layer, as addresses (layers, 12)."""
    rows = []
    for layer, cache in zip(layers, buffers.cache, strict=True):
        row = [layer.input_norm.data_ptr(), layer.post_norm.data_ptr()]
        for matrix in (layer.qkv, layer.output, layer.gate_up, layer.down):
            scales = matrix.scales
            row += [matrix.weights.data_ptr(), 0 if scales is None else scales.data_ptr()]
        rows.append([*row, cache[0].data_ptr(), cache[1].data_ptr()])
    return torch.tensor(rows, dtype=torch.int64).to(buffers.cache.device)
