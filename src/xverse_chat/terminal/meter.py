"""How full the context is, in words. Standard library only."""

from dataclasses import dataclass

from xverse_chat.terminal.texts import Texts


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
