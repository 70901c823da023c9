"""From a prompt to the tokens of a reply: sync the cache, prefill, decode, stop.

The caller gives the whole prompt each time. What of it is already in the KV cache is not computed
again, so a conversation costs what is new in it.
"""

import gc
import threading
import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import torch
from torch import Tensor, nn

from xverse_chat.chat.backend import FinishReason
from xverse_chat.config import GenerationSettings
from xverse_chat.engine.cache import KVCache
from xverse_chat.engine.sampling import Sampler
from xverse_chat.errors import DeviceLostError, EngineError, MemoryShortageError

if TYPE_CHECKING:
    from transformers import LlamaForCausalLM

Argument = TypeVar("Argument")
Result = TypeVar("Result")

# Longer chunks gain no speed; shorter ones bound the memory that attention needs.
PREFILL_CHUNK_TOKENS = 512


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
    """Decodes with one model and one KV cache, one reply at a time."""

    def __init__(self, model: "LlamaForCausalLM") -> None:
        self._model = model
        self._cache = KVCache(model.config.num_hidden_layers)
        self._cached_ids: list[int] = []
        self._stop = threading.Event()
        self._reply_number = 0
        for layer in model.model.layers:
            layer.register_forward_pre_hook(self._check_stop)

    @property
    def cache_size_bytes(self) -> int:
        """Memory that the KV cache takes."""
        return self._cache.size_bytes

    def forget(self) -> None:
        """Give the KV cache's memory back. The next prompt is computed from its beginning."""
        self._cache = KVCache(self._model.config.num_hidden_layers)
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
        room = self._model.config.max_position_embeddings - len(prompt_ids)
        limit = min(settings.max_new_tokens, room)
        sampler = Sampler(settings, prompt_ids, self._model.device)
        cached = self._keep_common_prefix(prompt_ids)
        logits = self._run(prompt_ids[cached:])
        prefill_s = time.perf_counter() - began

        reason: FinishReason = "interrupted"
        count = 0
        first_token_s = prefill_s
        while logits is not None and not stop.is_set():
            token = self._guarded(sampler.choose, logits)
            count += 1
            if count == 1:
                first_token_s = time.perf_counter() - began
            if token == eos_token_id:
                reason = "stop"
                break
            yield token
            self._check_turn(number)
            if count >= limit:
                reason = "length"
                break
            logits = self._run([token])
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
        most = min(len(self._cached_ids), len(prompt_ids) - 1, self._cache.length)
        length = 0
        while length < most and self._cached_ids[length] == prompt_ids[length]:
            length += 1
        self._cache.truncate(length)
        del self._cached_ids[length:]
        return length

    def _run(self, ids: Sequence[int]) -> Tensor | None:
        """Compute ``ids`` and keep them in the cache; return the last logits (V,).

        None when stopped on the way: the cache then holds what was completed.
        """
        logits = None
        for first in range(0, len(ids), PREFILL_CHUNK_TOKENS):
            chunk = list(ids[first : first + PREFILL_CHUNK_TOKENS])
            try:
                logits = self._guarded(self._step, chunk)
            except _Stopped:
                self._cache.truncate(len(self._cached_ids))
                return None
            self._cached_ids += chunk
        return logits

    @torch.inference_mode()
    def _step(self, ids: list[int]) -> Tensor:
        inputs = torch.tensor([ids], device=self._model.device)
        output = self._model(
            input_ids=inputs, past_key_values=self._cache, use_cache=True, logits_to_keep=1
        )
        last: Tensor = output.logits[0, -1]
        return last

    def _guarded(self, work: Callable[[Argument], Result], argument: Argument) -> Result:
        """Do ``work``; on failure leave a cache that agrees with itself and map the error."""
        failure: EngineError
        try:
            return work(argument)
        except _Stopped:
            raise
        except EngineError as error:
            failure = error  # the cache may hold the values that were no numbers
        except (torch.OutOfMemoryError, MemoryError):
            failure = MemoryShortageError(
                "The memory ran out in the middle of an answer.",
                hint="Start a new conversation with /new, or load the model with --quant 8 or "
                "--quant 4, which leaves more room for long conversations.",
            )
        except torch.AcceleratorError as error:
            failure = DeviceLostError(
                f"The GPU failed: {str(error).partition(chr(10))[0]}",
                hint="Start the program anew. If it fails again, see what nvidia-smi shows.",
            )
        except RuntimeError as error:
            failure = EngineError(
                f"The computation failed: {str(error).partition(chr(10))[0]}",
                hint="If it happens again, start the program anew.",
            )
        # Outside of the except block: the traceback kept every tensor of the step alive.
        self.forget()
        gc.collect()
        if torch.cuda.is_available() and isinstance(failure, MemoryShortageError):
            torch.cuda.empty_cache()
        raise failure

    def _check_stop(self, layer: nn.Module, inputs: object) -> None:
        if self._stop.is_set():
            raise _Stopped

    def _check_turn(self, number: int) -> None:
        if number != self._reply_number:
            raise EngineError(
                "This stream was left behind: another chat with the same model has begun.",
                hint="Read a stream to its end, or close it, before the next call of chat().",
            )
