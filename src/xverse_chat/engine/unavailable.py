"""Why a model is computed a slower way."""

from xverse_chat.errors import EngineError
from xverse_chat.wording import Sentence, say


class KernelsUnavailableError(EngineError):
    """Our kernels cannot be used here; slower ways can.

    The message is a clause that says why, without a full stop; the hint a sentence.
    """

    @property
    def note(self) -> Sentence:
        """What the user is told."""
        if self.hint:
            return say(
                "Answers will be slower than they could be: {reason}. {hint}",
                reason=self.message,
                hint=self.hint,
            )
        return say("Answers will be slower than they could be: {reason}.", reason=self.message)
