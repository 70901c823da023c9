"""The two calls people know: ``model.quantize(4|8)`` and ``model.chat(tokenizer, messages)``.

A plain transformers Llama otherwise: ``generate``, ``save_pretrained``, ``device_map`` and PEFT
work as on every other one.
"""

import threading
import warnings
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Literal, Self, overload

import torch
from transformers import (
    GenerationConfig,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedTokenizerFast,
)

from xverse_chat.chat.backend import Finish, Message
from xverse_chat.chat.conversation_file import parse_messages
from xverse_chat.checkpoint.config_file import generation_settings
from xverse_chat.config import QUANTIZATION_BITS
from xverse_chat.engine.folders import (
    ModelFiles,
    inspect_folder,
    loaded_bits,
    verify_changed_files,
)
from xverse_chat.engine.generate import Engine
from xverse_chat.engine.making import make_decoder
from xverse_chat.engine.quant import bits_of, linears, quantize_linear
from xverse_chat.engine.reply import stream_reply
from xverse_chat.engine.tokenizer import TextTokenizer
from xverse_chat.engine.weights import load_weights, read_weights
from xverse_chat.errors import UsageError
from xverse_chat.progress import NoProgress, Progress
from xverse_chat.wording import Sentence, say


class XverseForCausalLM(LlamaForCausalLM):
    """An XVERSE chat model. ``quantization_bits`` is None, 4 or 8."""

    quantization_bits: int | None = None
    _engine: Engine | None = None
    _engine_place: tuple[torch.device, int] | None = None

    @classmethod
    def from_pretrained(cls, folder: str | Path, **options: Any) -> Self:
        """Load a model folder, or an upstream folder as it was published.

        ``options`` are those of transformers (``dtype``, ``device_map``, …). Nothing is fetched
        and no code of the folder runs. For a quantized folder they are ``dtype``, and
        ``device_map`` with one device. Raises UnavailableError for a folder that is not there,
        DataError for one that is damaged or incomplete.
        """
        files = inspect_folder(Path(folder))
        if files.quantization_bits is not None:
            return cls._from_quantized(files, **options)
        verify_changed_files(files, NoProgress())
        weights = dict(read_weights(files))
        model: Self = super().from_pretrained(
            None, config=_llama_config(files), state_dict=weights, **options
        )
        model.generation_config = GenerationConfig(**files.generation)
        model.eval()
        return model

    @classmethod
    def load(
        cls,
        files: ModelFiles,
        *,
        device: torch.device,
        dtype: torch.dtype,
        bits: int | None,
        progress: Progress,
    ) -> Self:
        """Load straight to a device, quantizing on the way: the peak is hardly above the end."""
        verify_changed_files(files, progress)
        with torch.device("meta"):
            model = cls(_llama_config(files))
        load_weights(model, files, device=device, dtype=dtype, bits=bits, progress=progress)
        # The only buffers are the rotary frequencies, which no checkpoint holds.
        with torch.device(device):
            model.model.rotary_emb = type(model.model.rotary_emb)(model.config)
        model.generation_config = GenerationConfig(**files.generation)
        model.quantization_bits = loaded_bits(files, bits)
        model.eval()
        return model

    @classmethod
    def _from_quantized(
        cls,
        files: ModelFiles,
        *,
        dtype: torch.dtype = torch.float16,
        device_map: str | torch.device = "cpu",
        **unknown: Any,
    ) -> Self:
        if unknown:
            raise UsageError(
                say("A quantized folder is not loaded with {names}.", names=", ".join(unknown))
            )
        if not isinstance(dtype, torch.dtype):
            raise UsageError(
                say("dtype={dtype!r} is none; it is one such as torch.float16.", dtype=dtype)
            )
        try:
            device = torch.device(device_map)
        except (RuntimeError, TypeError) as error:
            raise UsageError(
                say(
                    "A quantized folder goes to one device; device_map={device_map!r} is none.",
                    device_map=device_map,
                ),
                hint=say('It is one such as "cuda:0".'),
            ) from error
        return cls.load(files, device=device, dtype=dtype, bits=None, progress=NoProgress())

    def quantize(self, bits: int) -> Self:
        """Replace every linear by one of 4 or 8 bits, lm_head by one of 8; return the model.

        Works where the model is, on a CPU or a GPU. Raises UsageError for another number, or when
        called a second time.
        """
        if bits not in QUANTIZATION_BITS or isinstance(bits, bool):
            raise UsageError(say("quantize({bits!r}) is impossible: bits are 4 or 8.", bits=bits))
        if self.quantization_bits is not None:
            raise UsageError(
                say(
                    "The model is quantized to {bits} bits already.",
                    bits=self.quantization_bits,
                ),
                hint=say("Load it again to quantize it another way."),
            )
        for name, linear in list(linears(self)):
            if name == "lm_head" and self.config.tie_word_embeddings:
                continue  # it is the embedding's, which stays
            weight = linear.weight.detach()
            self.set_submodule(name, quantize_linear(weight, bits=bits_of(name, bits)))
        self.quantization_bits = bits
        self._engine = None
        return self

    @overload
    def chat(
        self,
        tokenizer: PreTrainedTokenizerFast,
        messages: Sequence[Mapping[str, str]],
        stream: Literal[False] = False,
        generation_config: GenerationConfig | None = None,
    ) -> str: ...

    @overload
    def chat(
        self,
        tokenizer: PreTrainedTokenizerFast,
        messages: Sequence[Mapping[str, str]],
        stream: Literal[True],
        generation_config: GenerationConfig | None = None,
    ) -> Generator[str, None, None]: ...

    def chat(
        self,
        tokenizer: PreTrainedTokenizerFast,
        messages: Sequence[Mapping[str, str]],
        stream: bool = False,
        generation_config: GenerationConfig | None = None,
    ) -> str | Generator[str, None, None]:
        """Answer a conversation of ``{"role", "content"}`` that ends with the user's turn.

        Returns the whole text, or with ``stream`` a generator of its pieces; closing that stops
        the work. Keys set in ``generation_config`` go before the model's own. Raises
        ContextLengthError, DataError for messages that cannot be, EngineError.
        """
        pieces = self._pieces(tokenizer, parse_messages(list(messages)), generation_config)
        return pieces if stream else "".join(pieces)

    @property
    def engine(self) -> Engine:
        """What decodes for this model; it holds the KV cache of the last conversation.

        Made when it is first asked for, and again after the model was moved. Raises
        MemoryShortageError when there is no room for the least context that is of use.
        """
        return self.prepare_engine(warn_of_slowness)

    def prepare_engine(self, note: Callable[[Sentence], None]) -> Engine:
        """Return the engine; ``note`` is told where it cannot be a fast one."""
        place = (self.device, self.model.embed_tokens.weight.data_ptr())
        if self._engine is None or self._engine_place != place:
            self._engine = None  # its cache, before the next one is taken
            decoder = make_decoder(self, quantization_bits=self.quantization_bits, note=note)
            self._engine = Engine(decoder)
            self._engine_place = (self.device, self.model.embed_tokens.weight.data_ptr())
        return self._engine

    def _pieces(
        self,
        tokenizer: PreTrainedTokenizerFast,
        messages: Sequence[Message],
        generation_config: GenerationConfig | None,
    ) -> Generator[str, None, None]:
        own = self.generation_config.to_diff_dict()
        chosen = generation_config.to_diff_dict() if generation_config is not None else {}
        events = stream_reply(
            self.engine,
            TextTokenizer.of(tokenizer),
            messages,
            generation_settings({**own, **chosen}),
            eos_token_id=self.generation_config.eos_token_id,
            context_tokens=self.engine.context_tokens,
            stop=threading.Event(),
        )
        with closing(events):
            for event in events:
                if not isinstance(event, Finish):
                    yield event


def _llama_config(files: ModelFiles) -> LlamaConfig:
    return LlamaConfig(**files.config, architectures=["LlamaForCausalLM"])


def warn_of_slowness(note: Sentence) -> None:
    """Warn in Python's way, for those who use the model from a program of their own."""
    warnings.warn(note, RuntimeWarning, stacklevel=3)
