"""A decoder whose tokens are chosen on the GPU, read by the host one step late.

The step is recorded as a CUDA graph, so that starting it costs the host some microseconds; where
recording fails, it is started as a kernel.
"""

import secrets
from collections.abc import Generator, Sequence

import torch
from torch import Tensor

from xverse_chat.config import GenerationSettings
from xverse_chat.engine.cuda.arguments import Launcher
from xverse_chat.engine.cuda.prefill import Prefill
from xverse_chat.engine.cuda.shape import Shape
from xverse_chat.engine.cuda.step import RING, ModelWeights, Step, StepBuffers
from xverse_chat.engine.cuda.tuning import Tuning
from xverse_chat.engine.cuda.unpacking import Unpacker
from xverse_chat.engine.forward import CheckStop
from xverse_chat.engine.sampling import not_numbers_error
from xverse_chat.engine.unavailable import KernelsUnavailableError

# Quantized weights are unpacked once for each chunk; longer ones need more memory on the way.
PREFILL_CHUNK_TOKENS = 2048


class CudaDecoder:
    """A ``Decoder`` on one GPU. On the CPU it works with a launcher that computes there."""

    def __init__(
        self,
        launcher: Launcher,
        shape: Shape,
        tuning: Tuning,
        weights: ModelWeights,
        buffers: StepBuffers,
        unpacker: Unpacker,
    ) -> None:
        self._buffers = buffers
        self._unpacker = unpacker
        self._device = buffers.state.device
        self._prefill = Prefill(launcher, shape, weights, buffers, unpacker)
        self._step = Step(launcher, shape, tuning, weights, buffers)
        self._graph: torch.cuda.CUDAGraph | None = None
        self._can_record = self._device.type == "cuda"
        self._length = 0

    @property
    def capacity(self) -> int:
        """The tokens that the KV cache can hold."""
        return self._buffers.capacity

    @property
    def length(self) -> int:
        """The tokens that the KV cache holds, or will when the GPU has done what was started."""
        return self._length

    @property
    def size_bytes(self) -> int:
        """The memory that the KV cache takes."""
        return self._buffers.cache.nbytes

    @property
    def logits(self) -> Tensor:
        """The logits (V,) float32 that the newest token was chosen from."""
        return self._buffers.logits

    def truncate(self, length: int) -> None:
        """Keep the first ``length`` tokens."""
        self._length = min(self._length, length)

    def forget(self) -> None:
        """Keep no token. The cache's memory stays: a recorded step knows its address."""
        self._length = 0
        self._unpacker.forget()
        self._prefill.forget()
        self._buffers.reset()

    def prefill(self, ids: Sequence[int], check_stop: CheckStop) -> None:
        """Append ``ids``; what ``check_stop`` interrupts is appended up to the last whole chunk."""
        everything = torch.tensor(ids, device=self._device)
        for chunk in torch.split(everything, PREFILL_CHUNK_TOKENS):
            self._prefill.run(chunk, self._length, check_stop)
            self._length += len(chunk)

    def decode(
        self,
        settings: GenerationSettings,
        seen_ids: Sequence[int],
        limit: int,
        check_stop: CheckStop,
    ) -> Generator[int, None, None]:
        """Yield tokens; the next step is under way while the host reads the one before."""
        buffers = self._buffers
        buffers.settings.copy_(_settings_words(settings))
        buffers.seen.zero_()
        buffers.seen[torch.tensor(list(seen_ids), dtype=torch.long, device=self._device)] = 1
        # The last token's keys and values are there, but its successor was not chosen.
        buffers.state[1:3] = torch.tensor([self._length - 1, 0], dtype=torch.int32)
        self._step.choose()
        chosen = self._mark()
        for number in range(limit):
            ahead = None
            if number + 1 < limit:
                self._start_step()
                self._length += 1
                ahead = self._mark()
            if chosen is not None:
                chosen.synchronize()
            token = int(buffers.ring[number % RING])
            if token < 0:
                raise not_numbers_error()
            yield token
            chosen = ahead

    def _start_step(self) -> None:
        if self._graph is None and self._can_record:
            self._graph = self._record()
        if self._graph is None:
            self._step.run()
        else:
            self._graph.replay()

    def _record(self) -> torch.cuda.CUDAGraph | None:
        graph = torch.cuda.CUDAGraph()
        torch.cuda.synchronize(self._device)
        try:
            with torch.cuda.graph(graph):
                self._step.run()
        except (RuntimeError, KernelsUnavailableError):
            self._can_record = False
            return None
        return graph

    def _mark(self) -> torch.cuda.Event | None:
        """Return what happens when all that was started is done; waiting for it sleeps."""
        if self._device.type != "cuda":
            return None
        event = torch.cuda.Event(blocking=True)  # type: ignore[no-untyped-call]
        event.record()
        return event


def _settings_words(settings: GenerationSettings) -> Tensor:
    """Return ``struct SamplingSettings`` of kernels/sampling.cuh, (6,) int32."""
    seed = secrets.randbits(63) if settings.seed is None else settings.seed
    floats = torch.tensor(
        [
            1.0 / settings.temperature if settings.do_sample else 0.0,
            settings.top_p,
            settings.repetition_penalty,
        ]
    )
    words = [settings.top_k, _signed(seed & 0xFFFFFFFF), _signed(seed >> 32)]
    return torch.cat((floats.view(torch.int32), torch.tensor(words, dtype=torch.int32)))


def _signed(word: int) -> int:
    return word - 2**32 if word >= 2**31 else word
