"""An exception from another thread, as something that can be shown. Standard library only."""

from xverse_chat.errors import EngineError, MemoryShortageError, XverseChatError
from xverse_chat.wording import say


def as_failure(error: BaseException) -> XverseChatError:
    """Return ``error`` as an XverseChatError without its traceback, or one that tells of it.

    A traceback keeps every tensor of the frames it went through alive, and with them the memory
    whose lack was the error.
    """
    if isinstance(error, XverseChatError):
        failure = error
    elif isinstance(error, MemoryError):
        failure = MemoryShortageError(say("The memory of this machine is full."))
    else:
        said = f"{type(error).__name__}: {error}".rstrip(": ")
        failure = EngineError(
            say("Something failed that should not be able to: {said}.", said=said),
            hint=say("This is a defect of xverse-chat. Please report it with this message."),
        )
    failure.__traceback__ = failure.__cause__ = failure.__context__ = None
    return failure
