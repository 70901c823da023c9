"""From a prompt to the tokens of a reply: sync the cache, prefill, decode, stop.

The caller gives the whole prompt each time. What of it is already in the KV cache is not computed
again, so a conversation costs what is new in it.
"""

import gc
import threading
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import Tensor

from xverse_chat.chat.backend import FinishReason
from xverse_chat.config import GenerationSettings
from xverse_chat.engine.decoder import Decoder
from xverse_chat.engine.failures import failure_in_answer
from xverse_chat.errors import EngineError, MemoryShortageError
from xverse_chat.wording import say

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a reply ended. Times in seconds; ``tokens`` counts the end token as well."""

    reason: FinishReason
    tokens: int
    cached_tokens: int
    prefill_s: float
    first_token_s: float
    decode_s: float


class _Stopped(Exception):
    """The stop event was set in the middle of a step."""


class Engine:
    """Drives one decoder, one reply at a time, and knows which tokens its KV cache holds."""

    def __init__(self, decoder: Decoder) -> None:
        self._decoder = decoder
        self._cached_ids: list[int] = []
        self._stop = threading.Event()
        self._reply_number = 0

    @property
    def context_tokens(self) -> int:
        """The most tokens that a prompt and its reply may have together."""
        return self._decoder.capacity

    @property
    def cache_size_bytes(self) -> int:
        """Memory that the KV cache takes."""
        return self._decoder.size_bytes

    @property
    def logits(self) -> Tensor:
        """The logits (V,) float32 that the last token was chosen from."""
        return self._decoder.logits

    def forget(self) -> None:
        """Give back what memory can be. The next prompt is computed from its beginning."""
        self._decoder.forget()
        self._cached_ids = []

    def reply(
        self,
        prompt_ids: Sequence[int],
        settings: GenerationSettings,
        *,
        eos_token_id: int,
        stop: threading.Event,
    ) -> Generator[int | Outcome, None, None]:
        """Yield the tokens of a reply as they are chosen, without the end token, then the Outcome.

        Setting ``stop`` ends the work at the next layer. Raises EngineError (also when a newer
        reply was begun meanwhile: there is one cache) and MemoryShortageError.
        """
        self._reply_number += 1
        number = self._reply_number
        began = time.perf_counter()
        self._stop = stop
        limit = min(settings.max_new_tokens, self._decoder.capacity - len(prompt_ids))
        cached = self._keep_common_prefix(prompt_ids)
        self._cached_ids = list(prompt_ids)
        reason: FinishReason = "interrupted"
        count = 0
        first_token_s = prefill_s = 0.0
        tokens = self._decoder.decode(settings, prompt_ids, limit, self._check_stop)
        with closing(tokens):
            try:
                self._guarded(lambda: self._decoder.prefill(prompt_ids[cached:], self._check_stop))
                prefill_s = first_token_s = time.perf_counter() - began
                while not stop.is_set():
                    token = self._guarded(lambda: next(tokens))
                    count += 1
                    if count == 1:
                        first_token_s = time.perf_counter() - began
                    self._cached_ids.append(token)
                    if token == eos_token_id:
                        reason = "stop"
                        break
                    yield token
                    self._check_turn(number)
                    if count >= limit:
                        reason = "length"
                        break
            except _Stopped:
                pass
            finally:
                if number == self._reply_number:
                    tokens.close()
                    del self._cached_ids[self._decoder.length :]
        yield Outcome(
            reason=reason,
            tokens=count,
            cached_tokens=cached,
            prefill_s=prefill_s,
            first_token_s=first_token_s,
            decode_s=time.perf_counter() - began - first_token_s,
        )

    def _keep_common_prefix(self, prompt_ids: Sequence[int]) -> int:
        """Cut the cache back to what it shares with the prompt; return that length.

        The last token is always computed: its logits are wanted.
        """
        most = min(len(self._cached_ids), len(prompt_ids) - 1, self._decoder.length)
        length = 0
        while length < most and self._cached_ids[length] == prompt_ids[length]:
            length += 1
        self._decoder.truncate(length)
        return length

    def _guarded(self, work: Callable[[], Result]) -> Result:
        """Do ``work``; on failure leave a cache that agrees with itself and map the error."""
        failure: EngineError
        try:
            return work()
        except _Stopped:
            raise
        except EngineError as error:
            failure = error  # the cache may hold the values that were no numbers
        except (RuntimeError, MemoryError) as error:
            failure = failure_in_answer(error)
        # Outside of the except block: the traceback kept every tensor of the step alive.
        self.forget()
        gc.collect()
        if torch.cuda.is_available() and isinstance(failure, MemoryShortageError):
            torch.cuda.empty_cache()
        raise failure

    def _check_stop(self) -> None:
        if self._stop.is_set():
            raise _Stopped

    def _check_turn(self, number: int) -> None:
        if number != self._reply_number:
            raise EngineError(
                say("This stream was left behind: another chat with the same model has begun."),
                hint=say("Read a stream to its end, or close it, before the next call of chat()."),
            )
