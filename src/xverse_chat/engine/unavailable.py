"""Why a model is computed a slower way."""

from xverse_chat.errors import EngineError


class KernelsUnavailableError(EngineError):
    """Our kernels cannot be used here; slower ways can.

    The message is a clause that goes on from "Answers will be slow: "; the hint a sentence.
    """

    @property
    def note(self) -> str:
        """What the user is told."""
        return f"Answers will be slow: {self.message}. {self.hint}".rstrip()
