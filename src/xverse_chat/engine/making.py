"""Which decoder a model gets: the fastest one that can compute it where it is."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from xverse_chat.engine.cpu.selection import make_cpu_forward
from xverse_chat.engine.cuda.making import make_cuda_decoder
from xverse_chat.engine.decoder import Decoder, HostDecoder
from xverse_chat.engine.forward import Forward
from xverse_chat.engine.llama import with_forward
from xverse_chat.engine.unavailable import KernelsUnavailableError
from xverse_chat.wording import Sentence

if TYPE_CHECKING:
    from xverse_chat.engine.llama import LlamaModel


def make_decoder(
    model: "LlamaModel", *, quantization_bits: int | None, note: Callable[[Sentence], None]
) -> Decoder:
    """Return a decoder that shares the model's weights; ``note`` is told when it is a slow one.

    Raises MemoryShortageError when there is no room for the least context that is of use.
    """
    if model.device.type == "cuda":
        try:
            return make_cuda_decoder(model, quantization_bits=quantization_bits)
        except KernelsUnavailableError as error:
            note(error.note)
    forward = make_cpu_forward(model, note) or _plain_forward(model)
    return HostDecoder(forward, model.config.max_position_embeddings)


def _plain_forward(model: "LlamaModel") -> Forward:
    from xverse_chat.engine.transformers_forward import TransformersForward

    return TransformersForward(with_forward(model))
