"""What the options say of earlier conversations, and of saving this one."""

from dataclasses import dataclass

from xverse_chat.errors import UsageError
from xverse_chat.wording import say


@dataclass(frozen=True, slots=True)
class Remembrance:
    """Whether to go on with the last conversation or a named one, and whether to save it.

    ``keeps_history`` where what is typed is remembered for the next runs.
    """

    goes_on: bool
    name: str | None
    saves: bool
    keeps_history: bool

    def __post_init__(self) -> None:
        if self.goes_on and self.name is not None:
            raise UsageError(
                say("--continue and --session both say which conversation to go on with."),
                hint=say("Leave one out."),
            )
        if self.name is not None and not self.name.strip():
            raise UsageError(say("--session needs the name of a conversation."))

    @property
    def is_any(self) -> bool:
        """Whether an earlier conversation is asked for."""
        return self.goes_on or self.name is not None

    def check_for_file(self) -> None:
        """Raise UsageError where a whole conversation from a file is to be answered as well."""
        if self.is_any:
            raise UsageError(
                say("--messages is a whole conversation: there is no other one to go on with."),
                hint=say("Leave out --continue or --session, or ask with -p."),
            )
