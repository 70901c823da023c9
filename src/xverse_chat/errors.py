"""Every error a user can meet, each with what to do next and the exit code it leads to.

Standard library only. Foreign exceptions are mapped to these once, where they enter. What an error
says is made by ``say``, so that it can be told in the user's language.

    XverseChatError              1    anything else that failed
    ├── UsageError               2    an option or argument that cannot be
    ├── DataError               65    damaged, hostile or refused data
    │   └── ContextLengthError  65    one message longer than the context
    ├── UnavailableError        69    network, model, folder or device that is not there
    ├── EngineError             70    the engine failed
    │   ├── MemoryShortageError 70    does not fit into memory
    │   └── DeviceLostError     70    the GPU computes nothing more in this process
    ├── CannotCreateError       73    a file or folder cannot be made
    ├── DiskError               74    disk full, or reading or writing failed
    └── TransferError           75    a transfer broke off; running again resumes it

Ctrl-C ends with 130, hang-up with 129, termination with 143; those are no errors.
"""

from xverse_chat.wording import NOTHING, Sentence

# Of a program that Ctrl-C ended, as shells tell it.
INTERRUPTED_EXIT_CODE = 130


class XverseChatError(Exception):
    """A failure told in one paragraph: ``message`` is what is wrong, ``hint`` what to do next."""

    exit_code = 1

    def __init__(self, message: Sentence, *, hint: Sentence = NOTHING) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(XverseChatError):
    """An option, argument or call that cannot be."""

    exit_code = 2


class DataError(XverseChatError):
    """Data that is damaged, hostile or refused."""

    exit_code = 65


class ContextLengthError(DataError):
    """One message that is longer than the context has room for."""


class UnavailableError(XverseChatError):
    """A network, model, folder or device that is not there."""

    exit_code = 69


class EngineError(XverseChatError):
    """The engine failed while loading or answering."""

    exit_code = 70


class MemoryShortageError(EngineError):
    """The model, or a conversation with it, does not fit into memory."""


class NotNumbersError(EngineError):
    """The model computed logits that are NaN or infinite."""


class DeviceLostError(EngineError):
    """A GPU that failed in such a way that this process cannot use it any more."""


class CannotCreateError(XverseChatError):
    """A file or folder that cannot be created."""

    exit_code = 73


class DiskError(XverseChatError):
    """A full disk, or one that fails to read or write."""

    exit_code = 74


class TransferError(XverseChatError):
    """A transfer that broke off; the part that arrived is kept, running again resumes it."""

    exit_code = 75
