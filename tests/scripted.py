"""A backend that says what it is told to, for tests of everything above the engine."""

import threading
from collections.abc import Generator, Sequence

from xverse_chat.chat.backend import Finish, Message, ModelDescription, Timings, Usage
from xverse_chat.config import GenerationSettings


class ScriptedBackend:
    """Answer each turn with the next script: pieces to say, or an exception to raise."""

    memory_bytes = 0

    def __init__(self, *scripts: Sequence[str | BaseException]) -> None:
        self.scripts = list(scripts)
        self.asked: list[tuple[Message, ...]] = []
        self.closed = 0
        self.description = ModelDescription("scripted", "float32", "cpu", context_tokens=2048)
        self.default_settings = GenerationSettings()

    def stream(
        self, messages: Sequence[Message], settings: GenerationSettings, stop: threading.Event
    ) -> Generator[str | Finish, None, None]:
        self.asked.append(tuple(messages))
        said = 0
        try:
            for item in self.scripts.pop(0):
                if stop.is_set():
                    yield self._finish("interrupted", said)
                    return
                if isinstance(item, BaseException):
                    raise item
                said += 1
                yield item
            yield self._finish("stop", said)
        finally:
            self.closed += 1

    def _finish(self, reason: str, said: int) -> Finish:
        timings = Timings(load_s=0.0, prefill_s=0.1, first_token_s=0.1, decode_tokens_per_s=10.0)
        return Finish(reason, Usage(5, said), timings)  # type: ignore[arg-type]

    def count_tokens(self, messages: Sequence[Message]) -> list[int]:
        """Count one token a character."""
        return [len(message.content) for message in messages]
