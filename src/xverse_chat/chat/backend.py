"""What a conversation asks of a model: messages in, pieces of text out. Standard library only."""

import threading
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol, get_args

from xverse_chat.config import GenerationSettings

Role = Literal["system", "user", "assistant"]
ROLES: tuple[str, ...] = get_args(Role)

FinishReason = Literal["stop", "length", "interrupted"]


@dataclass(frozen=True, slots=True)
class Message:
    """One message. An assistant's may be kept although it was not said to its end.

    ``interrupted`` when someone or something broke it off, ``cut_off`` when it met the limit of
    its length.
    """

    role: Role
    content: str
    interrupted: bool = False
    cut_off: bool = False

    @property
    def is_unfinished(self) -> bool:
        """Tell whether the model could go on with it."""
        return self.interrupted or self.cut_off


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens read and written in one turn."""

    prompt_tokens: int
    completion_tokens: int

    @property
    def total_tokens(self) -> int:
        """The tokens the context holds after the turn."""
        return self.prompt_tokens + self.completion_tokens


@dataclass(frozen=True, slots=True)
class Timings:
    """Seconds of one turn; ``decode_tokens_per_s`` is None below two tokens.

    ``load_s`` is how long loading the model took, whether or not anyone waited for it.
    ``cached_tokens`` of the prompt were taken from the turns before and not computed again.
    """

    load_s: float
    prefill_s: float
    first_token_s: float
    decode_tokens_per_s: float | None
    cached_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Finish:
    """How a reply ended. ``dropped_messages`` oldest messages no longer fitted the context."""

    reason: FinishReason
    usage: Usage
    timings: Timings
    dropped_messages: int = 0


@dataclass(frozen=True, slots=True)
class ModelDescription:
    """What answers: shown in the welcome and in ``--json``.

    ``model_id`` such as ``xverse/XVERSE-7B-Chat`` or ``demo``; ``precision`` such as ``float16``
    or ``int4``; ``device`` such as ``cpu`` or ``cuda:0 (NVIDIA GeForce RTX 3090)``. ``folder`` is
    where it lies, None where that is not known.
    """

    model_id: str
    precision: str
    device: str
    context_tokens: int = field(compare=False)
    folder: Path | None = field(default=None, compare=False)


class Backend(Protocol):
    """A model that answers conversations, one at a time."""

    @property
    def description(self) -> ModelDescription:
        """What answers."""

    @property
    def default_settings(self) -> GenerationSettings:
        """How the next token is chosen where the user says nothing."""

    @property
    def memory_bytes(self) -> int:
        """What the model takes now of its device's memory, on a CPU all that the program takes."""

    def stream(
        self, messages: Sequence[Message], settings: GenerationSettings, stop: threading.Event
    ) -> Generator[str | Finish, None, None]:
        """Yield the reply in pieces, then one ``Finish``, always last.

        The pieces joined are the whole reply. Where the last message is an unfinished answer,
        they are what goes on from its last character. Setting ``stop`` (from any thread or a signal
        handler) ends the work within one step: the ``Finish`` then says "interrupted". Closing
        the generator stops the work as well. Raises ContextLengthError when the last message
        alone does not fit, and EngineError; after either the backend can be used again.
        """

    def count_tokens(self, messages: Sequence[Message]) -> list[int]:
        """Return how many tokens each message takes in a prompt that they make together.

        In their order; the last one's with all that stands between it and the first token of the
        reply. Any roles in any order can be counted, and none at all.
        """
