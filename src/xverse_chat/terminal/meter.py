"""How full the context is. Standard library only."""

from dataclasses import dataclass

from xverse_chat.chat.backend import Backend
from xverse_chat.chat.budget import context_used
from xverse_chat.chat.session import Session
from xverse_chat.terminal.texts import Texts

# No tokenizer makes fewer tokens of a text: what is longer is full, and is not worth counting.
_MOST_CHARACTERS_PER_TOKEN = 16


@dataclass(frozen=True, slots=True)
class Meter:
    """Tokens that the conversation takes, of the most that the model can read."""

    used_tokens: int
    context_tokens: int

    def told(self, texts: Texts) -> str:
        """Return it as one short text."""
        share = round(100 * self.used_tokens / max(1, self.context_tokens))
        return texts.meter.format(
            used=self.used_tokens, context=self.context_tokens, percent=min(100, share)
        )


class ContextGauge:
    """Measures how full the context is, anew only when the conversation has changed."""

    def __init__(self) -> None:
        self._measured: tuple[Session, int] | None = None
        self._meter = Meter(0, 0)

    def measure(self, session: Session, backend: Backend) -> Meter:
        """Return what the conversation takes of the model's context, up to now."""
        now = (session, len(session.events))
        if self._measured != now:
            self._meter = _measure(session, backend)
            self._measured = now
        return self._meter


def _measure(session: Session, backend: Backend) -> Meter:
    context_tokens = backend.description.context_tokens
    characters = sum(len(message.content) for message in session.prompt())
    if characters > _MOST_CHARACTERS_PER_TOKEN * context_tokens:
        return Meter(context_tokens, context_tokens)
    used = context_used(session, backend) if not session.is_empty else 0
    return Meter(min(used, context_tokens), context_tokens)
