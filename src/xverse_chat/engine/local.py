"""The backend that computes on this machine."""

import threading
import time
from collections.abc import Generator, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import torch

from xverse_chat.chat.backend import Finish, Message, ModelDescription
from xverse_chat.checkpoint.config_file import generation_settings
from xverse_chat.checkpoint.weights import parameter_count
from xverse_chat.config import GenerationSettings
from xverse_chat.engine.failures import is_shortage
from xverse_chat.engine.folders import (
    ModelFiles,
    inspect_folder,
    loaded_bits,
    verify_changed_files,
)
from xverse_chat.engine.generate import Engine
from xverse_chat.engine.llama import PlainLlama
from xverse_chat.engine.making import make_decoder
from xverse_chat.engine.memory import (
    fitting_context,
    precision_name,
    resolve_device,
    resolve_dtype,
    used_bytes,
)
from xverse_chat.engine.prompt import count_tokens
from xverse_chat.engine.reply import stream_reply
from xverse_chat.engine.sampling import not_numbers_error
from xverse_chat.engine.tokenizer import TextTokenizer, load_text_tokenizer
from xverse_chat.engine.weights import load_weights
from xverse_chat.errors import (
    EngineError,
    MemoryShortageError,
    NotNumbersError,
    UnavailableError,
)
from xverse_chat.progress import Progress
from xverse_chat.wording import say

# Matrices of the demo model's size gain a sixth from a second thread while the machine is idle,
# and lose four fifths of the speed to waiting for it while anything else runs.
SMALL_MODEL_PARAMETERS = 50_000_000


class LocalBackend:
    """A loaded model with its tokenizer; a ``Backend``."""

    def __init__(
        self,
        engine: Engine,
        tokenizer: TextTokenizer,
        description: ModelDescription,
        *,
        device: str,
        generation: Mapping[str, Any],
        load_s: float,
    ) -> None:
        self._engine = engine
        self._tokenizer = tokenizer
        self._description = description
        self._device = device
        self._settings = generation_settings(generation)
        self._eos_token_id: int = generation["eos_token_id"]
        self._load_s = load_s

    @classmethod
    def load(
        cls,
        folder: Path,
        *,
        model_id: str,
        device: str = "auto",
        dtype: str | None = None,
        quant: int | None = None,
        progress: Progress,
    ) -> Self:
        """Load a model folder or an upstream folder, and see that it computes.

        A small model on a CPU takes torch down to one thread, for the whole process.

        Raises DataError for damaged files, UnavailableError for a device that is not there,
        MemoryShortageError, EngineError when the first logits are no numbers.
        """
        began = time.perf_counter()
        files = inspect_folder(folder)
        bits = loaded_bits(files, quant)
        where = resolve_device(device)
        if where != "cpu" and not torch.cuda.is_available():
            raise UnavailableError(
                say("PyTorch cannot use the GPU: its driver may be older than this build of CUDA."),
                hint=say("See what nvidia-smi shows, or use --device cpu."),
            )
        if where == "cpu" and parameter_count(files.config) < SMALL_MODEL_PARAMETERS:
            torch.set_num_threads(1)
        whole = files.config["max_position_embeddings"]
        room = fitting_context(files.config, device=where, dtype=dtype, quant=bits)
        tokenizer = load_text_tokenizer(folder)
        chosen_dtype = resolve_dtype(where, dtype)
        shortage: MemoryShortageError | None = None
        try:
            model = _load_model(
                files, torch.device(where), getattr(torch, chosen_dtype), quant, progress
            )
            decoder = make_decoder(model, quantization_bits=bits, note=progress.note)
            engine = Engine(decoder)
            _probe(engine, files.generation["eos_token_id"], chosen_dtype)
        except (RuntimeError, MemoryError) as error:
            if not is_shortage(error):
                raise
            shortage = MemoryShortageError(
                say("The memory of {device} ran out while loading.", device=_device_name(where)),
                hint=say("Close what else uses it, or load with --quant 8 or --quant 4."),
            )
        if shortage is not None:
            raise shortage
        context_tokens = engine.context_tokens
        if engine.cache_size_bytes == 0:  # it grows with the conversation, as far as it can
            context_tokens = min(context_tokens, room)
        description = ModelDescription(
            model_id,
            precision_name(where, dtype, bits),
            _device_name(where),
            context_tokens=context_tokens,
            folder=folder,
        )
        if whole > context_tokens:
            progress.note(
                say(
                    "The memory of {device} has room for a context of {tokens} tokens instead of "
                    "{whole}.",
                    device=_device_name(where),
                    tokens=context_tokens,
                    whole=whole,
                )
            )
        return cls(
            engine,
            tokenizer,
            description,
            device=where,
            generation=files.generation,
            load_s=time.perf_counter() - began,
        )

    @property
    def description(self) -> ModelDescription:
        """What answers."""
        return self._description

    @property
    def default_settings(self) -> GenerationSettings:
        """What the folder's ``generation_config.json`` says."""
        return self._settings

    @property
    def memory_bytes(self) -> int:
        """What the tensors on its GPU take; on a CPU all that the process takes."""
        return used_bytes(self._device)

    def stream(
        self, messages: Sequence[Message], settings: GenerationSettings, stop: threading.Event
    ) -> Generator[str | Finish, None, None]:
        """Yield the reply in pieces, then the Finish."""
        yield from stream_reply(
            self._engine,
            self._tokenizer,
            messages,
            settings,
            eos_token_id=self._eos_token_id,
            context_tokens=self._description.context_tokens,
            stop=stop,
            load_s=self._load_s,
        )

    def count_tokens(self, messages: Sequence[Message]) -> list[int]:
        """Return how many tokens each message takes in a prompt that they make together."""
        return count_tokens(self._tokenizer, messages, eos_token_id=self._eos_token_id)


def _load_model(
    files: ModelFiles,
    device: torch.device,
    dtype: torch.dtype,
    bits: int | None,
    progress: Progress,
) -> PlainLlama:
    verify_changed_files(files, progress)
    with torch.device("meta"):
        model = PlainLlama(files.config)
    load_weights(model, files, device=device, dtype=dtype, bits=bits, progress=progress)
    model.place_rotary(device)
    return model.eval()


def _probe(engine: Engine, token_id: int, dtype: str) -> None:
    """Compute one token and refuse a model whose logits are not finite or all the same.

    Also what loads libraries and takes their memory, before anybody waits for an answer.
    """
    one_token = GenerationSettings(do_sample=False, max_new_tokens=1)
    try:
        for _ in engine.reply([token_id], one_token, eos_token_id=-1, stop=threading.Event()):
            pass
        is_flat = bool(engine.logits.amax() == engine.logits.amin())
        engine.forget()
    except MemoryShortageError as error:
        raise MemoryError from error
    except NotNumbersError:
        is_flat = True
    if is_flat:
        raise EngineError(
            say("The model computes nothing of use in {dtype}.", dtype=dtype),
            hint=not_numbers_error().hint,
        )


def _device_name(device: str) -> str:
    if device == "cpu":
        return "cpu"
    return f"{device} ({torch.cuda.get_device_name(device)})"
