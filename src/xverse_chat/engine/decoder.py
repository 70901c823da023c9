"""What the engine drives: a KV cache that prompts go into and tokens come out of.

Two ways behind one protocol: the host chooses each token from logits, or a GPU chooses its own.
"""

from collections.abc import Generator, Sequence
from typing import Protocol

from torch import Tensor

from xverse_chat.config import GenerationSettings
from xverse_chat.engine.forward import CheckStop, Forward
from xverse_chat.engine.sampling import Sampler

# Longer chunks gain no speed on a CPU; shorter ones bound the memory that attention needs.
PREFILL_CHUNK_TOKENS = 512


class Decoder(Protocol):
    """Reads prompts and writes replies with one model and one KV cache."""

    @property
    def capacity(self) -> int:
        """The tokens that the KV cache can hold."""

    @property
    def length(self) -> int:
        """The tokens that the KV cache holds."""

    @property
    def size_bytes(self) -> int:
        """The memory that the KV cache takes."""

    @property
    def logits(self) -> Tensor:
        """The logits (V,) float32 that the last token was chosen from."""

    def truncate(self, length: int) -> None:
        """Keep the first ``length`` tokens."""

    def forget(self) -> None:
        """Keep nothing, and give back what memory can be given back."""

    def prefill(self, ids: Sequence[int], check_stop: CheckStop) -> None:
        """Append ``ids``, at least one. ``check_stop`` may raise: what was whole stays."""

    def decode(
        self,
        settings: GenerationSettings,
        seen_ids: Sequence[int],
        limit: int,
        check_stop: CheckStop,
    ) -> Generator[int, None, None]:
        """Yield the next token, append it, and so on, ``limit`` times at most.

        ``seen_ids`` are what the repetition penalty counts beside the reply's own tokens. To be
        closed by whoever ends it earlier. Raises EngineError for logits that are no numbers.
        """


class HostDecoder:
    """Chooses tokens on the host, from the logits that a ``Forward`` computes."""

    def __init__(self, forward: Forward, capacity: int) -> None:
        self._forward = forward
        self._capacity = capacity
        self._logits: Tensor | None = None

    @property
    def capacity(self) -> int:
        """The tokens that the KV cache can hold."""
        return self._capacity

    @property
    def length(self) -> int:
        """The tokens that the KV cache holds."""
        return self._forward.length

    @property
    def size_bytes(self) -> int:
        """The memory that the KV cache takes."""
        return self._forward.size_bytes

    @property
    def logits(self) -> Tensor:
        """The logits (V,) float32 that the next token is, or the last one was, chosen from."""
        assert self._logits is not None, "nothing was prefilled"
        return self._logits

    def truncate(self, length: int) -> None:
        """Keep the first ``length`` tokens."""
        self._forward.truncate(length)

    def forget(self) -> None:
        """Give the KV cache's memory back."""
        self._forward.forget()

    def prefill(self, ids: Sequence[int], check_stop: CheckStop) -> None:
        """Append ``ids`` in chunks."""
        for first in range(0, len(ids), PREFILL_CHUNK_TOKENS):
            chunk = ids[first : first + PREFILL_CHUNK_TOKENS]
            self._logits = self._forward.run(chunk, check_stop)

    def decode(
        self,
        settings: GenerationSettings,
        seen_ids: Sequence[int],
        limit: int,
        check_stop: CheckStop,
    ) -> Generator[int, None, None]:
        """Yield tokens. The last one of a reply that ends at ``limit`` is not appended."""
        sampler = Sampler(settings, seen_ids, self.logits.device)
        for number in range(1, limit + 1):
            token = sampler.choose(self.logits)
            yield token
            if number < limit:
                self._logits = self._forward.run([token], check_stop)
