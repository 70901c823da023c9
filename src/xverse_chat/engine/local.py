"""The backend that computes on this machine."""

import threading
import time
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Self

import torch
from transformers import PreTrainedTokenizerFast

from xverse_chat.chat.backend import Finish, Message, ModelDescription
from xverse_chat.checkpoint.config_file import generation_settings
from xverse_chat.checkpoint.weights import parameter_count
from xverse_chat.config import GenerationSettings
from xverse_chat.engine.folders import inspect_folder, loaded_bits
from xverse_chat.engine.memory import precision_name, resolve_device, resolve_dtype
from xverse_chat.engine.model import XverseForCausalLM
from xverse_chat.engine.reply import stream_reply
from xverse_chat.engine.tokenizer import load_tokenizer
from xverse_chat.errors import EngineError, MemoryShortageError, UnavailableError
from xverse_chat.progress import Progress
from xverse_chat.wording import say

# Matrices of the demo model's size gain a sixth from a second thread while the machine is idle,
# and lose four fifths of the speed to waiting for it while anything else runs.
SMALL_MODEL_PARAMETERS = 50_000_000


class LocalBackend:
    """A loaded model with its tokenizer; a ``Backend``."""

    def __init__(
        self,
        model: XverseForCausalLM,
        tokenizer: PreTrainedTokenizerFast,
        description: ModelDescription,
        *,
        load_s: float,
    ) -> None:
        self._model = model
        self._tokenizer = tokenizer
        self._description = description
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
        tokenizer = load_tokenizer(folder)
        shortage: MemoryShortageError | None = None
        try:
            model = XverseForCausalLM.load(
                files,
                device=torch.device(where),
                dtype=getattr(torch, resolve_dtype(where, dtype)),
                bits=bits,
                progress=progress,
            )
            _probe(model)
            engine = model.prepare_engine(progress.note)
        except (torch.OutOfMemoryError, MemoryError):
            shortage = MemoryShortageError(
                say("The memory of {device} ran out while loading.", device=_device_name(where)),
                hint=say("Close what else uses it, or load with --quant 8 or --quant 4."),
            )
        if shortage is not None:
            raise shortage
        description = ModelDescription(
            model_id,
            precision_name(where, dtype, bits),
            _device_name(where),
            context_tokens=engine.context_tokens,
        )
        if (whole := files.config["max_position_embeddings"]) > engine.context_tokens:
            progress.note(
                say(
                    "The memory of {device} has room for a context of {tokens} tokens instead of "
                    "{whole}.",
                    device=_device_name(where),
                    tokens=engine.context_tokens,
                    whole=whole,
                )
            )
        return cls(model, tokenizer, description, load_s=time.perf_counter() - began)

    @property
    def description(self) -> ModelDescription:
        """What answers."""
        return self._description

    @property
    def default_settings(self) -> GenerationSettings:
        """What the folder's ``generation_config.json`` says."""
        return generation_settings(self._model.generation_config.to_diff_dict())

    def stream(
        self, messages: Sequence[Message], settings: GenerationSettings, stop: threading.Event
    ) -> Generator[str | Finish, None, None]:
        """Yield the reply in pieces, then the Finish."""
        yield from stream_reply(
            self._model.engine,
            self._tokenizer,
            messages,
            settings,
            eos_token_id=self._model.generation_config.eos_token_id,
            context_tokens=self._description.context_tokens,
            stop=stop,
            load_s=self._load_s,
        )


@torch.inference_mode()
def _probe(model: XverseForCausalLM) -> None:
    """Compute one token and refuse a model whose logits are not finite or all the same."""
    ids = torch.tensor([[model.generation_config.eos_token_id]], device=model.device)
    logits = model(input_ids=ids).logits.float()
    if not bool(torch.isfinite(logits).all()) or bool(logits.amax() == logits.amin()):
        raise EngineError(
            say(
                "The model computes nothing of use in {dtype}.",
                dtype=str(model.dtype).removeprefix("torch."),
            ),
            hint=say(
                "In float16 some weights overflow: try --dtype bfloat16 or float32. If that "
                "does not help, xverse-download --verify looks for damage."
            ),
        )


def _device_name(device: str) -> str:
    if device == "cpu":
        return "cpu"
    return f"{device} ({torch.cuda.get_device_name(device)})"
